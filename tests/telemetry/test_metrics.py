"""Metrics: what models and tools took while they ran here, and the values of `ctx.metrics`."""

from __future__ import annotations

from typing import Any

import agnt5
from agnt5 import Context, RateLimited, function, tool
from agnt5.llm import ScriptedLLM
from agnt5.testing import MockAgent
from reported import Reported

CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "scripted",
    "gen_ai.request.model": "script",
    "gen_ai.response.model": "script",
}


@tool
def lift(thing: str) -> str:
    """Lift something."""
    return f"{thing} is up"


def lifting(**settings: Any) -> MockAgent:
    call = {"tool": "lift", "arguments": {"thing": "iron"}}
    return MockAgent("lifter", [RateLimited("later", retry_after=0.001), call, "Done."], tools=[lift], **settings)


async def test_an_agent_s_requests_and_tools_are_measured(reported: Reported) -> None:
    await lifting(metrics=True).run("lift iron")
    points = reported.points()
    assert [(told["gen_ai.token.type"], value) for told, value in points["gen_ai.client.token.usage"]] == [
        ("input", (2, 10)),
        ("output", (2, 4)),
    ]
    durations = {told.get("error.type"): (told, value[0]) for told, value in points["gen_ai.client.operation.duration"]}
    assert durations[None] == (CHAT, 2)
    assert durations["RateLimited"][1] == 1
    (told, (count, seconds)), *_ = points["gen_ai.execute_tool.duration"]
    assert told == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "lift",
        "gen_ai.agent.name": "lifter",
    }
    assert count == 1
    assert 0 <= seconds < 30
    assert points["gen_ai.client.operation.time_to_first_chunk"][0][1][0] == 2


async def test_others_are_not_measured(reported: Reported) -> None:
    await lifting().run("lift iron")
    assert not any(name.startswith("gen_ai") for name in reported.points())


async def test_a_replay_and_a_rerun_measure_nothing_again(reported: Reported) -> None:
    run = lifting(metrics=True).start("lift iron")
    await run
    reported.forget()
    run.replay().run_to_end()
    await run.rerun()
    assert reported.points() == {}


async def test_values_of_ctx_metrics_go_out_when_metrics_are_on(reported: Reported) -> None:
    @function
    async def counts(ctx: Context) -> None:
        ctx.metrics.increment("orders.count", 2, shop="north")
        ctx.metrics.histogram("orders.seconds", 0.5)
        ctx.metrics.gauge("orders.open", 7)

    await counts.run()
    assert reported.points() == {}
    agnt5.runtime.close_runtime()  # pyright: ignore[reportAttributeAccessIssue]
    agnt5.configure(metrics_enabled=True)
    await counts.run()
    points = reported.points()
    assert points["orders.count"] == [({"shop": "north"}, 2)]
    assert points["orders.seconds"] == [({}, (1, 0.5))]
    assert points["orders.open"] == [({}, 7)]


async def test_a_chat_of_a_flow_is_measured_by_the_setting(reported: Reported) -> None:
    @agnt5.flow
    async def asks(ctx: Context) -> str:
        return (await ctx.chat("one two three", llm=ScriptedLLM(["four"]))).text

    agnt5.configure(metrics_enabled=True)
    await asks.run()
    assert reported.points()["gen_ai.client.token.usage"] == [
        ({**CHAT, "gen_ai.token.type": "input"}, (1, 3)),
        ({**CHAT, "gen_ai.token.type": "output"}, (1, 1)),
    ]


async def test_a_name_that_the_sdk_refuses_fails_no_run(reported: Reported) -> None:
    @function
    async def odd(ctx: Context) -> str:
        ctx.metrics.increment("1 is no name!")
        ctx.metrics.increment("1 is no name!")
        return "done"

    agnt5.configure(metrics_enabled=True)
    assert await odd.run() == "done"
