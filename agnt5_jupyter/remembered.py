"""What memories hold as tables: the four kinds of one namespace, and the list of all namespaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .display import remembered
from .display.remembered import answer
from .table import Table
from .views import day, values_shown

_ROWS = 50


def snapshots(memory: Any) -> dict[str, Any]:
    """By kind, for a Memory or one kind of it; kinds that hold nothing are left out."""
    found = remembered.snapshots(remembered.kinds_of(memory), _ROWS)
    return {kind: one for kind, one in found.items() if one.count or one.trimmed}


def tables(memory: Any) -> Iterator[Table]:
    """A table for each kind that holds something."""
    found = snapshots(memory)
    for kind, snapshot in found.items():
        went = f", {snapshot.trimmed} had to go" if snapshot.trimmed else ""
        caption = f"{kind} memory of {snapshot.namespace}: {snapshot.count} of {snapshot.capacity}{went}"
        heads, rows = _READ[kind](snapshot)
        if not values_shown():
            kept = [place for place, head in enumerate(heads) if head not in _HIDDEN]
            heads, rows = [heads[place] for place in kept], [[row[place] for place in kept] for row in rows]
        yield Table(heads, rows, caption)
    if not found:
        yield Table((), (), empty=f"nothing is remembered in {memory.namespace}")


def namespaces_table() -> Table:
    """Everything that is remembered in this store."""
    from agnt5.memory import namespaces

    rows = [(one.namespace, one.kind, one.count, one.trimmed) for one in answer(namespaces)]
    return Table(("namespace", "kind", "holds", "had to go"), rows, "memories", empty="nothing is remembered yet")


# What a saved notebook keeps to itself when `outputs` is "summary".
_HIDDEN = ("value", "data", "fact", "steps")


def _working(found: Any) -> Any:
    return ["key", "value", "stored"], [[one.key, repr(one.value), day(one.stored)] for one in found.entries]


def _episodic(found: Any) -> Any:
    return ["when", "kind", "data"], [[day(one.at), one.kind, repr(one.data)] for one in found.episodes]


def _semantic(found: Any) -> Any:
    return ["added", "fact", "data"], [[day(one.at), one.text, repr(one.data)] for one in found.facts]


def _procedural(found: Any) -> Any:
    heads = ["name", "steps", "successes", "failures", "success rate", "learned"]
    rows = [
        [one.name, repr(one.steps), one.successes, one.failures, f"{one.success_rate:.0%}", day(one.learned)]
        for one in found.procedures
    ]
    return heads, rows


_READ: dict[str, Callable[[Any], Any]] = {
    "working": _working,
    "episodic": _episodic,
    "semantic": _semantic,
    "procedural": _procedural,
}
