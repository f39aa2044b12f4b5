"""Small types that several layers share: the status of a run, and what JSON can hold.

Nothing here may import another module of the package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""A value JSON can hold as it is."""


class Status(StrEnum):
    """Where a run stands. Compares equal to its name, so `run.status == "waiting"` works."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether nothing can change any more."""
        return self in _TERMINAL

    @property
    def code(self) -> int:
        """The core's number for it."""
        return _CODES.index(self)

    @classmethod
    def from_code(cls, code: int) -> Status:
        """The status behind the core's number. ValueError for a number this version does not know."""
        if not 0 <= code < len(_CODES):
            raise ValueError(f"{code} is no status of a run; a later version of AGNT5 may have written it")
        return _CODES[code]


# The order is that of `core/journal/src/status.rs`.
_CODES = tuple(Status)
_TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
