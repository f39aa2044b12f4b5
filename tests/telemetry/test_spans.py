"""Spans: one trace a run, by the GenAI conventions, with recorded times, and nothing twice."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

import agnt5
from agnt5 import Agent, Context, ExponentialBackoff, RunFailed, Step, Workflow, flow, function, tool
from agnt5.llm import ScriptedLLM
from agnt5.testing import MockAgent, assert_replays
from reported import Reported


@tool
def weigh(thing: str) -> str:
    """Weigh something."""
    return f"{thing} is heavy"


def weighing(name: str = "weigher", **settings: Any) -> MockAgent:
    call = {"tool": "weigh", "arguments": {"thing": "iron"}, "id": "call_7"}
    return MockAgent(name, [call, "Iron is heavy."], "Weigh first.", tools=[weigh], **settings)


async def test_an_agent_s_run_is_a_trace_by_the_conventions(reported: Reported) -> None:
    run = weighing(tracing=True).start("how heavy is iron?", session="ann")
    await run
    assert reported.tree() == ["invoke_agent weigher", "  chat script", "  execute_tool weigh", "  chat script"]
    root = reported.span("invoke_agent weigher")
    assert root.kind is SpanKind.INTERNAL
    assert dict(root.attributes or {}) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "weigher",
        "gen_ai.conversation.id": "ann",
        "gen_ai.provider.name": "scripted",
        "gen_ai.request.model": "script",
        "gen_ai.usage.input_tokens": 18,
        "gen_ai.usage.output_tokens": 6,
        "agnt5.run.id": run.id,
        "agnt5.component": "weigher",
        "agnt5.run.status": "completed",
    }
    last = reported.spans[-1]
    assert last.kind is SpanKind.CLIENT
    told = dict(last.attributes or {})
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.response.model"] == "script"
    assert told["gen_ai.response.finish_reasons"] == ("stop",)
    assert told["agnt5.entry.path"] == "chat#2"
    called = reported.span("execute_tool weigh")
    assert {name: (called.attributes or {})[name] for name in ("gen_ai.tool.call.id", "gen_ai.tool.type")} == {
        "gen_ai.tool.call.id": "call_7",
        "gen_ai.tool.type": "function",
    }
    assert "iron" not in json.dumps([dict(span.attributes or {}) for span in reported.spans])


async def test_times_are_those_of_the_journal(reported: Reported) -> None:
    run = weighing(tracing=True).start("?")
    await run
    entry = next(entry for entry in run.journal if entry.name == "weigh")
    span = reported.span("execute_tool weigh")
    assert (span.start_time, span.end_time) == (
        round(entry.started.timestamp() * 1e6) * 1000,
        round(entry.ended.timestamp() * 1e6) * 1000,  # type: ignore[union-attr]
    )


async def test_nothing_is_traced_that_nobody_asked_for(reported: Reported) -> None:
    await weighing().run("?")
    assert reported.spans == []
    await weighing("another", metrics=True).run("?")
    assert reported.spans == []


async def test_a_setting_traces_everything(reported: Reported) -> None:
    agnt5.configure(trace_enabled=True)
    child = Workflow([Step("weigh", weigh), Step("skip", weigh, when=lambda text: False)], name="measure")
    started: list[agnt5.Run] = []

    @flow
    async def outer(ctx: Context) -> None:
        await ctx.sleep(0.001)
        await ctx.call(child, "gold")
        started.append(await ctx.start(lonely))

    @flow
    async def lonely(ctx: Context) -> None:
        await ctx.wait_for_event("go on")

    await outer.run()
    agnt5.send_event("go on")
    await agnt5.runs(component="lonely")[0]
    assert reported.tree() == [
        "outer",
        "  sleep",
        "  invoke_workflow measure",
        "    weigh",
        "    skip",
        "lonely",
        "  wait_for_event",
    ]
    assert (reported.span("skip").attributes or {})["agnt5.skipped"] is True
    assert (reported.span("wait_for_event").attributes or {})["agnt5.event.name"] == "go on"
    assert len({span.context.trace_id for span in reported.spans}) == 2, (
        "what outlives its parent is a trace of its own"
    )


async def test_a_trace_goes_on_from_the_caller_s_span(reported: Reported) -> None:
    agent = weighing(tracing=True)
    with trace.get_tracer("caller").start_as_current_span("request") as outside:
        run = agent.start("?")
    await run
    assert reported.tree()[:2] == ["request", "  invoke_agent weigher"]
    assert {span.context.trace_id for span in reported.spans} == {outside.get_span_context().trace_id}
    assert set(run.tags) == {"traceparent"}


async def test_agents_as_tools_are_nested(reported: Reported) -> None:
    below = weighing("scales")
    above = MockAgent(
        "shop", [{"tool": "scales", "arguments": {"prompt": "iron?"}}, "heavy"], tools=[below], tracing=True
    )
    await above.run("?")
    assert reported.tree() == [
        "invoke_agent shop",
        "  chat script",
        "  execute_tool scales",
        "    invoke_agent scales",
        "      chat script",
        "      execute_tool weigh",
        "      chat script",
        "  chat script",
    ]


async def test_failures_are_told_without_their_words(reported: Reported) -> None:
    tries: list[int] = []

    def fails() -> None:
        tries.append(1)
        raise OSError("the words of a customer")

    @function(trace=True, name="fails always", retry_policy=1)
    async def outer(ctx: Context) -> None:
        await ctx.call(fails, retry_policy=ExponentialBackoff(max_attempts=2, initial=0.001))

    with pytest.raises(RunFailed):
        await outer.run()
    span = reported.span("fails")
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "OSError"
    assert [(event.name, dict(event.attributes or {})) for event in span.events] == [
        ("attempt failed", {"error.type": "OSError"})
    ]
    assert reported.span("fails always").status.status_code is StatusCode.ERROR
    told = json.dumps([[dict(one.attributes or {}), one.status.description] for one in reported.spans])
    assert "customer" not in told


async def test_a_traced_function_in_an_untraced_flow(reported: Reported) -> None:
    @function(trace=True)
    async def traced(ctx: Context) -> str:
        return await ctx.call(weigh, "iron")

    @flow
    async def untraced(ctx: Context) -> str:
        await ctx.call(weigh, "gold")
        return await ctx.call(traced)

    await untraced.run()
    assert reported.tree() == ["traced", "  weigh"]


async def test_content_is_told_when_it_is_allowed_and_masked(reported: Reported) -> None:
    agnt5.configure(trace_content=True)
    key = "sk-proj-" + "a1B2c3D4" * 5
    await weighing(tracing=True).run(f"my key is {key}, how heavy is iron?")
    last = dict(reported.spans[-1].attributes or {})
    assert json.loads(str(last["gen_ai.output.messages"])) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Iron is heavy."}], "finish_reason": "stop"}
    ]
    asked = json.loads(str(last["gen_ai.input.messages"]))
    assert [one["role"] for one in asked] == ["system", "user", "assistant", "tool"]
    assert asked[2]["parts"][0]["arguments"] == {"thing": "iron"}
    called = dict(reported.span("execute_tool weigh").attributes or {})
    assert called["gen_ai.tool.call.result"] == '"iron is heavy"'
    assert key not in json.dumps([dict(span.attributes or {}) for span in reported.spans])


async def test_replays_are_silent_and_forks_and_reruns_tell_what_they_did(reported: Reported) -> None:
    agent = MockAgent(
        "forked", lambda request: "again" if len(request.turns) > 1 else {"tool": "weigh", "arguments": {"thing": "x"}},
        tools=[weigh], tracing=True,
    )  # fmt: skip
    run = agent.start("?")
    await run
    reported.forget()
    assert_replays(run)
    run.replay().run_to_end()
    assert reported.spans == []
    await run.fork(at="chat#2")
    assert reported.tree() == ["invoke_agent forked", "  chat script"]
    reported.forget()
    await run.rerun()
    assert reported.tree() == ["invoke_agent forked", "  chat script", "  execute_tool weigh", "  chat script"]
    assert (reported.span("invoke_agent forked").attributes or {})["gen_ai.usage.input_tokens"] == 0
    assert all((span.attributes or {}).get("agnt5.reused") for span in reported.spans[1:])


async def test_what_was_cancelled_says_so(reported: Reported) -> None:
    @flow
    async def waits(ctx: Context) -> None:
        await ctx.wait_for_event("never")

    agnt5.configure(trace_enabled=True)
    run = waits.start()
    while run.status != "waiting":
        await asyncio.sleep(0.01)
    run.cancel()
    with pytest.raises(agnt5.RunCancelled):
        await run
    assert (reported.span("wait_for_event").attributes or {})["error.type"] == "cancelled"
    assert (reported.span("waits").attributes or {})["agnt5.run.status"] == "cancelled"


async def test_embeddings_have_their_own_name(reported: Reported) -> None:
    @flow
    async def embeds(ctx: Context) -> None:
        await ctx.embed("iron", llm=ScriptedLLM())

    agnt5.configure(trace_enabled=True)
    await embeds.run()
    assert (reported.span("embeddings script").attributes or {})["gen_ai.operation.name"] == "embeddings"


def test_an_agent_cannot_ask_for_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agnt5.extras.find_spec", lambda name: None)
    with pytest.raises(agnt5.ConfigurationError, match=r"agnt5\[telemetry\]"):
        Agent("unseen", tracing=True)
    with pytest.raises(agnt5.ConfigurationError, match=r"Agent\(metrics=True\)"):
        Agent("unseen", metrics=True)
    agnt5.configure(trace_enabled=True)
    with pytest.raises(agnt5.ConfigurationError, match="AGNT5_TRACE_ENABLED"):
        weigh.start("x")
    agnt5.configure(trace_enabled=None)
