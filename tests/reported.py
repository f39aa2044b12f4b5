"""What was reported to OpenTelemetry's real SDK, in memory."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agnt5 import telemetry


class Reported:
    """Spans and points of metrics."""

    def __init__(self, exporter: InMemorySpanExporter, reader: InMemoryMetricReader) -> None:
        self._exporter = exporter
        self._reader = reader

    def forget(self) -> None:
        """Begin anew."""
        assert telemetry.flush(30)
        self._exporter.clear()
        self.points()

    @property
    def spans(self) -> list[ReadableSpan]:
        """All that were made, by their start."""
        assert telemetry.flush(30)
        return sorted(self._exporter.get_finished_spans(), key=lambda span: (span.start_time, span.end_time))

    def span(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def tree(self) -> list[str]:
        """Names, indented by depth, in order of their starts among brothers."""
        spans = self.spans
        lines: list[str] = []

        def walk(parent: int | None, depth: int) -> None:
            for span in spans:
                inside = span.parent.span_id if span.parent is not None else None
                if inside == parent:
                    lines.append("  " * depth + span.name)
                    walk(span.context.span_id, depth + 1)

        known = {span.context.span_id for span in spans}
        for span in spans:
            if span.parent is None or span.parent.span_id not in known:
                lines.append(span.name)
                walk(span.context.span_id, 1)
        return lines

    def points(self) -> dict[str, list[tuple[dict[str, Any], Any]]]:
        """By name of the metric: (attributes, count and sum, or value) since the last look."""
        found: dict[str, list[tuple[dict[str, Any], Any]]] = {}
        data = self._reader.get_metrics_data()
        for resource in data.resource_metrics if data is not None else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        value = point.value if hasattr(point, "value") else (point.count, point.sum)
                        found.setdefault(metric.name, []).append((dict(point.attributes or {}), value))
        return found
