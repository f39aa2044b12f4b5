"""What a plain step's `current_context()` speaks through: identity, no operations.

A step is one entry; it has no room for entries of its own, so everything that would need one is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from agnt5.errors import StepError

if TYPE_CHECKING:
    from agnt5.execution.ops import Op


class StepScope:
    __slots__ = ("attempt", "explicit", "key_seq", "number", "op")

    def __init__(self, op: Op) -> None:
        self.op = op
        self.attempt = op.attempt
        self.explicit = False
        self.key_seq = op.seq
        self.number = op.attempt.session.attempts(op.seq) + 1

    async def operate(self, kind: int, name: str, payload: bytes, *rest: Any, **more: Any) -> Any:
        self._refuse(name)

    async def hand_over(self, payload: bytes) -> NoReturn:
        self._refuse("continue_as")

    def tell(self, kind: int, name: str, payload: bytes, dest: str = "", child_kind: int = 0) -> int:
        self._refuse(name)

    def state_get(self, name: str) -> bytes | None:
        self._refuse("state.get")

    def state_keys(self) -> list[str]:
        self._refuse("state.keys")

    def now_us(self) -> int:
        self._refuse("now")

    def clock_us(self) -> int:
        self._refuse("now")

    def next_uuid(self) -> str:
        self._refuse("uuid")

    @property
    def run_id(self) -> str:
        return self.attempt.run_id

    @property
    def label(self) -> str:
        return f"{self.attempt.session.path(self.op.seq)}:"

    @property
    def replaying(self) -> bool:
        return False

    def _refuse(self, what: str) -> NoReturn:
        raise StepError(
            f"The step {self.op.name!r} asked {what!r} of the run. A plain step is one recorded operation and has none "
            f"of its own: decorate it with @function, or give it a first parameter `ctx`."
        )
