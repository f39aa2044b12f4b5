"""Static lists: the runs of a store, and what can be run. Nothing of them moves, and they change nothing.

Of runs it tells what their journals noted; of the very long ones, as much as their beginning does.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import agnt5

from .cards import first_line, signature_of
from .page import INK, Markup, Page, dot, el, head, mono, plain, signed, table, whole
from .runpage import money, span
from .settings import values_saved
from .totals import Totals
from .trace import Trace
from .words import kind_of, short

if TYPE_CHECKING:
    from agnt5 import Run

_MOST: Final = 200
"""Runs that are shown."""
_READ: Final = 2_000
"""Entries of a run of which tokens and cost are summed."""
_NOTE: Final = 70
_CONTEXT: Final = re.compile(r"^\((?:ctx|context)(?:: [\w.\[\]'\"]+)?(?:, |(?=\)))")
"""The parameter that a caller does not give."""


class _Row(NamedTuple):
    id: str
    component: str
    status: str
    created: str
    took: str
    tokens: int
    cost: float
    more: bool
    note: str


def runs_page(runs: Sequence[Run]) -> Page:
    """Status, times, what was used, and what is to be known: an error, a wait, how an interrupted run goes on."""
    rows = [row for run in runs[:_MOST] if (row := _run(run)) is not None]
    if not rows:
        return _empty("no runs yet")
    heads = ["run", "component", "status", "created", "took"]
    used = [any(row.tokens for row in rows), any(row.cost for row in rows)]
    heads += [name for name, there in zip(("tokens", "cost"), used, strict=True) if there]
    heads += ["note"] if any(row.note for row in rows) else []
    counts = Counter(row.status for row in rows)
    facts = [f"{number:,} {status}" for status, number in counts.items()]
    left = len(runs) - _MOST
    shown: list[list[str]] = []
    for row in rows:
        line = [row.id, row.component, row.status, row.created, row.took]
        more = "+" if row.more else ""
        numbers = (f"{row.tokens:,}{more}" if row.tokens else "", f"{money(row.cost)}{more}" if row.cost else "")
        line += [text for text, there in zip(numbers, used, strict=True) if there]
        shown.append([*line, row.note] if heads[-1] == "note" else line)
    marked = [_marked(line, heads) for line in shown]
    parts = [head("Runs", *facts), table(heads, marked)]
    told = plain(heads, [[*line[:2], signed(line[2]), *line[3:]] for line in shown])
    if left > 0:
        parts.append(el("div", f"{left:,} more runs", style=INK))
        told += f"\n{left:,} more runs"
    return Page(whole("", *parts), told)


def _run(run: Run) -> _Row | None:
    try:
        trace = Trace(run, limit=_READ)
        more = bool(trace.poll(1)) and not trace.live
        caller = run.caller
    except agnt5.RunNotFound:  # deleted since it was listed
        return None
    totals = Totals()
    totals.take(trace.entries)
    facts = totals.facts()
    return _Row(
        id=run.id,
        component=short(trace.component, 60),
        status="interrupted" if trace.interrupted else trace.status,
        created=f"{datetime.fromtimestamp(trace.created, UTC):%Y-%m-%d %H:%M:%S}",
        took=span(trace.ended - trace.started) if trace.started and trace.ended else "",
        tokens=facts["tokens"],
        cost=facts["cost"],
        more=more,
        note="; ".join(filter(None, (f"called by {caller.id}" if caller else "", _note(trace, totals)))),
    )


def _note(trace: Trace, totals: Totals) -> str:
    if trace.interrupted:
        return f"%agnt5 resume {trace.run_id}"
    if trace.reason:
        line = trace.reason.partition("\n")[0]
        return short(line if values_saved() else kind_of(line), _NOTE)
    names = [one.name for one in totals.waits] if trace.live else []
    asked = next((name for name in names if name.startswith("approval:")), None)
    if asked is not None:
        return f"asks a person: %agnt5 approve {trace.run_id}"
    return short(f"waits for {', '.join(dict.fromkeys(names))}", _NOTE) if names else ""


def _marked(line: Sequence[str], heads: Sequence[str]) -> list[str | Markup]:
    note = heads[-1] == "note"
    shown: list[str | Markup] = [mono(line[0]), el("strong", line[1], style="font-weight:600"), dot(line[2])]
    shown += [el("span", text, style="white-space:nowrap") for text in line[3:5]] + [*line[5:]]
    if note and line[-1].startswith("%agnt5"):
        shown[-1] = mono(line[-1])
    return shown


def own_components(components: Iterable[Any]) -> list[Any]:
    """A person's: what agents are made of is none of them."""
    return [one for one in components if not one.name.startswith("agnt5.")]


def components_page(components: Iterable[Any]) -> Page:
    """Name, kind, module, what it takes, and the first line of what is said about it."""
    own = own_components(components)
    found = [(one.name, made_by(one), one.module, _takes(one), _about(one)) for one in own]
    if not found:
        return _empty("no components yet")
    heads = ["name", "kind", "module", "takes", "about"]
    rows = [[short(text, 80) for text in line] for line in found]
    for place in (4, 3):
        if not any(line[place] for line in rows):
            heads.pop(place)
            rows = [[*line[:place], *line[place + 1 :]] for line in rows]
    counts = Counter(line[1] for line in rows)
    facts = [f"{number:,} {kind}{'' if number == 1 else 's'}" for kind, number in counts.items()]
    code = {place for place, name in enumerate(heads) if name in ("module", "takes")}
    marked = [
        [
            el("strong", line[0], style="font-weight:600"),
            *(mono(text) if place in code and text else text for place, text in enumerate(line[1:], 1)),
        ]
        for line in rows
    ]
    return Page(whole("", head("Components", *facts), table(heads, marked)), plain(heads, rows))


def made_by(component: Any) -> str:
    """What made it: agents and workflows are flows underneath."""
    words = str(component.__module__).split(".")
    return words[1] if words[0] == "agnt5" and words[1:2] in (["agent"], ["workflow"]) else component.kind_name


def _takes(component: Any) -> str:
    """Its parameters; an agent is asked, and a workflow is given what its first steps take."""
    if made_by(component) in ("agent", "workflow") or not values_saved():
        return ""
    return _CONTEXT.sub("(", signature_of(component.fn))


def _about(component: Any) -> str:
    if made_by(component) == "agent" and not values_saved():
        return ""  # its instructions
    return first_line(inspect.cleandoc(component.__doc__ or ""))


def _empty(text: str) -> Page:
    return Page(whole("", el("div", text, style=INK)), text)
