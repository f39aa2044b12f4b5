"""What this package changes in asyncio and around it, once per process, so that plain asyncio replays in flows.

Each change asks first whether a flow loop runs on this thread; anywhere else the original runs unchanged. This is the
only place that may touch asyncio:

- `asyncio.wait_for`, `as_completed` and `all_tasks` answer in a repeatable order (`ordered`). The *code* of the
  functions is exchanged, not the names, so `from asyncio import wait_for` gets it too, however early it ran;
- a lock, queue or event that belongs to another run says so in words of runs;
- the future that `gather` returns hashes by order of first use instead of address;
- a coroutine that was never awaited becomes a warning on the run;
- anyio's cancel scopes are refused: anyio keeps state and schedules by itself, in ways no replay can repeat.
"""

from __future__ import annotations

import asyncio
import asyncio.mixins
import asyncio.tasks
import sys
import warnings
from asyncio import _get_running_loop  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, ClassVar, cast

from agnt5.errors import FlowIOError
from agnt5.execution import ordered
from agnt5.execution.frames import caller, place
from agnt5.execution.ioless import IOLessLoop

if TYPE_CHECKING:
    from agnt5.execution.flowloop import FlowLoop

_installed = False
_anyio_guarded = False
ANYIO = "anyio._backends._asyncio"
_ANYIO_REMEDY = (
    "Use plain asyncio in flows (`asyncio.TaskGroup`, `asyncio.timeout`), or move the code into a function and write "
    "`await ctx.call(function, ...)`."
)


class _Seen:
    """What the exchanged code finds in the globals of its asyncio module, as `_agnt5`."""

    here = staticmethod(lambda: isinstance(_get_running_loop(), IOLessLoop))
    wait_for = staticmethod(ordered.wait_for)
    as_completed = staticmethod(ordered.as_completed)
    originals: ClassVar[dict[str, Any]] = {}

    @staticmethod
    def all_tasks(loop: Any) -> Any:
        loop = _get_running_loop() if loop is None else loop
        return cast("FlowLoop", loop).all_tasks() if isinstance(loop, IOLessLoop) else None

    @staticmethod
    def get_loop(bound: Any) -> Any:
        loop = _get_running_loop()
        if bound._loop is not None and bound._loop is not loop:
            other = "another run" if isinstance(bound._loop, IOLessLoop) else "a loop outside of the run"
            raise RuntimeError(
                f"{bound!r} belongs to {other} and cannot be used here (at {caller(3)}): its order of waiters would "
                "not replay. Make it inside the flow; runs speak to each other with events, child runs and objects."
            )
        return None


def install() -> None:
    """Make the changes; a second call does nothing."""
    global _installed
    if _installed:
        return
    _installed = True
    for module, function, replacement in (
        (asyncio.tasks, asyncio.tasks.wait_for, _wait_for),
        (asyncio.tasks, asyncio.tasks.as_completed, _as_completed),
        (asyncio.tasks, asyncio.tasks.all_tasks, _all_tasks),
        (asyncio.mixins, asyncio.mixins._LoopBoundMixin._get_loop, _get_loop),  # pyright: ignore
    ):
        module.__dict__["_agnt5"] = _Seen
        _exchange(module, function, replacement)
    # Only the C base is hashable by address; gather's own subclass is the one future it makes without asking the loop.
    asyncio.tasks._GatheringFuture.__hash__ = _gathering_hash  # pyright: ignore
    _Seen.originals["unawaited"] = warnings._warn_unawaited_coroutine  # pyright: ignore
    warnings._warn_unawaited_coroutine = _warn_unawaited  # pyright: ignore


def _exchange(module: Any, function: Any, replacement: FunctionType) -> None:
    name = function.__name__
    if isinstance(function, FunctionType) and not function.__code__.co_freevars:
        original = FunctionType(function.__code__, function.__globals__, name, function.__defaults__)
        original.__kwdefaults__ = function.__kwdefaults__
        function.__code__ = _renamed(replacement.__code__, function.__code__)
    else:
        # Written in C on this Python, or wrapped by somebody: only the names in asyncio can be exchanged.
        original = function
        changed = FunctionType(replacement.__code__, {**module.__dict__}, name, (None,))
        for owner in (module, asyncio):
            if getattr(owner, name, None) is function:
                setattr(owner, name, changed)
    _Seen.originals[name] = original


def _renamed(code: CodeType, like: CodeType) -> CodeType:
    return code.replace(co_name=like.co_name, co_qualname=like.co_qualname)


# Replacements. Their globals are those of the asyncio module they go to, where only `_agnt5` is ours.


async def _wait_for(fut: Any, timeout: Any) -> Any:
    if _agnt5.here():
        return await _agnt5.wait_for(fut, timeout)
    return await _agnt5.originals["wait_for"](fut, timeout)


def _as_completed(fs: Any, *, timeout: Any = None) -> Any:
    if _agnt5.here():
        return _agnt5.as_completed(fs, timeout=timeout)
    return _agnt5.originals["as_completed"](fs, timeout=timeout)


def _all_tasks(loop: Any = None) -> Any:
    found = _agnt5.all_tasks(loop)
    return _agnt5.originals["all_tasks"](loop) if found is None else found


def _get_loop(self: Any) -> Any:
    if _agnt5.here():
        _agnt5.get_loop(self)
    return _agnt5.originals["_get_loop"](self)


_agnt5 = _Seen


def _gathering_hash(self: Any) -> int:
    loop = self.get_loop()
    if not isinstance(loop, IOLessLoop):
        return object.__hash__(self)
    if not hasattr(self, "number"):
        self.number = loop._next_number()  # pyright: ignore[reportAttributeAccessIssue]
    return self.number


def _warn_unawaited(coro: Any) -> None:
    loop = _get_running_loop()
    if isinstance(loop, IOLessLoop):
        loop.warn(f"`{coro.__qualname__}` was never awaited, so it did nothing (dropped at {caller(2)})")  # pyright: ignore
    else:
        _Seen.originals["unawaited"](coro)


def refuse_anyio(loop: FlowLoop) -> None:
    """Once anyio's asyncio side (`ANYIO`) is imported: refuse cancel scopes in flows from now on, and poison `loop` if
    one was entered before they could be refused. A second call does nothing."""
    global _anyio_guarded
    if _anyio_guarded:
        return
    module = sys.modules[ANYIO]
    scope = getattr(module, "CancelScope", None)
    if scope is None:  # imported halfway, by another thread
        return
    _anyio_guarded = True
    enter = scope.__enter__

    def guarded_enter(self: Any) -> Any:
        running = _get_running_loop()
        if isinstance(running, IOLessLoop):
            raise running.refuse_io("anyio (a task group, cancel scope or thread of it)", _ANYIO_REMEDY)
        return enter(self)

    scope.__enter__ = guarded_enter
    states = getattr(module, "_task_states", {})
    for task in loop.all_tasks():
        if task in states:
            what = f"anyio (a task group, cancel scope or thread of it) at {place(task)}"
            loop.poison(FlowIOError(f"{what}: a flow may not do this. {_ANYIO_REMEDY}", location=place(task)))
            return
