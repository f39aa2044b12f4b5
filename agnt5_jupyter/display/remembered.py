"""What memories hold, read for a panel or a page: memories answer in coroutines, and these wait for them on a loop of
their own, never on the notebook's.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeVar

import agnt5

T = TypeVar("T")

KINDS: Final = ("working", "episodic", "semantic", "procedural")


def answer(ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What a coroutine gives, waited for on a thread of its own: this one may have a loop that runs."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(asyncio.run(ask()))
        except BaseException as error:
            future.set_exception(error)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name="agnt5-remembered", daemon=True).start()
    return future.result()


def kinds_of(memory: Any) -> dict[str, Any]:
    """Memories by kind: of a Memory, an agent that has one, or a single one. ConfigurationError for all else."""
    if isinstance(memory, agnt5.Agent):
        if not memory.memory:
            raise agnt5.ConfigurationError(f"Agent {memory.name!r} has no memory: give it `memory=True`, or a Memory.")
        memory = memory.memory_of(None)
    found = {kind: getattr(memory, kind) for kind in KINDS if hasattr(memory, kind)}
    kind = getattr(memory, "kind", None)
    if not found and kind in KINDS:
        found = {kind: memory}
    if not found:
        raise agnt5.ConfigurationError(f"This is no memory, nor an agent that has one: {memory!r}.")
    return found


def snapshots(kinds: dict[str, Any], limit: int) -> dict[str, Any]:
    """The newest of each kind, with counts."""

    async def ask() -> dict[str, Any]:
        return {kind: await one.snapshot(limit=limit) for kind, one in kinds.items()}

    return answer(ask)
