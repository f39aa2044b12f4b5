"""How a body's operations reach the journal: as a script (a flow) or as a memo (a function or method).

A scope turns what `Context` asks into commands and awaits their completions. It must never decide an outcome itself.
Both kinds offer the same verbs; `operate` waits for an answer, `tell` is answered at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NoReturn

from agnt5 import _core
from agnt5.codec import encode
from agnt5.errors import RunClosed, StepError
from agnt5.execution.clock import now_us
from agnt5.execution.ops import DURABLE_WAITS, Op
from agnt5.log import logger
from agnt5.secret import refuse_secrets

if TYPE_CHECKING:
    from agnt5.context import Context
    from agnt5.execution.attempt import Attempt
    from agnt5.execution.flowattempt import FlowAttempt
    from agnt5.execution.targets import Target

STEP = _core.COMMAND_STEP
CHILD = _core.COMMAND_CHILD
OBJECT = _core.COMMAND_OBJECT
WAIT_EVENT = _core.COMMAND_WAIT_EVENT
STATE_GET = _core.COMMAND_STATE_GET
PENDING = _core.OUTCOME_PENDING
VALUE = _core.OUTCOME_VALUE

# Waiting longer than this inside a function holds its memory, which a flow would not.
_LONG_WAIT_US = 60_000_000


class FlowScope:
    """The script of a flow: commands are matched in order."""

    __slots__ = ("_past", "_uuids", "attempt", "explicit", "generation")

    def __init__(self, attempt: FlowAttempt) -> None:
        self.attempt = attempt
        self.explicit = attempt.component.retry_policy is not None
        self.generation = 0
        self._uuids = 0
        self._past: dict[tuple[int, str, bytes], list[Any]] | None = None

    def context(self) -> Context:
        from agnt5.context import Context

        return Context(self)

    async def operate(
        self,
        kind: int,
        name: str,
        payload: bytes,
        target: Target | None = None,
        due: int = 0,
        dest: str = "",
        child_kind: int = 0,
        at_most_once: bool = False,
    ) -> Any:
        attempt = self.attempt
        if attempt.barrier:
            await self._refuse()
        if attempt.driver.refuses:
            refuse_secrets(payload, f"what {name!r} is asked with")
        past = self._past
        if past is not None:
            answers = past.get((kind, name, payload))
            if answers:
                return attempt.read(answers.pop(0))
        if target is not None or due or dest or child_kind:
            code = attempt.code_of(target, payload)
            seq = attempt.command(kind, name, payload, due, dest, child_kind, at_most_once, code)
        else:
            seq = attempt.command(kind, name, payload)
        op = Op(attempt, seq, kind, name, payload, target, None)
        future = op.future = attempt.flow.create_future()
        attempt.ops[seq] = op
        if target is not None:
            if kind == CHILD:
                attempt.expect(attempt.session.child_id(seq), target.component)
            else:
                attempt.unsent.append(op)
        try:
            return await future
        except asyncio.CancelledError:
            attempt.cancel(op)
            raise

    def tell(self, kind: int, name: str, payload: bytes, dest: str = "", child_kind: int = 0) -> int:
        if self.attempt.driver.refuses:
            refuse_secrets(payload, f"what {name!r} holds")
        return self.attempt.command(kind, name, payload, 0, dest, child_kind)

    async def hand_over(self, payload: bytes) -> NoReturn:
        """End the run here, in favour of one with this input. The caller never goes on."""
        attempt = self.attempt
        if attempt.barrier:
            await self._refuse()
        if attempt.driver.refuses:
            refuse_secrets(payload, "what the next run is to start with")
        attempt.hand_over(payload)
        await attempt.flow.create_future()
        raise AssertionError("the attempt ends with this drain")

    def state_get(self, name: str) -> bytes | None:
        self.attempt.check()
        return self.attempt.session.state(name)

    def state_keys(self) -> list[str]:
        self.attempt.check()
        return self.attempt.session.state_keys()

    async def _refuse(self) -> NoReturn:
        """Nothing may be asked any more. Who asks behind a hand-over waits for its cancellation."""
        flow = self.attempt.flow
        if self.attempt.handed_over():
            await flow.create_future()
        await flow.refuse()

    def start_again(self) -> None:
        """The flow failed and begins again: what succeeded until now answers at once when it is asked the same."""
        self.generation += 1
        self._past = {}
        for key, payload in self.attempt.successes or ():
            self._past.setdefault(key, []).append(payload)

    def now_us(self) -> int:
        return self.attempt.session.now

    def clock_us(self) -> int:
        return self.attempt.session.now

    def next_uuid(self) -> str:
        self._uuids += 1
        return f"uuid:{self._uuids}"

    @property
    def label(self) -> str:
        return f"{self.generation}:" if self.generation else ""

    @property
    def number(self) -> int:
        return self.generation + 1

    @property
    def run_id(self) -> str:
        # What a fork shares was asked by another run, whose id may be part of what was asked.
        return self.attempt.session.seen_run_id

    @property
    def key_seq(self) -> int:
        return 0

    @property
    def replaying(self) -> bool:
        return self.attempt.session.replaying


class MemoScope:
    """The memo of one execution of a function's or method's body: commands are looked up, not ordered."""

    __slots__ = ("_outstanding", "_uuids", "_warned", "attempt", "closed", "explicit", "number", "op", "seq")

    def __init__(self, attempt: Attempt, op: Op) -> None:
        self.attempt = attempt
        self.op = op
        self.seq = op.seq
        self.number = attempt.session.begin(op.seq, attempt.policy_of(op).reuse)
        enclosing = op.scope.explicit if op.scope is not None else attempt.explicit
        self.explicit = enclosing or (op.target is not None and op.target.policy is not None)
        self.closed = False
        self._outstanding: dict[int, Op] = {}
        self._uuids = 0
        self._warned = False

    def context(self) -> Context:
        from agnt5.context import Context

        return Context(self)

    def sync_context(self) -> Context:
        from agnt5.synccontext import SyncContext

        return SyncContext(self)

    async def operate(
        self,
        kind: int,
        name: str,
        payload: bytes,
        target: Target | None = None,
        due: int = 0,
        dest: str = "",
        child_kind: int = 0,
        at_most_once: bool = False,
    ) -> Any:
        attempt = self.attempt
        if kind == WAIT_EVENT and attempt.session.object_key and self.seq == 0:
            raise StepError(
                f"A method cannot wait for the event {name!r}: nobody could call the object until it came. Wait in a "
                f"flow and call the method with what arrived."
            )
        if attempt.driver.refuses:
            refuse_secrets(payload, f"what {name!r} is asked with")
        before = attempt.session.length
        code = attempt.code_of(target, payload)
        seq, outcome, answer = self._ask(kind, name, payload, due, dest, child_kind, at_most_once, code)
        if outcome != PENDING:
            return attempt.answer(kind, name, outcome, answer)
        op = attempt.ops.get(seq)
        if op is not None:  # asked by an earlier execution of this body and still under way
            attempt.cancel(op, record=False)
        op = Op(attempt, seq, kind, name, payload, target, self)
        future = op.future = attempt.host.loop.create_future()
        attempt.ops[seq] = op
        self._outstanding[seq] = op
        waits = kind in DURABLE_WAITS
        if target is not None:
            if kind == CHILD:
                attempt.expect(attempt.session.child_id(seq), target.component)
            else:
                attempt.send_memo_effect(op, recorded=seq < before)
        attempt.schedule()
        clock = self.op.clock if waits else None
        if clock is not None:
            clock.wait_begins()
        if waits and not self._warned and (due - now_us() > _LONG_WAIT_US if due else kind == WAIT_EVENT):
            self._warned = True
            logger.warning(
                "%s waits in a function (%s). A waiting function keeps its memory and its thread of execution: make "
                "it a flow when the wait may be long.",
                self.op.name or attempt.session.component,
                name,
            )
        try:
            return await future
        except asyncio.CancelledError:
            attempt.cancel(op)
            raise
        finally:
            self._outstanding.pop(seq, None)
            if clock is not None:
                clock.wait_ends()

    def tell(self, kind: int, name: str, payload: bytes, dest: str = "", child_kind: int = 0) -> int:
        if self.attempt.driver.refuses:
            refuse_secrets(payload, f"what {name!r} holds")
        seq, _, _ = self._ask(kind, name, payload, 0, dest, child_kind)
        self.attempt.schedule()
        return seq

    async def hand_over(self, payload: bytes) -> NoReturn:
        raise StepError(
            f"{self.op.name or self.attempt.session.component} is no flow, so it cannot continue as another run. Call "
            f"`ctx.continue_as` in the flow itself."
        )

    def state_get(self, name: str) -> bytes | None:
        _, outcome, answer = self._ask(STATE_GET, name, b"")
        self.attempt.schedule()
        return answer if outcome == VALUE and answer else None

    def state_keys(self) -> list[str]:
        return self.record("state.keys", self.attempt.session.state_keys)

    def record(self, name: str, make: Any) -> Any:
        """The value that `make` gave when it was first asked here: recorded at once, without a wait."""
        seq, outcome, answer = self._ask(STEP, name, b"")
        if outcome == VALUE:
            return self.attempt.read(answer)
        payload = encode(make())
        self.attempt.session.settle(seq, VALUE, payload)
        self.attempt.schedule()
        return self.attempt.read(payload)

    def now_us(self) -> int:
        return self.record("now", now_us)

    def clock_us(self) -> int:
        # What a sleep or time-out counts from: a recorded wait keeps its recorded end anyway.
        return now_us()

    def next_uuid(self) -> str:
        self._uuids += 1
        return f"uuid:{self._uuids}"

    @property
    def label(self) -> str:
        return f"{self.attempt.session.path(self.seq)}:" if self.seq else ""

    @property
    def run_id(self) -> str:
        return self.attempt.run_id

    @property
    def key_seq(self) -> int:
        return self.seq

    @property
    def replaying(self) -> bool:
        return False

    def close(self, error: BaseException | None = None) -> None:
        """The body is over, with `error` if it raised: what it left running is given up."""
        if self.closed:
            return
        self.closed = True
        for op in list(self._outstanding.values()):
            self.attempt.cancel(op, record=False)  # the core notes it together with the end of the body
            if op.future is not None and not op.future.done():
                op.future.cancel()
        self._outstanding.clear()

    def _ask(
        self,
        kind: int,
        name: str,
        payload: bytes,
        due: int = 0,
        dest: str = "",
        child_kind: int = 0,
        at_most_once: bool = False,
        code: bytes = b"",
    ) -> tuple[int, int, bytes]:
        self.attempt.check()
        if self.closed:
            raise RunClosed(
                f"{self.op.name or self.attempt.session.component} has ended; {name!r} was asked after that. "
                f"Await what a body starts before it returns."
            )
        return self.attempt.session.ask(
            self.seq,
            kind,
            name,
            payload,
            due=due,
            target=dest,
            child_kind=child_kind,
            at_most_once=at_most_once,
            code=code,
        )
