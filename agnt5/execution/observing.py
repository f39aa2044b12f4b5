"""Who hears of what happens in this process: ends of runs, ends of bodies, values of `ctx.metrics`.

The seam for reports. A listener must return at once, must not raise, and must change nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from agnt5.execution.ops import Op


class Listener(Protocol):
    def run_ended(self, run_id: str) -> None:
        """A run of this store has ended for good, durably. On the host thread, before those who wait for it hear."""
        ...

    def body_ended(self, op: Op, error: BaseException | None, began: int) -> None:
        """The body of a step or function ended here, live; `began` in microseconds since 1970. On the host thread."""
        ...

    def start_tags(self, tags: dict[str, str] | None) -> dict[str, str] | None:
        """The tags of a run that is about to start, with what ties it to its caller."""
        ...


class Outlet(Protocol):
    """Where values of `ctx.metrics` go beside this process's own table."""

    def increment(self, name: str, value: float, labels: tuple[tuple[str, str], ...]) -> None: ...
    def gauge(self, name: str, value: float, labels: tuple[tuple[str, str], ...]) -> None: ...
    def histogram(self, name: str, value: float, labels: tuple[tuple[str, str], ...]) -> None: ...
