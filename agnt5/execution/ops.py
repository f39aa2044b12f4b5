"""One operation that code asked and that is not answered yet.

An op lives from its command to its completion. `token` says which execution of its body counts: a body that finishes
under an older one was cancelled or timed out, and its result must be dropped.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from agnt5 import _core

if TYPE_CHECKING:
    from agnt5.context import Context
    from agnt5.execution.attempt import Attempt
    from agnt5.execution.clock import BodyClock
    from agnt5.execution.scopes import MemoScope
    from agnt5.execution.targets import Target

LOCAL = frozenset({_core.COMMAND_STEP, _core.COMMAND_CALL})
# Waits that may take days, need no memory, and do not count against a time limit.
DURABLE_WAITS = frozenset(
    {
        _core.COMMAND_CHILD,
        _core.COMMAND_OBJECT,
        _core.COMMAND_SLEEP,
        _core.COMMAND_WAIT_EVENT,
        _core.COMMAND_JOIN,
    }
)


class Op:
    __slots__ = (
        "__weakref__",
        "attempt",
        "clock",
        "done",
        "facts",
        "future",
        "input",
        "inside",
        "kind",
        "name",
        "running",
        "scope",
        "seq",
        "target",
        "task",
        "token",
    )

    def __init__(
        self,
        attempt: Attempt,
        seq: int,
        kind: int,
        name: str,
        input: bytes,
        target: Target | None,
        scope: MemoScope | None,
    ) -> None:
        self.attempt = attempt
        self.seq = seq
        self.kind = kind
        self.name = name
        self.input = input
        self.target = target
        self.scope = scope  # the memo that asked; None when the flow's script did
        self.future: asyncio.Future[Any] | None = None
        self.done = False
        self.running = False
        self.token = 0
        self.task: asyncio.Task[Any] | None = None
        self.inside: MemoScope | None = None  # of a CALL: the memo of its running body
        self.clock: BodyClock | None = None
        self.facts: dict[str, Any] | None = None  # what its body wants noted beside the result: tokens, cost, model

    @property
    def path(self) -> str:
        return self.attempt.session.path(self.seq)

    def meta(self) -> bytes:
        return json.dumps(self.facts, separators=(",", ":")).encode() if self.facts else b""

    def step_context(self) -> Context:
        """What `current_context()` gives inside a plain step: identity and logging, no operations."""
        from agnt5.context import Context
        from agnt5.execution.stepscope import StepScope

        return Context(StepScope(self))
