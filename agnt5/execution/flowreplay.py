"""Replays a recorded flow against code, answer by answer. It stands where a driver stands; it executes nothing.

Matching is the core's, as in a live run. What the code would do past the end of its journal is never done: it waits
there for ever. All calls belong on one thread that runs no event loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from agnt5 import _core
from agnt5.errors import DivergenceError, FlowIOError, FlowSpinError
from agnt5.execution import diverging
from agnt5.execution.asyncgens import hook
from agnt5.execution.flowattempt import FlowAttempt
from agnt5.execution.ioless import Fenced

if TYPE_CHECKING:
    from agnt5.component import Component

T = TypeVar("T")

CANCEL_RUN = _core.OUTCOME_CANCEL_RUN


class FlowReplay:
    """One pass over one journal, from its start to `end` (before this entry) or to its own end."""

    def __init__(
        self,
        component: Component[..., Any],
        recording: _core.Recording,
        end: int | None = None,
        advice: str = diverging.REPLAY,
    ) -> None:
        self._recording = recording
        self._session = _ReadOnly(recording.cursor() if end is None else recording.cursor(end))
        self._attempt = _ReplayAttempt(_Nobody(), self._session, component, contextvars.Context())  # type: ignore[arg-type]
        self._attempt.capture.muted = True
        self._attempt.advice = advice
        self.woken: asyncio.Task[Any] | None = None
        self.returned = False
        self.delivered = 0

    def begin(self) -> None:
        """Run the flow until it waits for its first answer. DivergenceError when it asks otherwise than recorded."""
        self._attempt.begin()
        self._settle()

    def advance(self) -> int | None:
        """Deliver the next recorded answer; its command's seq (0: the run was cancelled here). None: there is none."""
        self.woken = None
        item = self._next()
        if item is None:
            return None
        seq = item[0]
        op = self._attempt.ops.get(seq)
        if op is not None:
            self.woken = self._waiter(op.future)
        self._deliver(item)
        self._settle()
        return seq

    def forward(self, count: int) -> int:
        """Deliver so many answers, or as many as there are; returns how many. For long ways: `woken` is not kept."""
        self.woken = None
        drain, deliver, following = self._drain, self._deliver, self._next
        for done in range(count):
            item = following()
            if item is None:
                return done
            deliver(item)
            drain()
            attempt = self._attempt
            if attempt.poison is not None or attempt.successor is not None or attempt.root.done():  # type: ignore[union-attr]
                self._settle()
        return count

    def _next(self) -> tuple[int, int, bytes] | None:
        if self.returned:
            return None
        try:
            item = self._session.take()
        except DivergenceError as error:
            raise diverging.explain(self._attempt, error) from None
        if item is None and self._session.at_value():
            raise diverging.explain(self._attempt, DivergenceError(diverging.waits_too_early(self._attempt)))
        return item

    def _deliver(self, item: tuple[int, int, bytes]) -> None:
        seq, outcome, payload = item
        attempt = self._attempt
        self.delivered += 1
        op = attempt.ops.pop(seq, None)
        if op is not None:
            attempt.deliver(op, outcome, payload)
        elif outcome == CANCEL_RUN:
            self.woken = attempt.root
            attempt.cancelling = True
            attempt.cancel_body()

    def tasks(self) -> list[asyncio.Task[Any]]:
        """Those that have not ended, in the order they were made; the flow's own body first."""
        return [task for task in self._attempt.flow._tasks.values() if not task.done()]

    def state(self) -> dict[str, bytes]:
        """Execution-scoped state as it is recorded here; `read` makes values of it."""
        found = {name: self._session.state(name) for name in self._session.state_keys()}
        return {name: payload for name, payload in found.items() if payload is not None}

    def read(self, payload: bytes) -> Any:
        """A recorded value as the code sees it. SerializationError when it cannot be read here."""
        return self._attempt.read(payload)

    def within(self, fn: Callable[[], T]) -> T:
        """Call `fn` as if it were part of the flow: prints go nowhere, and I/O is refused, without harm to the flow."""
        return self._attempt.context.run(self._attempt.flow.pretend, fn)

    @property
    def name(self) -> str:
        """Of the task that is the flow's own body."""
        root = self._attempt.root
        return "" if root is None else root.get_name()

    @property
    def failure(self) -> BaseException | None:
        """What the flow ended with, when it failed."""
        root = self._attempt.root
        if not self.returned or root is None:
            return None
        if self._attempt.poison is not None:
            return self._attempt.poison
        return root.exception() if root.done() and not root.cancelled() else None

    def close(self) -> None:
        """Unwind the code. Nothing it does from here on counts: it cannot ask, print, or touch a file or socket."""
        attempt = self._attempt
        attempt.barrier = attempt.dead = True
        attempt.flow.teardown(Fenced("the replay is over"))
        attempt.ops.clear()

    def _settle(self) -> None:
        attempt = self._attempt
        self._drain()
        if attempt.poison is not None:
            if not self._failed_so_then(attempt.poison):
                raise attempt.poison
            self.returned = True
            return
        root = attempt.root
        if (root is not None and root.done()) or attempt.successor is not None:
            self.returned = True
            try:
                self._session.returned()
            except DivergenceError as error:
                raise diverging.explain(attempt, error) from None

    def _drain(self) -> None:
        drain = self._attempt.flow.drain
        try:
            while not drain():
                continue
        except FlowSpinError as error:
            self._attempt.poisoned_by(error)

    def _failed_so_then(self, error: BaseException) -> bool:
        """Whether the run was recorded to fail here because its flow did what no flow may."""
        if not isinstance(error, FlowIOError | FlowSpinError):
            return False
        (last,) = self._recording.entries(len(self._recording) - 1)
        if last.body != "ended" or last.outcome != _core.OUTCOME_FAILURE:
            return False
        try:
            self._session.returned()
        except DivergenceError:
            return False
        return True

    def _waiter(self, future: asyncio.Future[Any] | None) -> asyncio.Task[Any] | None:
        if future is None:
            return None
        for task in self._attempt.flow._tasks.values():
            if getattr(task, "_fut_waiter", None) is future:
                return task
        return None


def replay(
    component: Component[..., Any],
    recording: _core.Recording,
    end: int | None = None,
    advice: str = diverging.REPLAY,
) -> int:
    """Replay a flow's journal; how many answers were delivered. DivergenceError where the code asks otherwise."""

    def work() -> int:
        one = FlowReplay(component, recording, end, advice)
        try:
            one.begin()
            return one.forward(len(recording))
        finally:
            one.close()

    return on_own_thread(work)


def on_own_thread(work: Callable[[], T]) -> T:
    """Call it on a thread of its own: a flow loop is not drained inside of a task, and the caller may be one."""
    outcome: Future[T] = Future()

    def run() -> None:
        hook()  # once for the thread: setting it at every answer costs as much as an answer
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    thread = threading.Thread(target=run, name="agnt5-replay")
    thread.start()
    thread.join()
    return outcome.result()


class _ReplayAttempt(FlowAttempt):
    __slots__ = ("advice",)
    advice: str

    def code_of(self, target: Any, payload: bytes) -> bytes:
        return b""  # nothing is recorded


class _ReadOnly:
    """A session over a cursor: what a flow's attempt asks of one, and nothing that would write."""

    key = 0
    attempt = 1
    object_key = ""
    parent_id = ""
    replaying = True

    def __init__(self, cursor: _core.Cursor) -> None:
        self.run_id = cursor.run_id
        self.component = cursor.component
        self.kind = cursor.kind
        self.input = cursor.input
        self.seed = cursor.seed
        self.python = cursor.python
        self.code_digest = cursor.code_digest
        self.length = cursor.length
        self._cursor = cursor
        self.command = cursor.command
        self.take = cursor.take
        self.returned = cursor.returned
        self.state = cursor.state
        self.state_keys = cursor.state_keys
        self.path = cursor.path
        self.child_id = cursor.child_id
        self.idempotency_key = cursor.idempotency_key
        self.at_value = cursor.at_value

    @property
    def now(self) -> int:
        return self._cursor.now

    @property
    def seen_run_id(self) -> str:
        return self._cursor.seen_run_id


class _NoHost:
    def soon(self, *args: Any) -> None:
        """Nothing is driven by itself here."""


class _Nobody:
    """The driver of a replay: no child is started, nobody waits, nothing is committed."""

    host = _NoHost()
    refuses = False  # what is recorded was not refused

    def expect(self, *args: Any) -> None:
        """A recorded child has run already."""

    def schedule(self, attempt: Any) -> None:
        """It is advanced by hand."""

    def emitted(self, *args: Any) -> None:
        """Progress was shown when it happened."""

    def remove(self, attempt: Any) -> None:
        """It was never added."""
