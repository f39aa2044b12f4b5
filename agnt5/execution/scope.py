"""What `Context` speaks through, whatever kind of body it was given to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Protocol

if TYPE_CHECKING:
    from agnt5.execution.attempt import Attempt
    from agnt5.execution.flowattempt import FlowAttempt
    from agnt5.execution.targets import Target


class Scope(Protocol):
    """The operations and identity of one execution of a body. Payloads are bytes of the codec, times microseconds."""

    explicit: bool

    @property
    def attempt(self) -> Attempt | FlowAttempt: ...
    @property
    def run_id(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def label(self) -> str: ...
    @property
    def key_seq(self) -> int: ...
    @property
    def replaying(self) -> bool: ...
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
    ) -> Any: ...
    async def hand_over(self, payload: bytes) -> NoReturn: ...
    def tell(self, kind: int, name: str, payload: bytes, dest: str = "", child_kind: int = 0) -> int: ...
    def state_get(self, name: str) -> bytes | None: ...
    def state_keys(self) -> list[str]: ...
    def now_us(self) -> int: ...
    def clock_us(self) -> int: ...
    def next_uuid(self) -> str: ...
