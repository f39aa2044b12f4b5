"""One attempt at driving one leased run: delivers completions, one at a time, and hands new entries to the engine.

All of it runs on the host loop's thread, from plain callbacks. Completions come in journal order; effects start only
when their command is durable; what a memo's body sees is durable too. An attempt that is dead must never write.
"""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from agnt5 import _core
from agnt5.codec import decode, decode_failure
from agnt5.errors import DivergenceError, EventTimeoutError, RunCancelled, SerializationError
from agnt5.execution import diverging, effects, stops
from agnt5.execution.code import PYTHON, snapshot
from agnt5.execution.fingerprint import Fingerprints
from agnt5.execution.frames import caller
from agnt5.execution.ioless import Fenced
from agnt5.execution.ops import Op
from agnt5.execution.targets import Target

if TYPE_CHECKING:
    from agnt5.component import Component
    from agnt5.execution.driver import Driver
    from agnt5.execution.session import Session
    from agnt5.retry import RetryPolicy

CANCEL = _core.COMMAND_CANCEL
CHILD = _core.COMMAND_CHILD
VALUE = _core.OUTCOME_VALUE
FAILURE = _core.OUTCOME_FAILURE
FIRED = _core.OUTCOME_FIRED
TIMED_OUT = _core.OUTCOME_TIMED_OUT
RECEIVED = _core.OUTCOME_RECEIVED
CANCELLED = _core.OUTCOME_CANCELLED
CANCEL_RUN = _core.OUTCOME_CANCEL_RUN


class Attempt:
    """What flows and memos share. Subclasses say how a body is begun, drained, cancelled and ended."""

    __slots__ = (
        "barrier",
        "base",
        "cancelling",
        "codes",
        "component",
        "context",
        "dead",
        "driver",
        "durable",
        "explicit",
        "handed",
        "held",
        "host",
        "key",
        "live",
        "namespace",
        "ops",
        "parked",
        "parked_at",
        "poison",
        "rearmed",
        "replaying",
        "run_id",
        "scheduled",
        "session",
        "unsent",
    )

    def __init__(
        self, driver: Driver, session: Session, component: Component[..., Any], context: contextvars.Context
    ) -> None:
        self.driver = driver
        self.host = driver.host
        self.session = session
        self.component = component
        # Where classes of recorded values are looked for first; one that is not found stops the run, which saw an
        # instance of it before.
        self.namespace: Mapping[str, Any] = component.namespace
        self.context = context
        self.key = session.key
        self.run_id = session.run_id
        self.explicit = component.retry_policy is not None
        self.ops: dict[int, Op] = {}
        # Fingerprints by id of the callable, which is kept beside it so that the id stays its own.
        self.codes = Fingerprints()
        # Local effects whose command is not durable yet, or that wait for the end of the replay; by seq.
        self.unsent: deque[Op] = deque()
        # Answers of memo operations that wait for their completion to be durable: (seq of the completion, op, ...).
        self.held: deque[tuple[int, Op, int, bytes]] = deque()
        self.live = 0  # bodies under way
        self.base = session.length
        self.durable = self.base - 1
        self.handed = self.durable
        self.scheduled = self.parked = self.rearmed = self.cancelling = self.dead = False
        self.parked_at = 0.0
        self.replaying = True
        self.barrier = False  # nothing may be asked any more: poisoned, ending or dead
        self.poison: BaseException | None = None

    # What the two kinds of body do differently

    def begin(self) -> None:
        raise AssertionError("an attempt is a FlowAttempt or a MemoAttempt")

    def drain(self) -> bool:
        """Run what can run of the body. False: it needs another turn, or has ended the attempt."""
        raise AssertionError("an attempt is a FlowAttempt or a MemoAttempt")

    def cancel_body(self) -> None:
        raise AssertionError("an attempt is a FlowAttempt or a MemoAttempt")

    def unwind(self) -> None:
        """Stop the body's own code; nothing it does from now on counts."""
        raise AssertionError("an attempt is a FlowAttempt or a MemoAttempt")

    def where(self) -> str:
        """The user's line at which the body waits, "" when it cannot be told."""
        return ""

    def root_settled(self, outcome: int, payload: bytes, logs: bytes) -> None:
        raise AssertionError("only a memo's body is an op")

    def caught_up(self) -> None:
        """The replay is over and all recorded answers were delivered."""
        stops.warn_large(self)
        uncertain = [op for op in self.unsent if op.seq < self.base and stops.is_uncertain(op)]
        if uncertain:
            self.stop_with(stops.Uncertain(stops.uncertain_text(self, uncertain)))
            return
        self.start_effects()

    # The pump

    def schedule(self) -> None:
        """Pump soon; many reasons in one turn are one pump."""
        if not self.scheduled and not self.dead:
            self.scheduled = True
            self.driver.schedule(self)

    def pump(self) -> None:
        self.scheduled = False
        if self.dead:
            return
        try:
            self._pump()
        except DivergenceError as error:
            stops.diverged(self, error)
        except Exception as error:
            stops.broke(self, error)

    def _pump(self) -> None:
        take = self.session.take
        drain = self.drain
        while True:
            if not drain():
                return
            item = take()
            if item is None:
                if not self.replaying:
                    break
                if self.session.replaying:
                    raise DivergenceError(diverging.waits_too_early(self))
                if not self.rearmed:
                    self.rearmed = True
                    self.session.rearm()
                    continue
                self.replaying = False
                self.caught_up()
                if self.dead:
                    return
                continue
            seq, outcome, payload = item
            if outcome < CANCEL_RUN:
                op = self.ops.pop(seq, None)
                if op is not None:
                    self.deliver(op, outcome, payload)
                elif seq == 0:
                    self.root_settled(outcome, payload, b"")
            elif outcome == CANCEL_RUN:
                self.asked_to_cancel()
                if self.dead:
                    return
            else:
                self.try_again(seq)
        self.submit()

    def submit(self) -> None:
        """Hand over what is new, and have it committed: here when this run is alone, by the writer otherwise."""
        parked = self.live == 0 and not self.unsent and not self.held
        handed = self.session.submit(parked)
        if handed > self.handed or parked is not self.parked:
            self.handed = handed
            if parked is not self.parked:
                self.driver.parking(self, parked)
            self.driver.commit(self)

    def deliver(self, op: Op, outcome: int, payload: bytes) -> None:
        if op.scope is not None:
            # The body of a function may do anything with an answer, so the answer must be durable before it is seen.
            self.held.append((self.session.length - 1, op, outcome, payload))
            return
        op.done = True
        unsent = self.unsent
        while unsent and unsent[0].done:
            unsent.popleft()
        if op.future is not None and not op.future.done():
            self.resolve(op, outcome, payload)

    def resolve(self, op: Op, outcome: int, payload: bytes) -> None:
        future = op.future
        assert future is not None
        if outcome in (VALUE, RECEIVED):
            try:
                future.set_result(self.read(payload) if payload else None)
            except SerializationError as unreadable:
                self.stop_with(unreadable)  # no answer at all, rather than another one than the code saw before
            return
        try:
            value = self.answer(op.kind, op.name, outcome, payload)
        except StopIteration as error:
            # No future takes one: a generator would mistake it for its own end.
            future.set_exception(RuntimeError(f"{op.name} raised StopIteration({error})"))
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(value)

    def answer(self, kind: int, name: str, outcome: int, payload: bytes) -> Any:
        """What the code gets for a completion; raises what it is to raise."""
        if outcome in (VALUE, RECEIVED):
            return self.read(payload) if payload else None
        if outcome == FIRED:
            return None
        if outcome == FAILURE:
            raise effects.bearable(name, decode_failure(payload, namespace=self.namespace))
        if outcome == TIMED_OUT:
            raise EventTimeoutError(
                f"No event {name!r} arrived in time. Send it with `agnt5.send_event({name!r}, payload)`, or give the "
                f"wait a longer timeout."
            )
        raise RunCancelled(f"{name} was cancelled by somebody else than this run.")

    def read(self, payload: bytes) -> Any:
        """A recorded value as the run's code is to see it. SerializationError when its class cannot be found here."""
        return decode(payload, namespace=self.namespace, strict=True)

    # Durability

    def on_durable(self, seq: int) -> None:
        if seq > self.durable:
            self.durable = seq
        held = self.held
        while held and held[0][0] <= seq:
            _, op, outcome, payload = held.popleft()
            op.done = True
            if op.future is not None and not op.future.done():
                self.resolve(op, outcome, payload)
        if not self.replaying:
            self.start_effects()

    def start_effects(self) -> None:
        unsent = self.unsent
        durable = self.durable
        while unsent and unsent[0].seq <= durable:
            op = unsent.popleft()
            if not op.done and not op.running:
                self.start_effect(op)

    def start_effect(self, op: Op) -> None:
        if op.seq < self.base and self.session.retry_at(op.seq):
            return  # the engine says when its retry wait is over, also when it is: started here, it would run twice
        effects.start(op)

    def send_memo_effect(self, op: Op, recorded: bool) -> None:
        if recorded and stops.is_uncertain(op):
            self.stop_with(stops.Uncertain(stops.uncertain_text(self, [op])))
            raise Fenced("the run waits for a decision")
        if op.seq <= self.durable:
            self.host.soon(self._start_late, op)
        else:
            self.unsent.append(op)

    def _start_late(self, op: Op) -> None:
        if not (self.dead or op.done or op.running):
            self.start_effect(op)

    def try_again(self, seq: int) -> None:
        op = self.ops.get(seq)
        if op is None or op.done or op.running:
            return
        if self.replaying or self.barrier:  # poisoned: this attempt is about to stop
            return
        if op in self.unsent:
            self.unsent.remove(op)
        effects.start(op)

    def settled(self, op: Op, outcome: int, payload: bytes, logs: bytes, began: int) -> None:
        """A body ended for good."""
        if op.seq == 0:
            self.root_settled(outcome, payload, logs)
        else:
            self.session.settle(op.seq, outcome, payload, logs=logs, meta=op.meta(), began=began)
            self.schedule()

    def unrecordable(self, op: Op, error: Exception) -> None:
        self.stop_with(stops.Unrecordable(stops.unrecordable_text(self, op, error)))

    def code_of(self, target: Target | None, payload: bytes) -> bytes:
        """Fingerprint of what a step or function would run with these arguments."""
        if target is None or target.kind == CHILD:
            return b""
        return self.codes.of(target.fn, payload, self.namespace) if target.code is None else target.code

    def policy_of(self, op: Op) -> RetryPolicy:
        assert op.target is not None
        return op.target.effective_policy(op.scope.explicit if op.scope is not None else self.explicit and op.seq != 0)

    # Commands

    def check(self) -> None:
        """Raise unless this attempt may still ask."""
        if self.barrier:
            raise Fenced("this attempt is over")

    def command(
        self,
        kind: int,
        name: str,
        payload: bytes = b"",
        due: int = 0,
        dest: str = "",
        child_kind: int = 0,
        at_most_once: bool = False,
        code: bytes = b"",
    ) -> int:
        """A command of the script. Divergence poisons the attempt and raises what no `except Exception` can swallow."""
        if self.barrier:
            self.check()
        try:
            if due or dest or child_kind or at_most_once:
                return self.session.command(
                    kind,
                    name,
                    payload,
                    due=due,
                    target=dest,
                    child_kind=child_kind,
                    at_most_once=at_most_once,
                    code=code,
                )
            if code:
                return self.session.command(kind, name, payload, code=code)
            return self.session.command(kind, name, payload)
        except DivergenceError as error:
            self.poisoned_by(diverging.explain(self, error, caller(2)))
        raise Fenced("the run diverged from its journal")

    def poisoned_by(self, error: BaseException) -> None:
        """The run must stop with `error`, whatever its code makes of it. The first error stands."""
        if self.poison is None:
            self.poison = error
        self.barrier = True

    def cancel(self, op: Op, record: bool = True) -> None:
        """Give up an operation: recorded, its body cancelled, a late result dropped."""
        if op.done:
            return
        op.done = True
        if record and not self.barrier:
            if op.scope is None:
                self.command(CANCEL, "", dest=str(op.seq))
            else:
                self.session.ask(op.scope.seq, CANCEL, "", target=str(op.seq))
        self.ops.pop(op.seq, None)
        effects.abandon(op)
        self.schedule()

    def expect(self, run_id: str, component: Component[..., Any] | None) -> None:
        """A run that this one makes runs, and records, the code that this one holds, in this one's context."""
        if component is not None:
            self.driver.expect(run_id, component, self.context)
            if not self.session.replaying:
                self.session.tell_code(run_id, *snapshot(component), PYTHON)

    # The end

    def asked_to_cancel(self) -> None:
        if self.cancelling and not self.replaying:
            self.end(CANCELLED, b"")  # asked twice: no more cleaning up
            return
        self.cancelling = True
        self.cancel_body()

    def end(
        self,
        outcome: int,
        payload: bytes,
        *,
        warnings: list[str] | None = None,
        logs: bytes = b"",
        object_state: bytes | None = None,
    ) -> None:
        """Write the last entry and let go."""
        self.session.end(outcome, payload, warnings=warnings or [], logs=logs, object_state=object_state)
        self.driver.ending(self, outcome, payload)
        self.tear_down()
        self.driver.commit(self)

    def stop_with(self, error: BaseException) -> None:
        """Pause the run with `error` as its reason, from wherever the body is right now."""
        if self.poison is None:
            self.poisoned_by(error)
            self.host.soon(stops.stop, self)

    def tear_down(self) -> None:
        if self.dead:
            return
        self.dead = self.barrier = True
        self.driver.remove(self)
        for op in list(self.ops.values()):
            op.done = True
            effects.abandon(op)
            if op.scope is not None and op.future is not None and not op.future.done():
                op.future.cancel()
        self.unwind()
        self.ops.clear()
        self.unsent.clear()
        self.held.clear()

    def release(self) -> None:
        """Forget a parked run; the engine leases it again when it wakes."""
        self.tear_down()
        self.session.release()

    def block_on(self, coro: Coroutine[Any, Any, Any]) -> Any:
        """Await something on the host loop from a body's thread."""
        return self.driver.block_on(coro)
