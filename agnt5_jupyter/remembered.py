"""What a memory holds, read for a view: the four kinds of one namespace, and the list of all namespaces.

Memories answer in coroutines; a magic cannot await. They are asked on a thread with a loop of its own, so that the
notebook's loop is neither entered nor patched.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from .table import Table
from .views import day, values_shown

T = TypeVar("T")

KINDS = ("working", "episodic", "semantic", "procedural")
_ROWS = 50


def answer(ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What a coroutine gives, waited for on a thread of its own."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(asyncio.run(ask()))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, name="agnt5-memory", daemon=True).start()
    return future.result()


def snapshots(memory: Any) -> dict[str, Any]:
    """By kind, for a Memory or one kind of it; kinds that hold nothing are left out."""
    kinds = {kind: getattr(memory, kind) for kind in KINDS if hasattr(memory, kind)} or {memory.kind: memory}

    async def ask() -> dict[str, Any]:
        return {kind: await one.snapshot(limit=_ROWS) for kind, one in kinds.items()}

    return {kind: found for kind, found in answer(ask).items() if found.count or found.trimmed}


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
