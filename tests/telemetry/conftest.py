"""OpenTelemetry's real SDK, once for the process, reporting into memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agnt5 import config
from reported import Reported

_DELTA = AggregationTemporality.DELTA


@pytest.fixture(scope="session")
def sdk() -> Reported:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    reader = InMemoryMetricReader(preferred_temporality={Counter: _DELTA, Histogram: _DELTA})
    metrics.set_meter_provider(MeterProvider([reader]))
    return Reported(exporter, reader)


@pytest.fixture
def reported(sdk: Reported) -> Iterator[Reported]:
    """Nothing reported yet, and nothing switched on."""
    sdk.forget()
    yield sdk
    from agnt5.runtime import close_runtime

    close_runtime()
    config.configure(trace_enabled=None, metrics_enabled=None, trace_content=None)
