"""The flow loop: a deterministic asyncio loop on which one run's flow executes.

Ready callbacks run in order; nothing wakes it but completions, which the driver delivers one by one. It must never
read a clock for the flow, wait, touch a file descriptor, or run a callback outside of `drain`, `shutdown` and
`teardown`.
"""

from __future__ import annotations

import asyncio
import gc
from asyncio import _get_running_loop, _set_running_loop  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
from asyncio.tasks import _unregister_task  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from itertools import count
from math import inf
from sys import get_asyncgen_hooks, modules
from threading import get_ident, main_thread
from time import perf_counter
from typing import Any, NoReturn, Protocol, TypeVar

from agnt5.errors import FlowSpinError
from agnt5.execution import dispatch, ending, guard
from agnt5.execution.asyncgens import FirstIteration, hook, unhook
from agnt5.execution.frames import place
from agnt5.execution.handles import NEVER, FlowFuture, FlowTask, Ready, Timer
from agnt5.execution.ioless import Fenced, IOLessLoop

T = TypeVar("T")

# A drain yields to the host loop after this many callbacks, or seconds, whichever comes first.
SOFT_CALLBACKS = 10_000
SOFT_SECONDS = 0.05
# A flow that runs this many callbacks without arming a timer or taking a completion spins. Counted, never timed:
# whether a run fails must not depend on the speed of a machine.
HARD_CALLBACKS = 1_000_000
# A drain that holds the host loop longer than this is reported to `on_slow`.
SLOW_SECONDS = 0.25
# How often a fenced loop raises before it parks its caller: `while True: try: ... except BaseException: ...` would hold
# the thread for ever otherwise.
_PATIENCE = 100
_MAX_WARNINGS = 50


class Seam(Protocol):
    """What the flow loop needs of the driver."""

    def arm_timer(self, delay_us: int) -> int:
        """Issue the command of a durable timer, due `delay_us` after now; returns its seq."""
        ...

    def cancel_timer(self, seq: int) -> None:
        """Issue the command that cancels a timer that has not fired."""
        ...

    def now_us(self) -> int:
        """Recorded time of the last delivered completion."""
        ...

    def poisoned(self) -> BaseException | None:
        """The engine error that ended this attempt, if one did."""
        ...


class FlowLoop(IOLessLoop):
    """The loop of one attempt. `warnings` gathers what the run should show; `on_slow(seconds, where)` hears of drains
    that held the host loop for more than `slow_seconds`."""

    def __init__(
        self,
        seam: Seam,
        *,
        soft_callbacks: int = SOFT_CALLBACKS,
        hard_callbacks: int = HARD_CALLBACKS,
        slow_seconds: float = SLOW_SECONDS,
    ) -> None:
        super().__init__()
        dispatch.install()
        guard.install()
        self._seam = seam
        self._soft = soft_callbacks
        self._hard = hard_callbacks
        self._slow = slow_seconds
        self._ready: deque[Ready | Timer] = deque()
        self._timers: dict[int, Timer] = {}
        self._tasks: dict[int, FlowTask] = {}
        self._sweep_at = 64
        self._next_number = count(1).__next__
        self._thread = get_ident()
        # The loop under which this one was last drained; None when nothing ran on the thread.
        self._host: Any = None
        self._spun = 0
        self._refusals = 0
        # Set when the flow has ended or is torn down: what a command raises from then on.
        self._fence: BaseException | None = None
        self._closed = False
        self._root: FlowTask | None = None
        self._context: Context | None = None  # the root's
        self.warnings: list[str] = []
        self.on_slow: Callable[[float, str], None] | None = None

    # Driving

    def start(self, coro: Coroutine[Any, Any, Any], *, context: Context) -> FlowTask:
        """Make the root task, which runs in `context` itself, not in a copy. Nothing runs before the first `drain`."""
        if self._root is not None:
            raise RuntimeError("this flow loop has its root task already")
        self._thread = get_ident()
        self._context = context
        self._root = self.create_task(coro, context=context)
        return self._root

    def drain(self) -> bool:
        """Run ready callbacks in order. True: none is left, or the run is poisoned. False: the soft budget is used,
        call again after the host loop had a turn. Raises FlowSpinError (and poisons) past the hard budget.

        Call it from a plain callback of the host loop, never inside one of its tasks.
        """
        ready = self._ready
        if not ready:
            return True
        pop = ready.popleft
        left = soft = self._soft
        handle: Ready | Timer | None = None
        host = _get_running_loop()
        if host is self._host and type(get_asyncgen_hooks()[0]) is FirstIteration:
            hooks = None
            _set_running_loop(self)
        else:
            host, hooks = self._enter()
        started = perf_counter()
        # What the collector finds may belong to anybody, and its finalizers must not run as code of this flow.
        if collects := gc.isenabled():
            gc.disable()
        try:
            while ready and self._poison is None:
                if left == 0 or (not left & 127 and perf_counter() - started > SOFT_SECONDS):
                    break
                left -= 1
                handle = pop()
                if handle._cancelled:
                    continue
                try:
                    handle._context.run(handle._callback, *handle._args)
                except BaseException as error:
                    self._callback_raised(handle, error)
        finally:
            _set_running_loop(host)
            if collects:
                gc.enable()
            if host is None and hooks is not None:
                unhook(hooks)
        self._refusals = 0
        if dispatch.ANYIO in modules:
            dispatch.refuse_anyio(self)
        if (held := perf_counter() - started) > self._slow and self.on_slow is not None:
            self.on_slow(held, self._where(handle))
        if not ready or self._poison is not None:
            self._spun = 0
            return True
        self._spun += soft - left
        if self._spun > self._hard:
            self._fail_spinning()
        return False

    def pretend(self, fn: Callable[[], T]) -> T:
        """Call `fn` as the flow's own code would be: I/O is refused to it. What it did wrong is no fault of the run."""
        before = self._poison, self.on_poison
        self.on_poison = None
        host = _get_running_loop()
        _set_running_loop(self)
        try:
            return fn()
        finally:
            _set_running_loop(host)
            self._poison, self.on_poison = before

    def fire_timer(self, seq: int) -> bool:
        """The completion of timer `seq` is delivered. False when it was cancelled: nothing will run."""
        timer = self._timers.pop(seq, None)
        if timer is None:
            return False
        timer.seq = NEVER
        self._ready.append(timer)
        return True

    def poisoned(self) -> BaseException | None:
        """The error this run must fail with: the loop's own, or the seam's."""
        return self._poison or self._seam.poisoned()

    def shutdown(self) -> list[str]:
        """The flow has ended: cancel and drain what is left, and return all warnings. Later commands raise RunClosed;
        no command reaches the seam, not even the cancelling of a timer, for the end of the run ends them all."""
        return ending.shutdown(self)

    def teardown(self, fence: BaseException) -> list[str]:
        """This attempt is over, its run is not: unwind every coroutine without a command, a print of asyncio's or a
        warning. `fence` is a private BaseException that commands raise from now on. Returns one line for each coroutine
        that refused to end; those are kept alive for good, since collecting them would run their code."""
        return ending.teardown(self, fence)

    async def refuse(self) -> NoReturn:
        """For operations of `ctx` on a fenced or poisoned run: raises, or parks the caller for good when it swallowed
        that a hundred times, so that no `except BaseException` loop can hold the host thread."""
        self._raise_fence()
        await self.create_future()
        raise AssertionError("a parked operation never resumes")

    # The loop's face to asyncio

    def create_future(self) -> FlowFuture:
        future = FlowFuture(loop=self)
        future.number = self._next_number()
        return future

    def create_task(
        self,
        coro: Any,
        *,
        name: str | None = None,
        context: Context | None = None,
        eager_start: bool | None = None,
        **later_keywords: Any,
    ) -> FlowTask:
        if eager_start:
            coro.close()
            raise self._unsupported("create_task(eager_start=True)", "tasks of a flow start in order, not eagerly.")
        task = FlowTask.__new__(FlowTask)
        task.number = number = self._next_number()
        FlowTask.__init__(task, coro, loop=self, name=name or f"Task-{number}", context=context, **later_keywords)
        # asyncio's registry is one set for the whole process: small equal hashes of many runs would collide there, and
        # `all_tasks` has its own answer on a flow loop.
        _unregister_task(task)
        self._tasks[number] = task
        if len(self._tasks) >= self._sweep_at:
            self._sweep()
        return task

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> Ready:
        running = _get_running_loop()
        # Under the host loop a call is a delivery by the driver; a loop runs on one thread only, so it is ours.
        if running is not self and (running is None or running is not self._host):
            self._called_from_outside(running)
        handle = Ready(callback, args, copy_context() if context is None else context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> Ready:
        if get_ident() != self._thread:
            raise self.refuse_io("a wake-up from another thread (`call_soon_threadsafe`)")
        return self.call_soon(callback, *args, context=context)

    def call_later(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Ready | Timer:
        if delay != delay:
            raise ValueError("a timer needs a delay, not NaN")
        delay_us = 0 if delay <= 0 else inf if delay == inf else round(delay * 1e6)
        if delay_us == 0:
            return self.call_soon(callback, *args, context=context)
        timer = Timer(self.time() + delay, callback, args, copy_context() if context is None else context, self)
        if delay_us != inf:
            timer.seq = seq = self._arm(int(delay_us))
            if seq != NEVER:
                self._timers[seq] = timer
        return timer

    def call_at(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Ready | Timer:
        return self.call_later(when - self.time(), callback, *args, context=context)

    def time(self) -> float:
        return self._seam.now_us() / 1e6

    def is_running(self) -> bool:
        return _get_running_loop() is self

    def is_closed(self) -> bool:
        return self._closed

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What asyncio would print becomes a warning on the run; nothing, once the loop is closed."""
        error = context.get("exception")
        culprit = context.get("task") or context.get("future")
        named = f" ({place(culprit)})" if isinstance(culprit, asyncio.Task) else ""
        said = f": {type(error).__name__}: {error}" if error is not None else ""
        self.warn(f"{context.get('message', 'unhandled exception')}{named}{said}")

    def warn(self, message: str) -> None:
        """Gather a warning for the run; beyond fifty they are only counted."""
        if self._closed:
            return
        self.warnings.append(message)
        if len(self.warnings) > _MAX_WARNINGS + 1:
            self.warnings[_MAX_WARNINGS:] = ["and more warnings, which are not kept"]

    def all_tasks(self) -> set[FlowTask]:
        """What `asyncio.all_tasks` answers on this loop: always inserted in creation order, so iterated in one
        order."""
        return {task for task in self._tasks.values() if not task.done()}

    def __repr__(self) -> str:
        return f"<FlowLoop tasks={len(self._tasks)} timers={len(self._timers)} closed={self._closed}>"

    # Inside

    def _enter(self) -> tuple[Any, Any]:
        """Become the running loop of this thread; returns the host loop and the hooks to restore if there is none."""
        host = _get_running_loop()
        if host is not self._host:
            if isinstance(host, IOLessLoop):
                raise RuntimeError("a flow loop cannot be drained inside another: drive that run outside of this one")
            self._host = host
        hooks = None if type(get_asyncgen_hooks()[0]) is FirstIteration else hook()
        _set_running_loop(self)
        return host, hooks

    def _callback_raised(self, handle: Ready | Timer, error: BaseException) -> None:
        if isinstance(error, KeyboardInterrupt) and get_ident() == main_thread().ident:
            raise error
        # A task's error is in the task already; asyncio raises SystemExit and KeyboardInterrupt through it as well.
        if not isinstance(getattr(handle._callback, "__self__", None), asyncio.Task):
            self.call_exception_handler({"message": f"a callback raised: {handle!r}", "exception": error})

    def _called_from_outside(self, running: Any) -> None:
        """`call_soon` under neither this loop nor its host: a delivery before the first drain, or a mistake."""
        if get_ident() != self._thread:
            raise self.refuse_io("a wake-up from another thread", depth=3)
        if isinstance(running, IOLessLoop):
            error = running.refuse_io(
                "waking another run's task, through a lock, queue, event or future that two runs share,",
                "Make it inside the flow; runs speak to each other with events, child runs and objects.",
                depth=3,
            )
            self.poison(error)
            raise error

    def _arm(self, delay_us: int) -> int:
        if self._fence is not None or self._poison is not None:
            self._raise_fence()
            return NEVER
        try:
            seq = self._seam.arm_timer(delay_us)
        except BaseException:
            self._refusals += 1
            if self._refusals > _PATIENCE:
                return NEVER
            raise
        self._spun = 0
        return seq

    def _raise_fence(self) -> None:
        self._refusals += 1
        if self._refusals <= _PATIENCE:
            fence = self._fence or Fenced("the run is poisoned")
            raise fence.with_traceback(None)

    def _forget_timer(self, seq: int) -> None:
        if self._timers.pop(seq, None) is not None and self._fence is None and self._poison is None:
            self._seam.cancel_timer(seq)

    def _sweep(self) -> None:
        """Let go of ended tasks; at every doubling, so that it costs nothing per task."""
        self._tasks = {number: task for number, task in self._tasks.items() if not task.done()}
        self._sweep_at = max(64, 2 * len(self._tasks))

    def _where(self, handle: Ready | Timer | None) -> str:
        owner = getattr(getattr(handle, "_callback", None), "__self__", None)
        return place(owner) if isinstance(owner, asyncio.Task) else repr(handle)

    def _fail_spinning(self) -> NoReturn:
        for handle in self._ready:
            if isinstance(getattr(handle._callback, "__self__", None), asyncio.Task):
                break
        else:
            handle = self._ready[0]
        where = self._where(handle)
        error = FlowSpinError(
            f"the flow ran {self._spun:,} callbacks without asking or receiving anything; it spins at "
            f"{where}. Await something that completes: `ctx.sleep`, an event, a queue or a condition.",
            location=where,
        )
        self.poison(error)
        raise error
