"""A traced run that is killed in its middle.

`begin` starts it in a caller's span and waits for the kill; `resume` drives it to its end and prints what was reported.
"""

from __future__ import annotations

import json
import sys
import time

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import agnt5
from agnt5 import Context, flow, telemetry
from agnt5.llm import ScriptedLLM

exporter = InMemorySpanExporter()
reader = InMemoryMetricReader()


def note(text: str) -> str:
    return text


@flow
async def asking(ctx: Context) -> str:
    await ctx.call(note, "first")
    llm = ScriptedLLM(lambda request: "answer")
    await ctx.chat("before", llm=llm)
    await ctx.wait_for_event("go")
    return (await ctx.chat("after it all", llm=llm)).text


def report(run: agnt5.Run) -> None:
    assert telemetry.flush(30)
    spans = [
        {
            "name": span.name,
            "trace": span.context.trace_id,
            "id": span.context.span_id,
            "parent": span.parent.span_id if span.parent else None,
        }
        for span in exporter.get_finished_spans()
    ]
    data = reader.get_metrics_data()
    metric = {
        one.name: [point.count for point in one.data.data_points if hasattr(point, "count")]
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for one in scope.metrics
    }
    print(json.dumps({"spans": spans, "metrics": metric, "result": run.result(60)}), flush=True)


def main() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([reader]))
    agnt5.configure(trace_enabled=True, metrics_enabled=True, recover="auto")
    if sys.argv[1] == "begin":
        with trace.get_tracer("caller").start_as_current_span("request") as span:
            run = asking.start(run_id="traced")
            context = span.get_span_context()
            while run.status != "waiting":
                time.sleep(0.01)
        inside = [one.name for one in exporter.get_finished_spans() if one.name != "request"]
        print(json.dumps({"trace": context.trace_id, "id": context.span_id, "early": inside}), flush=True)
        time.sleep(600)
    agnt5.send_event("go", run="traced")
    run = agnt5.get_run("traced")
    run.result(60)
    report(run)


if __name__ == "__main__":
    main()
