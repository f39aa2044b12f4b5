"""What `@function(trace=True)` shows: DEBUG lines on the logger "agnt5.trace" about attempts, operations and answers.

It only tells. A body must run the same without it.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from agnt5.execution.kinds import COMMAND_WORDS
from agnt5.execution.scopes import MemoScope

if TYPE_CHECKING:
    from agnt5.execution.attempt import Attempt
    from agnt5.execution.ops import Op
    from agnt5.execution.targets import Target

log = logging.getLogger("agnt5.trace")


def memo_scope(attempt: Attempt, op: Op) -> MemoScope:
    """The scope of a body that is about to run: one that tells, when its function is to be traced."""
    component = op.target.component if op.target is not None else None
    traced = component is not None and component.trace and log.isEnabledFor(logging.DEBUG)
    return (TracedScope if traced else MemoScope)(attempt, op)


class TracedScope(MemoScope):
    __slots__ = ("_began",)

    def __init__(self, attempt: Attempt, op: Op) -> None:
        super().__init__(attempt, op)
        self._began = time.perf_counter()
        self._tell(f"begins, attempt {self.number}")

    async def operate(
        self, kind: int, name: str, payload: bytes, target: Target | None = None, *rest: Any, **more: Any
    ) -> Any:
        what = f"{COMMAND_WORDS.get(kind, kind)} {name!r}"
        self._tell(f"asks {what}")
        asked = time.perf_counter()
        try:
            answer = await super().operate(kind, name, payload, target, *rest, **more)
        except BaseException as error:
            self._tell(f"{what} raised {type(error).__name__}: {error}, after {_since(asked)}")
            raise
        self._tell(f"{what} answered after {_since(asked)}")
        return answer

    def tell(self, kind: int, name: str, payload: bytes, dest: str = "", child_kind: int = 0) -> int:
        self._tell(f"{COMMAND_WORDS.get(kind, kind)} {name!r}")
        return super().tell(kind, name, payload, dest, child_kind)

    def close(self, error: BaseException | None = None) -> None:
        if not self.closed:
            how = "ends" if error is None else f"raises {type(error).__name__}: {error},"
            self._tell(f"{how} after {_since(self._began)}")
        super().close(error)

    def _tell(self, what: str) -> None:
        log.debug("run %s: %s %s", self.run_id, self.op.name, what, extra={"run_id": self.run_id})


def _since(moment: float) -> str:
    return f"{(time.perf_counter() - moment) * 1000:.1f} ms"
