"""Drives all runs of one engine: takes notices, begins and ends attempts, commits, lets go of parked runs.

It lives on the host loop's thread; only `expect` for new runs and the table of those who wait are touched from others.
It must never look into a run's values.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from agnt5 import _core, errors, registry
from agnt5.component import FLOW, Component
from agnt5.execution.flowattempt import FlowAttempt
from agnt5.execution.memoattempt import MemoAttempt
from agnt5.log import logger

if TYPE_CHECKING:
    from agnt5.execution.attempt import Attempt
    from agnt5.execution.host import Host
    from agnt5.execution.session import Session

LEASED = _core.NOTICE_LEASED
DURABLE = _core.NOTICE_DURABLE
ARRIVED = _core.NOTICE_ARRIVED
ENDED = _core.NOTICE_ENDED

# A parked run leaves memory after this long (BATCH of them per turn of the loop), the oldest at once when more than
# MAX_PARKED are parked.
IDLE_SECONDS = 2.0
MAX_PARKED = 1000
BATCH = 100

# (status, payload of the outcome; None when it has to be read from the store)
Ending = tuple[int, bytes | None]

# Ends of this process's latest runs are kept, so that asking for a result costs no read; large payloads are not.
KEPT_ENDINGS = 1024
KEPT_BYTES = 16 * 1024


class Driver:
    __slots__ = (
        "_attempts",
        "_busy",
        "_decided",
        "_endings",
        "_expected",
        "_kicking",
        "_lock",
        "_parked",
        "_reasons",
        "_recent",
        "_stopped",
        "_sweeping",
        "_waiting",
        "engine",
        "host",
        "listeners",
    )

    def __init__(self, host: Host) -> None:
        self.host = host
        self.engine: _core.Engine = None  # type: ignore[assignment]  # set before the host loop starts
        self._attempts: dict[int, Attempt] = {}
        self._parked: dict[int, Attempt] = {}  # in the order in which they parked
        self._busy = 0
        self._decided: set[str] = set()
        self._kicking = False
        self._sweeping = False
        self._stopped = False
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Future[Ending]]] = {}
        self._endings: dict[str, bytes] = {}
        self._recent: dict[str, Ending] = {}
        self._reasons: dict[str, BaseException] = {}
        # Hear of `ctx.emit`: called on the host thread, or on a body's, with (run id, value).
        self.listeners: list[Callable[[str, Any], None]] = []
        # Code and context variables of runs that this process started, until they end.
        self._expected: dict[str, tuple[Component[..., Any], contextvars.Context]] = {}

    # Notices

    def on_wake(self) -> None:
        self.handle(self.engine.notices())

    def handle(self, notices: list[Any]) -> None:
        attempts = self._attempts
        for notice in notices:
            kind = notice[0]
            if kind == DURABLE:
                attempt = attempts.get(notice[1])
                if attempt is not None:
                    attempt.on_durable(notice[2])
            elif kind == ARRIVED:
                attempt = attempts.get(notice[1])
                if attempt is not None:
                    attempt.schedule()
            elif kind == LEASED:
                self.adopt(notice[1])
            elif kind == ENDED:
                self.on_ended(notice[1], notice[2])
            else:
                self.on_lost(notice[1], notice[2], notice[3])

    def adopt(self, session: Session) -> None:
        if self._stopped:
            return
        known = self._expected.get(session.run_id)
        component = known[0] if known is not None else registry.find(session.component)
        if component is None:
            session.pause(
                f"ConfigurationError: nothing is called {session.component!r} in this process. Define it, then "
                f"`run.resume()`."
            )
            self.kick()
            return
        context = known[1].copy() if known is not None else contextvars.Context()
        make = FlowAttempt if component.kind == FLOW else MemoAttempt
        attempt = make(self, session, component, context)
        self._attempts[session.key] = attempt
        self._busy += 1
        if self._busy == 1:
            self.host.watchdog.watch(True)
        attempt.begin()

    def remove(self, attempt: Attempt) -> None:
        if self._attempts.pop(attempt.key, None) is None:
            return
        if self._parked.pop(attempt.key, None) is None:
            self._less_busy()

    def _less_busy(self) -> None:
        self._busy -= 1
        if self._busy == 0:
            self.host.watchdog.watch(False)

    # Commits

    def commit(self, attempt: Attempt) -> None:
        """A lone run commits right here, without a hop to another thread; several share the writer's next commit."""
        if self._busy <= 1 and attempt.live == 0:
            self.handle(self.engine.flush())
        else:
            self.kick()

    def kick(self) -> None:
        if not self._kicking:
            self._kicking = True
            self.host.soon(self._kick)

    def _kick(self) -> None:
        self._kicking = False
        self.engine.kick()

    # Parked runs

    def parking(self, attempt: Attempt, parked: bool) -> None:
        attempt.parked = parked
        if not parked:
            if self._parked.pop(attempt.key, None) is not None:
                self._busy += 1
                if self._busy == 1:
                    self.host.watchdog.watch(True)
            return
        attempt.parked_at = self.host.loop.time()
        self._parked[attempt.key] = attempt
        self._less_busy()
        if not self._sweeping:
            self._sweeping = True
            self.host.loop.call_later(IDLE_SECONDS, self._sweep, context=self.host.base)
        if len(self._parked) > MAX_PARKED:
            next(iter(self._parked.values())).release()

    def _sweep(self) -> None:
        self._sweeping = False
        more = self._evict()
        if self._parked and not self._sweeping:
            self._sweeping = True
            self.host.loop.call_later(0.0 if more else IDLE_SECONDS / 2, self._sweep, context=self.host.base)

    def _evict(self) -> bool:
        """Release runs that were parked for long, one batch; True when more could go."""
        now = self.host.loop.time()
        for _ in range(BATCH):
            attempt = next(iter(self._parked.values()), None)
            if attempt is None:
                return False
            if now - attempt.parked_at < IDLE_SECONDS:
                return False
            attempt.release()
        return True

    # Ends, and those who wait for them

    def expect(self, run_id: str, component: Component[..., Any], context: contextvars.Context) -> None:
        """A run is about to exist: it runs this code, in (a copy of) this context."""
        self._expected[run_id] = (component, context)

    def expects(self, run_id: str) -> bool:
        return run_id in self._expected

    def decide(self, run_id: str) -> None:
        """A person resumed this run, knowing that its at-most-once body may have run."""
        self._decided.add(run_id)

    def decided(self, run_id: str) -> bool:
        if run_id not in self._decided:
            return False
        self._decided.discard(run_id)
        return True

    def forget(self, run_id: str) -> None:
        self._expected.pop(run_id, None)

    def ending(self, attempt: Attempt, outcome: int, payload: bytes) -> None:
        """The last entry was handed over; what it holds is told once it is durable."""
        if len(payload) <= KEPT_BYTES or attempt.run_id in self._waiting:
            self._endings[attempt.run_id] = payload

    def paused(self, attempt: Attempt, error: BaseException | None) -> None:
        if error is not None and attempt.run_id in self._waiting:
            self._reasons[attempt.run_id] = error

    def on_ended(self, run_id: str, status: int) -> None:
        if status != 3:  # a paused run goes on with its code when it is resumed
            self._expected.pop(run_id, None)
        payload = self._endings.pop(run_id, None)
        error = self._reasons.pop(run_id, None)
        with self._lock:
            waiting = self._waiting.pop(run_id, ())
            if payload is not None and len(payload) <= KEPT_BYTES:
                self._recent[run_id] = (status, payload)
                if len(self._recent) > KEPT_ENDINGS:
                    del self._recent[next(iter(self._recent))]
        for future in waiting:
            if not future.set_running_or_notify_cancel():
                continue
            if status == 3 and isinstance(error, errors.DivergenceError):
                future.set_exception(error)
            else:
                future.set_result((status, payload))

    def on_lost(self, key: int, class_name: str, message: str) -> None:
        attempt = self._attempts.get(key)
        if attempt is None:
            return
        attempt.tear_down()
        attempt.session.release()
        cls = getattr(errors, class_name, errors.StoreError)
        if issubclass(cls, errors.StoreError):
            self.lost(attempt.run_id, cls(message))
        else:
            logger.warning("run %s: this attempt was outdated: %s", attempt.run_id, message)

    def lost(self, run_id: str, error: BaseException) -> None:
        """The store failed under a run: who waits for it must hear that, not wait for ever."""
        with self._lock:
            waiting = self._waiting.pop(run_id, ())
        for future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(error)

    def wait(self, run_id: str) -> Future[Ending]:
        """A future of the run's end (or pause). Unless it is done, the caller looks at the store after asking."""
        future: Future[Ending] = Future()
        with self._lock:
            known = self._recent.get(run_id)
            if known is not None:
                future.set_result(known)
            else:
                self._waiting.setdefault(run_id, []).append(future)
        return future

    def forget_endings(self) -> None:
        """Runs are deleted: what a person wants gone is gone from here too."""
        with self._lock:
            self._recent.clear()

    def unwait(self, run_id: str, future: Future[Ending]) -> None:
        with self._lock:
            waiting = self._waiting.get(run_id)
            if waiting is not None and future in waiting:
                waiting.remove(future)
                if not waiting:
                    del self._waiting[run_id]

    # Progress

    def emitted(self, run_id: str, value: Any) -> None:
        for listener in list(self.listeners):
            listener(run_id, value)

    # Threads

    def block_on(self, coro: Coroutine[Any, Any, Any]) -> Any:
        """Await `coro` on the host loop and block this body's thread meanwhile."""
        future = asyncio.run_coroutine_threadsafe(coro, self.host.loop)
        self.host.pool.block()
        try:
            return future.result()
        finally:
            self.host.pool.unblock()

    def stop(self) -> None:
        """The process ends, or the store closes: no attempt may write any more. On the host thread."""
        self._stopped = True
        for attempt in list(self._attempts.values()):
            attempt.tear_down()
        with self._lock:
            waiting = [future for futures in self._waiting.values() for future in futures]
            self._waiting.clear()
        for future in waiting:
            future.cancel()
