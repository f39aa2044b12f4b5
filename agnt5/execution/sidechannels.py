"""`ctx.logger` and `ctx.metrics`: silent while a run replays, so that nothing is told twice.

Metrics are kept in this process until something collects them, and go to an outlet if there is one; names never carry
values of a run.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agnt5.context import Context
    from agnt5.execution.observing import Outlet

_log = logging.getLogger("agnt5.run")
Labels = tuple[tuple[str, str], ...]

_KEPT = 10_000


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger that names the run and is silent while the run replays."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(_log, {"run_id": ctx.run_id})
        self._ctx = ctx

    def isEnabledFor(self, level: int) -> bool:
        return not self._ctx.is_replaying and self.logger.isEnabledFor(level)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = {**(self.extra or {}), **kwargs.get("extra", {})}
        return msg, kwargs


class MetricSink:
    """Counts in memory. Histograms keep their last 10,000 values. `outlet`: where values go, too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.outlet: Outlet | None = None
        self.counters: dict[tuple[str, Labels], float] = {}
        self.gauges: dict[tuple[str, Labels], float] = {}
        self.histograms: dict[tuple[str, Labels], list[float]] = {}

    def increment(self, name: str, value: float, labels: Labels) -> None:
        with self._lock:
            self.counters[name, labels] = self.counters.get((name, labels), 0) + value
        if self.outlet is not None:
            self.outlet.increment(name, value, labels)

    def gauge(self, name: str, value: float, labels: Labels) -> None:
        with self._lock:
            self.gauges[name, labels] = value
        if self.outlet is not None:
            self.outlet.gauge(name, value, labels)

    def histogram(self, name: str, value: float, labels: Labels) -> None:
        with self._lock:
            values = self.histograms.setdefault((name, labels), [])
            values.append(value)
            if len(values) > _KEPT:
                del values[: _KEPT // 10]
        if self.outlet is not None:
            self.outlet.histogram(name, value, labels)


sink = MetricSink()


class Metrics:
    """`ctx.metrics`. Extra keyword arguments are labels."""

    __slots__ = ("_ctx",)

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def increment(self, name: str, value: float = 1, **labels: Any) -> None:
        if not self._ctx.is_replaying:
            sink.increment(name, value, _labels(labels))

    def gauge(self, name: str, value: float, **labels: Any) -> None:
        if not self._ctx.is_replaying:
            sink.gauge(name, value, _labels(labels))

    def histogram(self, name: str, value: float, **labels: Any) -> None:
        if not self._ctx.is_replaying:
            sink.histogram(name, value, _labels(labels))


def _labels(labels: Mapping[str, Any]) -> Labels:
    return tuple(sorted((name, str(value)) for name, value in labels.items()))
