"""Tables and texts of runs, journals, replays and the like, with values or, when `outputs` is "summary", without.

Without values a view still shows names, times and counts: what a saved notebook may tell everybody.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import agnt5

from .display.cellnames import with_cells
from .display.words import kind_of
from .table import Table, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agnt5 import Diff, Entry, Journal, Replay, Report, Run


def values_shown() -> bool:
    """Whether displays may show prompts and values."""
    return agnt5.settings().outputs == "full"


def run_table(run: Run) -> Table:
    """One run: its facts, and its result when it has one."""
    status = "interrupted" if run.interrupted else run.status
    facts: list[tuple[str, Any]] = [("id", run.id), ("component", run.component), ("status", status)]
    facts += [("created", day(run.created)), ("took", span(run.duration))]
    if run.parent is not None:
        facts.append(("made from", run.parent.id))
    journal = run.journal
    facts.append(("entries", f"{len(journal)}, {sum(entry.ended is not None for entry in journal)} done"))
    if error := _error(run):
        facts.append(("error", error))
    elif values_shown() and (result := journal.outline(levels=0)) is not None:
        facts.append(("result", result["line"]))
    return Table(("run", ""), facts)


def journal_table(journal: Journal) -> Table:
    heads = ("seq", "kind", "path", "input", "output", "tries", "took")
    if not values_shown():
        heads = ("seq", "kind", "path", "outcome", "tries", "took")
    return Table(heads, (_entry(entry) for entry in journal), f"journal of {journal.run_id}", empty="no entries yet")


def _entry(entry: Entry) -> tuple[Any, ...]:
    path = "  " * entry.depth + (entry.path or entry.name)
    took = "" if entry.ended is None else span(entry.ended - entry.started)
    tries = entry.attempts or ""
    if not values_shown():
        outcome = kind_of(entry.error) if entry.error else "..." if entry.ended is None else "done"
        return entry.seq, entry.kind, path, outcome, tries, took
    given = entry.input
    asked = "" if given is None else str(given) if entry.kind in _CALLS else repr(given)
    return entry.seq, entry.kind, path, asked, _came(entry), tries, took


_CALLS = ("step", "call", "child", "object", "start")


def _came(entry: Entry) -> str:
    if entry.error:
        return f"! {entry.error}"
    if entry.ended is None:
        return "..."
    return "" if entry.output is None else repr(entry.output)


def replay_text(replay: Replay) -> Text:
    if values_shown():
        return Text(str(replay))
    lines = [repr(replay)[1:-1], replay.source.rstrip()]
    if replay.locals:
        lines.append(f"  locals: {', '.join(replay.locals)}")
    if replay.state:
        lines.append(f"  state: {', '.join(replay.state)}")
    if replay.divergence is not None:
        lines.append(f"diverges at entry {replay.divergence.seq}")
    return Text("\n".join(line for line in lines if line))


def diff_view(diff: Diff) -> Table | Text:
    if values_shown():
        return Text(str(diff))
    rows = (
        (row.kind, row.entry.kind, row.entry.path, row.old and row.old.seq, row.new and row.new.seq)
        for row in diff.changed
    )
    return Table(("change", "kind", "path", "old", "new"), rows, "differences")


def tree_table(run: Run) -> Table:
    """The family of a run, from the eldest: forks and reruns below what they were made of."""
    eldest = run
    while (parent := eldest.parent) is not None:
        eldest = parent
    heads = ("run", "status", "created", "took", "error")
    return Table(heads, (_relative(one, depth, run) for one, depth in _family(eldest, 0)), f"family of {run.id}")


def _family(run: Run, depth: int) -> Iterator[tuple[Run, int]]:
    yield run, depth
    for fork in run.forks:
        yield from _family(fork, depth + 1)


def _relative(run: Run, depth: int, here: Run) -> tuple[Any, ...]:
    name = "  " * depth + run.id + (" ←" if run == here else "")
    return name, run.status, day(run.created), span(run.duration), _error(run)


def _error(run: Run) -> str:
    error = run.error
    if not error:
        return ""
    return error.partition("\n")[0] if values_shown() else kind_of(error)


def day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def span(length: timedelta | None) -> str:
    if length is None:
        return ""
    seconds = length.total_seconds()
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def report_text(report: Report) -> Text:
    if values_shown():
        return Text(with_cells(str(report)))
    told = f"{len(report.compatible)} of {len(report)} recorded runs replay"
    return Text("\n".join([told, *(f"{one.run_id} diverges at entry {one.seq}" for one in report.diverging)]))
