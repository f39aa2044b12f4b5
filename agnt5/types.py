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

    def left_alone(self, *, marked: bool, owned: bool) -> bool:
        """Whether nobody drives a run of this status, though it has neither ended nor been paused. `marked`: the store
        says that it was interrupted; `owned`: a living process owns the store."""
        # One that was resumed is pending until it is driven again, and keeps its mark until then.
        return (marked and self is not Status.PENDING) or not (owned or self.terminal or self is Status.PAUSED)

    @classmethod
    def from_code(cls, code: int) -> Status:
        """The status behind the core's number. ValueError for a number this version does not know."""
        if not 0 <= code < len(_CODES):
            raise ValueError(f"{code} is no status of a run; a later version of AGNT5 may have written it")
        return _CODES[code]


INTERRUPTED = "interrupted"
"""Stands beside the statuses where runs are chosen: those that nobody drives, whatever they were doing."""

# The order is that of `core/journal/src/status.rs`.
_CODES = tuple(Status)
_TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
