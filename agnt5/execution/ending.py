"""How a flow loop ends: `shutdown` when the flow returned, `teardown` when its attempt is given up; and `stuck`, the
error of one that would never end.

Both unwind what is left in creation order, with a budget, on the thread that drives the loop. Nothing here may leave
work to the garbage collector, which would run `finally:` blocks of the user at a moment nobody chose.
"""

from __future__ import annotations

import traceback
from asyncio import _set_running_loop  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from agnt5.errors import FlowStuckError, RunClosed
from agnt5.execution.asyncgens import unhook
from agnt5.execution.frames import is_users, place, text_at

if TYPE_CHECKING:
    from agnt5.execution.flowloop import FlowLoop
    from agnt5.execution.handles import FlowTask

# Callbacks that one round of cancelling may take, and rounds before a coroutine counts as refusing to end.
_BUDGET = 20_000
_ROUNDS = 3
# Places and errors that one message names.
_TOLD = 3


def shutdown(loop: FlowLoop) -> list[str]:
    if loop._closed:
        return loop.warnings
    loop._fence = RunClosed("the flow has returned: what it left running was cancelled and can ask for nothing more")
    host, hooks = loop._enter()
    try:
        _unwind(loop)
        refused = _refusing(loop)
        for task in _held(loop):
            _settle_error(loop, task, clear=not refused)
        for where in refused:
            loop.warn(f"{where} went on after it was cancelled at the end of the flow; it was left behind")
        warnings = loop.warnings
        _let_go(loop)
    finally:
        _leave(host, hooks)
    return warnings


def teardown(loop: FlowLoop, fence: BaseException) -> list[str]:
    if loop._closed:
        return []
    loop._fence = fence
    loop._closed = True
    loop.on_poison = loop.on_slow = None
    host, hooks = loop._enter()
    try:
        _unwind(loop)
        refused = _refusing(loop)
        for task in _held(loop):
            _settle_error(loop, task, clear=not refused)
        _let_go(loop)
    finally:
        _leave(host, hooks)
    return refused


def stuck(loop: FlowLoop) -> FlowStuckError:
    """The error of a flow whose tasks all wait, with nothing under way that could wake one. Says where, and which task
    of it has failed unseen: that is mostly the one that was to bring what is waited for."""
    places = list(dict.fromkeys(place(task) for task in reversed(_held(loop)) if not task.done()))
    where = next(filter(is_users, places), places[0])
    line = text_at(where)
    others = [one for one in places if one != where and is_users(one)][:_TOLD]
    failed = [text for task in _held(loop) if (text := _unseen(loop, task))][:_TOLD]
    return FlowStuckError(
        f"nothing can wake the flow any more: no step, timer, event or run that it asked for is under way, and it "
        f"waits at {where}{f': {line}' if line else ''}."
        + "".join(f" It also waits at {one}." for one in others)
        + "".join(f" Nobody looked at {text}." for text in failed)
        + " What comes from outside is awaited by `ctx.wait_for_event(name)`.",
        location=where,
    )


def _leave(host: Any, hooks: Any) -> None:
    _set_running_loop(host)
    if host is None and hooks is not None:
        unhook(hooks)


def _unwind(loop: FlowLoop) -> None:
    """Cancel tasks, then close async generators, in creation order; each again if it goes on."""
    loop._refusals = 0
    for _ in range(_ROUNDS):
        left = [task for task in _held(loop) if not task.done()]
        if not left:
            break
        for task in left:
            task.cancel()
        _run_ready(loop)
    for agen in loop.asyncgens.live():
        if agen.ag_running:  # by a coroutine that refuses to end
            continue
        # In the flow's own context: what its clean-up prints is the flow's, muted or captured as that is.
        context = copy_context() if loop._context is None else loop._context.copy()
        closing = loop.create_task(_close(agen), context=context)
        _run_ready(loop)
        if not closing.done():
            closing.cancel()
            _run_ready(loop)


async def _close(agen: Any) -> None:
    await agen.aclose()


def _run_ready(loop: FlowLoop) -> None:
    ready = loop._ready
    left = _BUDGET
    while ready and left:
        left -= 1
        handle = ready.popleft()
        if not handle._cancelled:
            try:
                handle._context.run(handle._callback, *handle._args)
            except BaseException as error:
                loop._callback_raised(handle, error)


def _held(loop: FlowLoop) -> list[FlowTask]:
    return list(loop._tasks.values())


def _settle_error(loop: FlowLoop, task: FlowTask, *, clear: bool) -> None:
    """Warn of an error that nobody looked at, and drop the locals that it keeps.

    Coroutines that were never awaited may be among those: dropped here, the loop hears of them; later, Python would
    print about them. Not while a coroutine refuses to end: a frame among these might be suspended still, and clearing
    it would run its code.
    """
    if not task.done():
        return
    unseen = _unseen(loop, task)
    error = task._make_cancelled_error() if task.cancelled() else task.exception()  # pyright: ignore
    if error is None:
        return
    if unseen:
        loop.warn(f"nobody looked at {unseen}")
    if clear:
        for one in _chain(error):
            traceback.clear_frames(one.__traceback__)


def _unseen(loop: FlowLoop, task: FlowTask) -> str:
    """The error that a task ended with and nobody asked it for; "" when there is none."""
    if task is loop._root or not task._log_traceback:  # pyright: ignore[reportAttributeAccessIssue]
        return ""
    error = task.exception()
    return f"the error of task {task.get_name()} ({place(task)}): {type(error).__name__}: {error}"


def _chain(error: BaseException) -> list[BaseException]:
    """An error with its causes, contexts and parts, each once."""
    found: dict[int, BaseException] = {}
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is not None and id(one) not in found:
            found[id(one)] = one
            pending += (one.__cause__, one.__context__, *getattr(one, "exceptions", ()))
    return list(found.values())


def _refusing(loop: FlowLoop) -> list[str]:
    """Where coroutines stand that did not end. They are kept for good, past the end of the interpreter."""
    refused: list[str] = []
    for task in _held(loop):
        if not task.done():
            task._log_destroy_pending = False  # pyright: ignore[reportAttributeAccessIssue]
            refused.append(place(task))
            _keep(task)
    for agen in loop.asyncgens.live():
        refused.append(place(agen))
        _keep(agen)
    return refused


def _keep(thing: object) -> None:
    """One reference that nobody gives back. A list of ours would be cleared when the interpreter ends, and the
    coroutines in it would then run their code in half a world."""
    import ctypes  # only ever needed here, and rarely

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _let_go(loop: FlowLoop) -> None:
    loop._closed = True
    loop._ready.clear()
    loop._timers.clear()
    loop._tasks.clear()
    loop.asyncgens.clear()
    loop._root = None
