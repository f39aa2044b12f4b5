"""The static page of a run: status, what it did, what came of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import agnt5

from .nested import number_of
from .page import Markup, Page, code, dot, el, head, plain, table, whole
from .settings import values_saved
from .words import long, origin_of, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnt5 import Run

    from .nested import Nested, Row
    from .totals import Totals
    from .trace import Trace

_ROWS = 40


def run_page(trace: Trace, nested: Nested, totals: Totals, run: Run, mark: str) -> Page:
    facts = totals.facts()
    told = [span(_lasted(trace)), count(facts["entries"], "entry", "entries")]
    if facts["tokens"]:
        told.append(count(facts["tokens"], "token"))
    if facts["cost"]:
        told.append(money(facts["cost"]))
    status = "interrupted" if trace.interrupted else trace.status
    parts = [head(f"{trace.component}", dot(status), el("code", trace.run_id), *told)]
    lines = [f"{trace.component}  {status}  {trace.run_id}  " + "  ".join(one for one in told if one)]
    if trace.interrupted:
        parts.append(el("div", LEFT, el("code", f"%agnt5 resume {trace.run_id}")))
        lines.append(f"{LEFT}%agnt5 resume {trace.run_id}")
    rows = entry_rows(list(nested.ordered()), trace.created, values=False)
    shown = [*rows[: _ROWS // 2], *rows[max(_ROWS // 2, len(rows) - _ROWS // 2) :]] if len(rows) > _ROWS else rows
    if rows:
        parts.append(table(HEADS, [_marked(row) for row in shown]))
        lines.append(plain(HEADS, shown))
    if len(shown) < len(rows):
        parts.append(el("div", f"{len(rows) - len(shown):,} more entries between", style="opacity:.72"))
    if not trace.live:
        end = _end(run, trace)
        if end:
            parts.append(code(end))
            lines.append(end)
    for warning in trace.warnings:
        parts.append(el("div", f"warning: {long(warning)}"))
    return Page(whole(mark, *parts), "\n".join(lines))


LEFT = "Nobody drives it: its process went away. It goes on after its last recorded step with "

HEADS = ("entry", "state", "kind", "path", "tries", "took")


def entry_rows(entries: Sequence[Row], since: float, *, values: bool) -> list[tuple[str, ...]]:
    """`since`: when their run was made, in seconds since 1970. A fork answers what had been asked before."""
    return [
        (
            str(number_of(entry)),
            entry.state,
            entry.kind,
            "· " * entry.depth + short(entry.path or entry.name, 90),
            str(entry.attempts) if entry.attempts > 1 else "",
            origin_of(entry) or span(took_of(entry, since)),
            *(_worth(entry) if values else ()),
        )
        for entry in entries
    ]


def took_of(row: Row, since: float) -> float | None:
    """Seconds in this run; None while it is under way."""
    return None if row.ended is None else max(row.ended.timestamp() - max(row.started.timestamp(), since), 0)


def _worth(entry: Row) -> tuple[str, str]:
    """Lines of what it was given and of what came."""
    return entry.line("input", 70), short(entry.error, 70) if entry.error else entry.line("output", 70)


def _marked(row: tuple[str, ...]) -> tuple[str | Markup, ...]:
    return row[0], dot(row[1]), *row[2:]


def _end(run: Run, trace: Trace) -> str:
    """The result or the error in a few lines; only its kind where values stay out of what is saved."""
    journal = run.journal
    failure = journal.failure
    if failure is not None:
        return long(f"{failure.name}: {failure.message}") if values_saved() else failure.name
    if trace.status == "completed" and values_saved():
        found = journal.outline(levels=0) or {}
        if found.get("kind") == "null":
            return ""
        return str(found.get("text") or found.get("line", ""))
    return ""


def _lasted(trace: Trace) -> float | None:
    return trace.ended - trace.started if trace.started and trace.ended else None


def span(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def money(dollars: float) -> str:
    return f"${dollars:.4f}" if dollars < 0.1 else f"${dollars:.2f}"


def as_json(value: Any) -> str:
    """A value as JSON that a person may edit; what JSON lacks as text."""
    return agnt5.visible(json.dumps(value, indent=2, ensure_ascii=False, default=str))
