"""Drives a run that is a function or an object's method: its body is a task or a thread, its operations a memo.

The body itself is an op, with the seq 0 that no command has; its failures and retries are the run's.
"""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

from agnt5 import _core
from agnt5.codec import encode_failure
from agnt5.component import OBJECT
from agnt5.errors import SerializationError
from agnt5.execution import stops
from agnt5.execution.attempt import Attempt
from agnt5.execution.objects import ObjectBody
from agnt5.execution.ops import Op
from agnt5.execution.targets import of_component

if TYPE_CHECKING:
    from agnt5.component import Component
    from agnt5.execution.driver import Driver
    from agnt5.execution.session import Session

CALL = _core.COMMAND_CALL
VALUE = _core.OUTCOME_VALUE
FAILURE = _core.OUTCOME_FAILURE


class MemoAttempt(Attempt):
    __slots__ = ("object", "root")

    def __init__(
        self, driver: Driver, session: Session, component: Component[..., Any], context: contextvars.Context
    ) -> None:
        super().__init__(driver, session, component, context)
        self.object: ObjectBody | None = None
        self.root = Op(self, 0, CALL, component.name, session.input, of_component(component), None)
        self.ops[0] = self.root

    def begin(self) -> None:
        self.schedule()

    def drain(self) -> bool:
        return True

    def caught_up(self) -> None:
        stops.warn_large(self)
        root = self.root
        if root.running or root.done:
            return
        if self.cancelling:  # asked to stop before the body began
            self.end(_core.OUTCOME_CANCELLED, b"")
            return
        again = (self.session.attempt > 1 and self.session.attempts(0) == 0) or self.session.is_uncertain(0)
        if self.component.at_most_once and again and not self.session.by_person:
            self.stop_with(stops.Uncertain(stops.uncertain_text(self, [root])))
            return
        self.unsent.append(root)
        self.start_effects()

    def start_effect(self, op: Op) -> None:
        if op is self.root and self.component.kind == OBJECT and not self._fresh_object(op):
            return
        super().start_effect(op)

    def try_again(self, seq: int) -> None:
        op = self.root
        if seq == 0 and self.component.kind == OBJECT and not (op.running or op.done) and not self._fresh_object(op):
            return
        super().try_again(seq)

    def _fresh_object(self, op: Op) -> bool:
        """Every attempt of a method begins with the state that was committed last."""
        try:
            self.object = ObjectBody(self.component, self.driver.engine.object_state(self.session.object_key))
            op.target = self.object.target()
        except Exception as error:
            self.end(FAILURE, encode_failure(error, attempts=1))
            return False
        return True

    def root_settled(self, outcome: int, payload: bytes, logs: bytes) -> None:
        self.root.done = True
        state: bytes | None = None
        if self.object is not None and outcome == VALUE:
            try:
                state = self.object.state()
            except SerializationError as error:
                outcome, payload = FAILURE, encode_failure(error, attempts=self.session.attempts(0) + 1)
        self.end(outcome, payload, logs=logs, object_state=state)

    def unrecordable(self, op: Op, error: Exception) -> None:
        if op is not self.root:
            super().unrecordable(op, error)
            return
        # The run has no caller's step to hold open: it ends, visibly, and is not run again.
        self.end(FAILURE, encode_failure(error, attempts=self.session.attempts(0) + 1))

    def cancel_body(self) -> None:
        root = self.root
        if root.running and root.task is not None:
            root.task.cancel()
        elif not self.replaying:
            # A thread cannot be interrupted, and a retry wait has nothing to clean up.
            self.end(_core.OUTCOME_CANCELLED, b"")

    def unwind(self) -> None:
        """The body's task was cancelled with its op."""
