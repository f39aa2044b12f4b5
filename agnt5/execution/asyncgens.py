"""The async generators of a flow: held until they are exhausted or the run ends, never closed by the garbage collector.

When a collector finds one is no part of a replay, so a flow's `finally:` blocks must never run because of it.
"""

from __future__ import annotations

import sys
from asyncio import _get_running_loop  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
from typing import Any


class FirstIteration:
    """The hook that Python calls when an async generator starts: a flow's is held, any other goes to the host's
    hook."""

    __slots__ = ("_otherwise",)

    def __init__(self, otherwise: Any) -> None:
        self._otherwise = otherwise

    def __call__(self, agen: Any) -> None:
        loop = _get_running_loop()
        held = getattr(loop, "asyncgens", None)
        if type(held) is AsyncGens:
            held.add(agen)
        elif self._otherwise is not None:
            self._otherwise(agen)


def hook() -> Any:
    """Put our hook on this thread; returns what `unhook` needs to take it away.

    Under a running host loop it stays, because setting it costs as much as a completion: the host's `run_forever` puts
    back what it found. The finalizer stays the host's own: a flow's generator is held, and so never finalized unended.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(firstiter=FirstIteration(hooks[0]))
    return hooks


def unhook(hooks: Any) -> None:
    sys.set_asyncgen_hooks(*hooks)


class AsyncGens:
    """The live async generators of one flow loop, in the order they started."""

    __slots__ = ("_held", "_sweep_at")

    def __init__(self) -> None:
        self._held: list[Any] = []
        self._sweep_at = 64

    def add(self, agen: Any) -> None:
        self._held.append(agen)
        if len(self._held) >= self._sweep_at:
            self._held = self.live()
            self._sweep_at = max(64, 2 * len(self._held))

    def live(self) -> list[Any]:
        return [agen for agen in self._held if agen.ag_frame is not None]

    def clear(self) -> None:
        self._held.clear()
