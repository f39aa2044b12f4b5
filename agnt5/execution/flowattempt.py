"""Drives a flow: its body runs on a flow loop of its own, and its commands are a script.

The flow loop asks for timers and the recorded time through this class. It is drained from plain callbacks only.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any

from agnt5 import _core, registry
from agnt5.codec import decode_call, encode, encode_failure
from agnt5.errors import FlowSpinError, RunCancelled, SerializationError, StepTimeout
from agnt5.execution import ending, stops
from agnt5.execution.attempt import Attempt
from agnt5.execution.capture import Capture, capture_into, ensure_installed
from agnt5.execution.current import current
from agnt5.execution.flowloop import FlowLoop
from agnt5.execution.frames import place
from agnt5.execution.ioless import Fenced
from agnt5.execution.ops import Op
from agnt5.execution.scopes import FlowScope
from agnt5.log import logger
from agnt5.secret import mask

if TYPE_CHECKING:
    from agnt5.component import Component
    from agnt5.context import Context
    from agnt5.execution.driver import Driver
    from agnt5.execution.session import Session

SLEEP = _core.COMMAND_SLEEP
FIRED = _core.OUTCOME_FIRED


class FlowAttempt(Attempt):
    __slots__ = ("capture", "flow", "root", "scope", "successes", "successor")

    def __init__(
        self, driver: Driver, session: Session, component: Component[..., Any], context: contextvars.Context
    ) -> None:
        super().__init__(driver, session, component, context)
        self.flow = FlowLoop(self)
        self.flow.on_poison = self._poisoned
        self.flow.on_slow = self._slow
        self.scope = FlowScope(self)
        # What a replay prints was printed before.
        self.capture = Capture(muted=session.replaying, mask=mask)
        # Only for a flow with a retry policy: what succeeded, so that it need not run again.
        policy = component.retry_policy
        keeps = policy is not None and policy.reuse
        self.successes: list[tuple[tuple[int, str, bytes], bytes]] | None = [] if keeps else None
        self.root: asyncio.Task[Any] | None = None
        self.successor: bytes | None = None  # input of the run that is to go on in this one's place

    def begin(self) -> None:
        ensure_installed()
        ctx = self.scope.context()
        self.context.run(self._enter, ctx)
        self.root = self.flow.start(self._body(ctx), context=self.context)
        self.schedule()

    def _enter(self, ctx: Context) -> None:
        current.set(ctx)
        capture_into(self.capture)

    async def _body(self, ctx: Context) -> Any:
        component = self.component
        args, kwargs = decode_call(self.session.input, namespace=self.namespace, strict=True)
        if component.wants_context:
            args = (ctx, *args)
        if component.timeout is None:
            return await self._tries(ctx, args, kwargs)
        limit = asyncio.timeout(component.timeout)
        try:
            async with limit:
                return await self._tries(ctx, args, kwargs)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise StepTimeout(f"The flow {component.name} took longer than {component.timeout:g} s.") from error

    async def _tries(self, ctx: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        component = self.component
        policy = component.retry_policy
        tried = 0
        while True:
            try:
                return await component.fn(*args, **kwargs)
            except Exception as error:
                tried += 1
                if policy is None or tried >= policy.max_attempts or not policy.retries(error):
                    raise
            delay = _core.retry_delay(
                tried,
                initial_us=policy.initial_us,
                factor=policy.factor,
                max_interval_us=policy.max_interval_us,
                jitter=policy.jitter,
                key=self.run_id.encode(),
            )
            await ctx.sleep(delay / 1e6)
            self.scope.start_again()
            again, more = decode_call(self.session.input, namespace=self.namespace, strict=True)
            args, kwargs = ((ctx, *again) if component.wants_context else again), more

    def drain(self) -> bool:
        if self.poison is None and not self.flow._ready:
            return True
        try:
            quiet = self.flow.drain()
        except FlowSpinError as error:
            self.poisoned_by(error)
            quiet = True
        if not quiet:
            self.schedule()
            return False
        if self.poison is not None:
            stops.stop(self)
            return False
        if self.successor is not None:
            self._continue_as(self.successor)
            return False
        root = self.root
        assert root is not None
        if root.done():
            self._finish(root)
            return False
        return True

    def submit(self) -> None:
        if self.ops or self.live or self.held or self.unsent:
            Attempt.submit(self)
        else:  # all that was asked is answered, so nothing can ever wake the body
            self.poisoned_by(ending.stuck(self.flow))
            stops.stop(self)

    def deliver(self, op: Op, outcome: int, payload: bytes) -> None:
        if op.future is None and op.scope is None:
            op.done = True
            self.flow.fire_timer(op.seq)
            return
        if self.successes is not None and outcome == _core.OUTCOME_VALUE and op.scope is None:
            self.successes.append(((op.kind, op.name, op.input), payload))
        Attempt.deliver(self, op, outcome, payload)

    def hand_over(self, successor: bytes) -> None:
        """The flow asked for a successor: from here on nothing else may be asked."""
        self.successor = successor
        self.barrier = True

    def _continue_as(self, successor: bytes) -> None:
        warnings = self.flow.shutdown()
        if self.poison is not None:
            stops.stop(self)
            return
        # A new run is where new code begins to count.
        component = registry.find(self.session.component) or self.component
        self.expect(self.session.successor_id, component)
        logs = self.capture.dump()
        try:
            self.end(_core.OUTCOME_CONTINUED, successor, warnings=warnings, logs=logs)
        except SerializationError as too_large:
            self.driver.forget(self.session.successor_id)
            self.end(_core.OUTCOME_FAILURE, encode_failure(too_large, attempts=self.scope.number), logs=logs)

    def _finish(self, root: asyncio.Task[Any]) -> None:
        self.barrier = True
        warnings = self.flow.shutdown()
        if self.poison is not None:
            stops.stop(self)
            return
        logs = self.capture.dump()
        if root.cancelled():
            if self.cancelling:
                self.end(_core.OUTCOME_CANCELLED, b"", warnings=warnings, logs=logs)
                return
            error: BaseException | None = RunCancelled("The flow raised CancelledError, and nobody had cancelled it.")
        else:
            error = root.exception()
        if error is None:
            try:
                self.end(_core.OUTCOME_VALUE, encode(root.result()), warnings=warnings, logs=logs)
                return
            except SerializationError as unrecordable:
                error = unrecordable
        if isinstance(error, Fenced):
            raise RuntimeError("the flow was fenced and its attempt was not")
        self.end(_core.OUTCOME_FAILURE, encode_failure(error, attempts=self.scope.number), warnings=warnings, logs=logs)

    def caught_up(self) -> None:
        self.capture.muted = False
        super().caught_up()

    def cancel_body(self) -> None:
        if self.root is not None:
            self.root.cancel()

    def unwind(self) -> None:
        self.capture.muted = True
        refused = self.flow.teardown(Fenced("this attempt is over"))
        for line in refused:
            logger.warning("run %s: a coroutine would not end when its attempt did: %s", self.run_id, line)

    def where(self) -> str:
        return place(self.root) if self.root is not None and not self.root.done() else ""

    def handed_over(self) -> bool:
        """A successor was asked for, and this attempt ends when its drain does."""
        return self.successor is not None and self.poison is None and self.flow._fence is None

    def check(self) -> None:
        if self.barrier and self.handed_over():
            raise asyncio.CancelledError
        if self.barrier:
            raise self.flow._fence or Fenced("this attempt is over")

    def poisoned_by(self, error: BaseException) -> None:
        super().poisoned_by(error)
        self.flow.poison(error)

    def _poisoned(self, error: BaseException) -> None:
        super().poisoned_by(error)
        self.schedule()

    def _slow(self, seconds: float, where: str) -> None:
        logger.warning(
            "the flow %s held the host loop for %.2f s at %s. Computation belongs in a function: "
            "`await ctx.call(function, ...)`.",
            self.component.name,
            seconds,
            where,
        )

    # What the flow loop asks

    def arm_timer(self, delay_us: int) -> int:
        seq = self.command(SLEEP, "timer", due=self.session.now + delay_us)
        self.ops[seq] = Op(self, seq, SLEEP, "timer", b"", None, None)
        return seq

    def cancel_timer(self, seq: int) -> None:
        op = self.ops.get(seq)
        if op is not None:
            self.cancel(op)

    def now_us(self) -> int:
        return self.session.now

    def poisoned(self) -> BaseException | None:
        return self.poison
