"""The static page of a memory: the newest of each kind, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import agnt5

from .page import INK, Page, el, head, plain, table, whole
from .settings import values_saved
from .words import short

if TYPE_CHECKING:
    from datetime import datetime

_LINE = 100


def memory_page(namespace: str, found: dict[str, Any], mark: str) -> Page:
    parts = [head(f"Memory {namespace}", *(f"{kind} {one.count:,}" for kind, one in found.items()))]
    lines = [f"Memory {namespace}"]
    for kind, one in found.items():
        if not one.count:
            continue
        went = f", {one.trimmed:,} had to go" if one.trimmed else ""
        title = f"{kind}: {one.count:,} of at most {one.capacity:,}{went}"
        parts.append(el("div", title, style=f"margin-top:10px;{INK}"))
        lines.append(title)
        if values_saved():
            heads, rows = _READ[kind](one)
            parts.append(table(heads, rows))
            lines.append(plain(heads, rows))
    return Page(whole(mark, *parts), agnt5.visible("\n".join(lines)))


def _line(value: Any) -> str:
    return "" if value is None else short(str(agnt5.outline_of(value, levels=0)["line"]), _LINE)


def _day(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def _working(found: Any) -> Any:
    return ("key", "value", "stored"), [(short(one.key), _line(one.value), _day(one.stored)) for one in found.entries]


def _episodic(found: Any) -> Any:
    return ("when", "kind", "data"), [(_day(one.at), short(one.kind), _line(one.data)) for one in found.episodes]


def _semantic(found: Any) -> Any:
    return ("added", "fact", "data"), [(_day(one.at), short(one.text, _LINE), _line(one.data)) for one in found.facts]


def _procedural(found: Any) -> Any:
    heads = ("name", "steps", "went well", "success rate")
    return heads, [
        (short(one.name), _line(one.steps), f"{one.successes} of {one.uses}", f"{one.success_rate:.0%}")
        for one in found.procedures
    ]


_READ: dict[str, Any] = {
    "working": _working,
    "episodic": _episodic,
    "semantic": _semantic,
    "procedural": _procedural,
}
