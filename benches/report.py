"""What a benchmark found: a value, what it is compared with, and the target it was given. Prints lines and JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Finding:
    """One line of the report. `ratio` is the measured value over the floor or peer beside it."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    floor_name: str = ""
    target: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        return None if not self.floor else self.value / self.floor

    def as_json(self) -> dict[str, object]:
        return {**self.__dict__, "ratio": self.ratio}

    def __str__(self) -> str:
        digits = 0 if self.value >= 100 else 1
        line = f"{self.name:<44} {self.value:>10,.{digits}f} {self.unit:<10}"
        if self.ratio is not None and self.floor is not None:
            line += f" {self.ratio:6.2f} of {self.floor:,.{0 if self.floor >= 100 else 1}f} {self.floor_name}"
        if self.target:
            line += f"  [target {self.target}]"
        return "\n".join([line.rstrip(), *(f"    {note}" for note in self.notes)])


def percentiles(seconds: Sequence[float], unit: str = "us") -> str:
    """p50, p95 and p99 of latencies given in seconds."""
    factor, digits = {"us": (1e6, 0), "ms": (1e3, 1)}[unit]
    cuts = statistics.quantiles(seconds, n=100)
    return "one step: " + ", ".join(f"p{p} {cuts[p - 1] * factor:,.{digits}f} {unit}" for p in (50, 95, 99))
