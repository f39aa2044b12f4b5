"""Futures, tasks and handles of the flow loop: asyncio's own, made cheap and ordered.

Futures and tasks hash by creation number, because asyncio keeps them in sets and a set ordered by `id` differs in every
process. Equality stays identity. They must never be given to a loop other than the flow loop that made them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any, Protocol


class FlowFuture(asyncio.Future[Any]):
    __slots__ = ("number",)
    number: int

    def __hash__(self) -> int:
        return self.number


class FlowTask(asyncio.Task[Any]):
    __slots__ = ("number",)
    number: int

    def __hash__(self) -> int:
        return self.number


class Ready(asyncio.Handle):
    """A callback that will run in this drain or the next. `asyncio.Handle.__init__` is passed by: it costs a
    microsecond for a source traceback that only debug mode fills."""

    __slots__ = ()
    _callback: Callable[..., Any]
    _args: Sequence[Any]
    _context: Context
    _cancelled: bool
    _source_traceback: None

    def __init__(self, callback: Callable[..., Any], args: tuple[Any, ...], context: Context) -> None:
        self._callback = callback
        self._args = args
        self._context = context
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True

    def __repr__(self) -> str:
        return f"<Ready {getattr(self._callback, '__qualname__', self._callback)!s}>"


class _Timers(Protocol):
    def _forget_timer(self, seq: int) -> None: ...


# The seq of a timer that was never armed: one for an infinite delay, or one that a fenced run asked for.
NEVER = -1


class Timer(asyncio.TimerHandle):
    """A durable timer. Cancelling it before it fired is a command; afterwards it only keeps the callback from
    running."""

    __slots__ = ("_flow", "seq")
    _callback: Callable[..., Any]
    _args: Sequence[Any]
    _context: Context
    _cancelled: bool
    _when: float
    _source_traceback: None

    def __init__(
        self, when: float, callback: Callable[..., Any], args: tuple[Any, ...], context: Context, flow: _Timers
    ) -> None:
        self._callback = callback
        self._args = args
        self._context = context
        self._cancelled = False
        self._when = when
        self._scheduled = False
        self._flow = flow
        self.seq = NEVER

    def cancel(self) -> None:
        if not self._cancelled:
            self._cancelled = True
            self._flow._forget_timer(self.seq)

    def __repr__(self) -> str:
        return f"<Timer {self.seq} when={self._when} {getattr(self._callback, '__qualname__', self._callback)!s}>"
