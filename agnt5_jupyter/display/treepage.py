"""The static page of a family of runs: a table whose first column branches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import agnt5

from .page import Page, dot, el, head, plain, table, whole
from .runpage import count, span
from .settings import values_saved
from .words import short

if TYPE_CHECKING:
    from .family import Member

_HEADS = ("run", "state", "cut", "changed", "took", "outcome")
_ROWS = 100


def tree_page(members: list[Member], chosen: str, mark: str) -> Page:
    values = values_saved()
    rows = [_row(one, values) for one in members[:_ROWS]]
    forks = count(len(members) - 1, "fork or rerun", "forks and reruns")
    title = f"Runs made of {short(members[0].component)}" if members else "Runs"
    parts = [head(title, forks)]
    marked = [
        (
            el("code", row[0], style="white-space:pre" + (";font-weight:700" if one.id == chosen else "")),
            dot(row[1]),
            *row[2:],
        )
        for one, row in zip(members, rows, strict=False)
    ]
    parts.append(table(_HEADS, marked))
    lines = [f"{title}  {forks}", plain(_HEADS, rows)]
    if len(members) > _ROWS:
        parts.append(el("div", f"and {len(members) - _ROWS:,} more"))
    return Page(whole(mark, *parts), agnt5.visible("\n".join(lines)))


def _row(one: Member, values: bool) -> tuple[str, ...]:
    branch = "· " * (one.depth - 1) + "└ " if one.depth else ""
    cut = f"after {one.at}" if one.how == "fork" else one.how
    outcome = short(one.outcome, 60) if values else ""
    return branch + one.id, one.status, cut, ", ".join(one.changed), span(one.seconds), outcome
