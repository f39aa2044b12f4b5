"""The replay that `%agnt5 step` and its like move: one at a time, until another begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.error import UsageError

if TYPE_CHECKING:
    from agnt5 import Replay

_walk: Replay | None = None


def begin(walk: Replay) -> None:
    """From now on this one."""
    global _walk
    _walk = walk


def current() -> Replay:
    """UsageError when there is none."""
    if _walk is None:
        raise UsageError("%agnt5: there is no replay yet: begin one with %agnt5 replay ID")
    return _walk


def forget() -> None:
    global _walk
    _walk = None
