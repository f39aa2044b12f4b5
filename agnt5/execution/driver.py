"""Drives all runs of one engine: takes notices, begins and ends attempts, commits, lets go of parked runs.

It lives on the host loop's thread; only `expect` for new runs and the table of those who wait are touched from others.
It must never look into a run's values.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from agnt5 import _core, errors, registry
from agnt5.component import FLOW, Component
from agnt5.execution.flowattempt import FlowAttempt
from agnt5.execution.memoattempt import MemoAttempt
from agnt5.listening import emitted
from agnt5.log import logger

if TYPE_CHECKING:
    from agnt5.execution.attempt import Attempt
    from agnt5.execution.host import Host
    from agnt5.execution.observing import Listener
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
# A turn hands over to the writer whenever so many runs have something new: it commits while the next ones are pumped.
GROUP = 64
# Commits that a lone run makes in one turn, before everything else on the host loop gets its own.
INLINE = 16

# (status, payload of the outcome; None when it has to be read from the store)
Ending = tuple[int, bytes | None]

# Ends of this process's latest runs are kept, so that asking for a result costs no read; large payloads are not.
KEPT_ENDINGS = 1024
KEPT_BYTES = 16 * 1024


class Driver:
    __slots__ = (
        "_attempts",
        "_busy",
        "_endings",
        "_expected",
        "_handed",
        "_last",
        "_lock",
        "_parked",
        "_reasons",
        "_recent",
        "_stopped",
        "_sweeping",
        "_turning",
        "_waiting",
        "due",
        "engine",
        "host",
        "listener",
        "refuses",
    )

    def __init__(self, host: Host) -> None:
        self.host = host
        self.engine: _core.Engine = None  # type: ignore[assignment]  # set before the host loop starts
        self._attempts: dict[int, Attempt] = {}
        self._parked: dict[int, Attempt] = {}  # in the order in which they parked
        self._busy = 0
        self.due: deque[Attempt] = deque()  # attempts to pump in the next turn, each once
        self._turning = False  # a turn is under way, or will come by itself
        self._handed = 0  # attempts that handed something over since the last commit was asked for
        self._last: Attempt | None = None  # the last of them
        self._sweeping = False
        self._stopped = False
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Future[Ending]]] = {}
        self._endings: dict[str, bytes] = {}
        self._recent: dict[str, Ending] = {}
        self._reasons: dict[str, BaseException] = {}
        # Values that hold credentials are refused, not recorded (`redact="refuse"`).
        self.refuses = False
        # Hears of ends, for reports.
        self.listener: Listener | None = None
        # Code and context variables of runs that this process started, until they end.
        self._expected: dict[str, tuple[Component[..., Any], contextvars.Context]] = {}

    # Notices

    def on_wake(self) -> None:
        self._turning = True
        self.handle(self.engine.notices())
        self.turn()

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
            self.commit(None)
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

    def schedule(self, attempt: Attempt) -> None:
        """Pump this attempt in the next turn. It is asked once for many reasons."""
        self.due.append(attempt)
        if not self._turning:
            self._turning = True
            self.host.soon(self.turn)

    def commit(self, attempt: Attempt | None) -> None:
        """Something was handed over, by this attempt or for none: commit it at the end of this turn."""
        self._last = attempt
        self._handed += 1
        if self._handed == GROUP:
            self._handed = 0
            self.engine.kick()
        elif not self._turning:
            self._turning = True
            self.host.soon(self.turn)

    def turn(self) -> None:
        """Pump what is due, then commit. A plain callback of the host loop, never inside one of its tasks.

        A lone run commits right here, without a hop to another thread, and goes on with what that brings; several share
        the writer's next commit.
        """
        self._turning = True
        due = self.due
        for _ in range(INLINE):
            for _ in range(len(due)):
                due.popleft().pump()
            if not self._handed:
                break
            self._handed = 0
            if not self._alone():
                self.engine.kick()
                break
            self.handle(self.engine.flush())
        if due:
            self.host.soon(self.turn)
        else:
            self._turning = False

    def _alone(self) -> bool:
        """Whether nothing else could go on while this thread waits for the disk."""
        return self._busy <= 1 and (self._last is None or self._last.live == 0)

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
        if registry.find(component.name) is None:
            # A tool made in passing: nobody serves its name yet, and the run would wait for ever.
            registry.define(component)
        self._expected[run_id] = (component, context)

    def expects(self, run_id: str) -> bool:
        return run_id in self._expected

    def forget(self, run_id: str) -> None:
        self._expected.pop(run_id, None)

    def ending(self, attempt: Attempt, outcome: int, payload: bytes) -> None:
        """The last entry was handed over; what it holds is told once it is durable."""
        if outcome == _core.OUTCOME_CONTINUED:
            return  # who waits for this run goes on to wait for the next
        if len(payload) <= KEPT_BYTES or attempt.run_id in self._waiting:
            self._endings[attempt.run_id] = payload

    def paused(self, attempt: Attempt, error: BaseException | None) -> None:
        if error is not None and attempt.run_id in self._waiting:
            self._reasons[attempt.run_id] = error

    def on_ended(self, run_id: str, status: int) -> None:
        if status != 3:  # a paused run goes on with its code when it is resumed
            self._expected.pop(run_id, None)
            if self.listener is not None:
                self.listener.run_ended(run_id)
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
        elif cls is errors.RunClosed:
            logger.warning("run %s: this attempt was outdated: %s", attempt.run_id, message)
        else:  # somebody paused or cancelled it, or closed the runtime
            logger.info("run %s: its attempt was stopped: %s", attempt.run_id, message)

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
        emitted(run_id, value)

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
