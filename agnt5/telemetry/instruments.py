"""Metrics while code runs: what models and tools took, and the values of `ctx.metrics`.

They are recorded when a body ends here, live, so that a replay is silent and what another process did is counted there.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics

from agnt5.agent import Agent
from agnt5.codec import decode_call
from agnt5.errors import SerializationError
from agnt5.log import logger
from agnt5.tool import Tool

if TYPE_CHECKING:
    from agnt5.execution.ops import Op

_CODE = b"agnt5.chat "
# The boundaries that the conventions ask for.
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(4**power for power in range(14))

Labels = tuple[tuple[str, str], ...]


class Instruments:
    """The histograms of the GenAI conventions, and one instrument for each name of `ctx.metrics`."""

    def __init__(self, version: str) -> None:
        self._meter = meter = metrics.get_meter("agnt5", version)
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens that a request to a model used",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._requests = self._durations("gen_ai.client.operation.duration", "How long a request to a model took")
        self._first = self._durations(
            "gen_ai.client.operation.time_to_first_chunk", "How long the first piece of an answer took"
        )
        self._tools = self._durations("gen_ai.execute_tool.duration", "How long a tool took")
        self._named: dict[tuple[str, str], Any] = {}

    def _durations(self, name: str, description: str) -> metrics.Histogram:
        return self._meter.create_histogram(name, "s", description, explicit_bucket_boundaries_advisory=_SECONDS)

    def body_ended(self, op: Op, error: BaseException | None, began: int) -> None:
        seconds = max(0.0, time.time() - began / 1e6)
        target = op.target
        failed = {} if error is None else {"error.type": type(error).__name__}
        if target is not None and target.code is not None and target.code.startswith(_CODE):
            self._asked(op, failed, seconds)
        elif target is not None and isinstance(target.component, Tool):
            agent = op.attempt.component.whole
            if isinstance(agent, Agent) and op.scope is None:
                told = {"gen_ai.tool.name": target.component.name, "gen_ai.agent.name": agent.name}
                self._tools.record(seconds, {"gen_ai.operation.name": "execute_tool", **told, **failed})

    def _asked(self, op: Op, failed: dict[str, str], seconds: float) -> None:
        record = _record(op)
        provider, _, model = str(record.get("model", "")).partition("/")
        facts = op.facts or {}
        told = {
            "gen_ai.operation.name": "embeddings" if "texts" in record else "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
            **({"gen_ai.response.model": facts["model"]} if facts.get("model") and not failed else {}),
        }
        self._requests.record(seconds, {**told, **failed})
        if failed:
            return
        if "first_token" in facts:
            self._first.record(facts["first_token"], told)
        for kind in ("input", "output"):
            if f"{kind}_tokens" in facts:
                self._tokens.record(facts[f"{kind}_tokens"], {**told, "gen_ai.token.type": kind})

    # Values of `ctx.metrics`

    def increment(self, name: str, value: float, labels: Labels) -> None:
        counter = self._instrument("counter", name)
        if counter is not None:
            counter.add(value, dict(labels))

    def gauge(self, name: str, value: float, labels: Labels) -> None:
        gauge = self._instrument("gauge", name)
        if gauge is not None:
            gauge.set(value, dict(labels))

    def histogram(self, name: str, value: float, labels: Labels) -> None:
        histogram = self._instrument("histogram", name)
        if histogram is not None:
            histogram.record(value, dict(labels))

    def _instrument(self, kind: str, name: str) -> Any:
        key = kind, name
        if key not in self._named:
            make = {
                "counter": self._meter.create_counter,
                "gauge": self._meter.create_gauge,
                "histogram": self._meter.create_histogram,
            }[kind]
            try:
                self._named[key] = make(name)
            except Exception as refused:  # an SDK refuses names in ways of its own
                logger.warning("OpenTelemetry does not take the metric %r: %s", name, refused)
                self._named[key] = None
        return self._named[key]


def _record(op: Op) -> dict[str, Any]:
    try:
        args, _ = decode_call(op.input)
    except SerializationError:
        return {}
    return args[0] if args and isinstance(args[0], dict) else {}
