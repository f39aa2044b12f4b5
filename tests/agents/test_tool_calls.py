"""Calls of tools: still the function, recorded in runs, runs of their own, and which code a name stands for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypedDict

import pytest
from pydantic import BaseModel

import agnt5
from agnt5 import Agent, Context, Tool, flow, function, registry, tool
from agnt5.llm import ScriptedLLM
from agnt5.testing import MockContext


class Colour(Enum):
    RED = "red"


class Filters(TypedDict, total=False):
    author: str


@dataclass
class Point:
    x: int
    y: int = 0


class Person(BaseModel):
    name: str


@tool
def lookup(query: str, limit: int = 5) -> list[str]:
    """Search the web.

    Prefers new pages.

    Args:
        query: What to look for,
            in plain words.
        limit: How many results.
    """
    return [f"{query}/{number}" for number in range(limit)]


def test_a_tool_is_still_the_function() -> None:
    assert lookup("tea", limit=1) == ["tea/0"]
    assert repr(lookup) == "<tool lookup>"
    assert lookup.describe() == (
        "lookup: Search the web.\n\nPrefers new pages.\n\n"
        "  query  string   required   What to look for, in plain words.\n"
        "  limit  integer  default 5  How many results."
    )


async def test_an_async_tool_is_awaited() -> None:
    @tool(requires_approval=True)
    async def ask(question: str) -> str:
        return question.upper()

    assert ask.requires_approval
    assert await ask("why") == "WHY"
    assert await ask.run("why") == "WHY"


async def test_calls_are_recorded_under_the_name_of_the_tool() -> None:
    web = Tool(name="web_search", function=lookup, description="Look it up.")

    @flow
    async def glance(ctx: Any) -> list[Any]:
        return [
            await ctx.call(lookup, "a", limit=1),
            await lookup.run("b", limit=1),
            await web.invoke(ctx, {"query": "c", "limit": "1"}),
            *await ctx.spawn([(lookup, ("d", 1)), (web, ("e", 1))]),
        ]

    run = glance.start()
    assert await run == [["a/0"], ["b/0"], ["c/0"], ["d/0"], ["e/0"]]
    assert [entry.path for entry in run.journal] == ["lookup", "lookup#2", "web_search", "lookup#3", "web_search#2"]
    assert run.journal[2].input.kwargs == {"query": "c", "limit": 1}
    assert (web.spec.description, web.spec.parameters) == ("Look it up.", lookup.spec.parameters)


async def test_a_tool_can_be_a_run_of_its_own() -> None:
    assert await lookup.start("x", limit=1) == ["x/0"]
    assert await lookup.run("x", limit=1) == ["x/0"]
    assert lookup.run_sync("x", limit=1) == ["x/0"]
    passing = Tool(name="in_passing", function=lambda word: word * 2)
    run = passing.start("ab")
    assert (await run, run.component) == ("abab", "in_passing")


async def test_parameters_may_be_called_as_options_of_a_call_are() -> None:
    @tool
    def enrol(name: str, timeout: int, effect: str = "") -> str:
        return f"{name} {timeout} {effect}"

    @flow
    async def school(ctx: Any) -> list[str]:
        return [
            await enrol.invoke(ctx, {"name": "Ada", "timeout": 3, "effect": "none"}),
            await enrol.run(name="Bo", timeout=4),
        ]

    assert await school.run() == ["Ada 3 none", "Bo 4 "]
    with MockContext() as ctx:
        assert await enrol.invoke(ctx, {"name": "Cy", "timeout": 5}) == "Cy 5 "
        assert ctx.calls[0].name == "enrol"


async def test_validated_values_are_what_is_recorded() -> None:
    moved: list[Any] = []

    @tool
    def move(to: Point, who: Person, colour: Colour, filters: Filters) -> Point:
        moved.append((to, who, colour, filters))
        return Point(to.x + 1, to.y)

    @flow
    async def go(ctx: Any) -> Any:
        return await move.invoke(
            ctx, {"to": {"x": "1"}, "who": {"name": "Ada"}, "colour": "red", "filters": {"author": "Bo"}}
        )

    run = go.start()
    assert await run == Point(2)
    assert moved == [(Point(1), Person(name="Ada"), Colour.RED, {"author": "Bo"})]
    assert run.journal[0].input.kwargs["to"] == Point(1)
    replay = run.replay()
    replay.run_to_end()
    assert len(moved) == 1


async def test_retry_counts_attempts_in_all() -> None:
    tried: list[int] = []

    @tool(retry=3)
    def shaky() -> str:
        tried.append(len(tried))
        if len(tried) % 3:
            raise ConnectionError("again")
        return "there"

    assert await shaky.run() == "there"
    assert len(tried) == 3
    with pytest.raises(agnt5.RunFailed):
        await Tool(name="once", function=shaky, retry=1).run()
    assert len(tried) == 4


async def test_timeout_is_for_one_attempt() -> None:
    @tool(timeout=0.05, retry=1)
    async def slow() -> None:
        await asyncio.sleep(30)

    @flow
    async def wait(ctx: Any) -> str:
        try:
            await ctx.call(slow)
        except agnt5.StepTimeout as error:
            return str(error)
        return ""

    assert "longer than its timeout of 0.05 s" in await wait.run()


async def test_the_context_is_given_to_a_tool_that_asks() -> None:
    @tool
    async def remember(ctx: Context, word: str) -> str:
        """Keep a word."""
        await ctx.state.set("word", word)
        return f"{await ctx.state.get('word')} {ctx.attempt}"

    assert list(remember.spec.parameters["properties"]) == ["word"]

    @flow
    async def talk(ctx: Any) -> str:
        return await remember.invoke(ctx, {"word": "tea"})

    assert await talk.run() == "tea 1"


async def test_around_a_flow_a_call_becomes_a_child_run() -> None:
    @flow
    async def ship(ctx: Any, order: int) -> str:
        """Ship an order."""
        await ctx.sleep(0.01)
        return f"shipped {order}"

    shipping = Tool(name="ship_order", function=ship)
    assert shipping.spec.description == "Ship an order."
    assert list(shipping.spec.parameters["properties"]) == ["order"]

    @flow
    async def shop(ctx: Any) -> list[str]:
        return [await shipping.invoke(ctx, {"order": "7"}), await ctx.call(shipping, 8)]

    run = shop.start()
    assert await run == ["shipped 7", "shipped 8"]
    assert [(entry.kind, entry.name) for entry in run.journal] == [("child", "ship_order"), ("child", "ship")]
    assert (await shipping.run(9), shipping.start(9).component) == ("shipped 9", "ship")
    with pytest.raises(agnt5.ConfigurationError, match="set `retry` and `timeout` there"):
        Tool(function=ship, retry=2)


def test_around_a_function_its_settings_hold_until_others_are_given() -> None:
    @function(retry_policy=2, timeout=9, effect="at_most_once")
    def settle(amount: int) -> int:
        """Settle."""
        return amount

    plain, other = Tool(function=settle), Tool(name="settle_now", function=settle, retry=1, timeout=3)
    assert (plain.name, plain.timeout, plain.at_most_once) == ("settle", 9, True)
    assert plain.retry_policy == settle.retry_policy
    assert (other.name, other.timeout, other.at_most_once) == ("settle_now", 3, True)
    assert other.retry_policy is not None
    assert other.retry_policy.max_attempts == 1


def test_around_a_tool_the_outer_settings_win() -> None:
    @tool(name="inner", description="Inner.", retry=2, timeout=5, requires_approval=True)
    def act(x: int) -> int:
        return x

    same, other = Tool(function=act), Tool("outer", act, "Outer.", 4, 7, False)
    assert same.function is act.function is other.function
    assert (same.name, same.description, same.timeout, same.requires_approval) == ("inner", "Inner.", 5, True)
    assert (other.name, other.description, other.timeout, other.requires_approval) == ("outer", "Outer.", 7, False)
    assert other.retry_policy is not None
    assert other.retry_policy.max_attempts == 4
    assert other(3) == 3


# Names


def test_the_decorator_registers_and_the_class_does_not() -> None:
    @tool(name="by_decorator")
    def one() -> None: ...

    Tool(name="by_class", function=one)
    assert registry.find("by_decorator") is one
    assert registry.find("by_class") is None


def test_a_cell_that_runs_again_replaces_its_tool() -> None:
    namespace: dict[str, Any] = {"__name__": "__main__", "tool": tool}
    cell = "@tool\ndef cell_tool(x: int) -> int:\n    return x + {}"
    exec(cell.format(1), namespace)
    exec(cell.format(2), namespace)
    assert registry.find("cell_tool") is namespace["cell_tool"]
    assert namespace["cell_tool"].run_sync(1) == 3


async def test_a_run_in_flight_keeps_the_tool_it_began_with() -> None:
    namespace: dict[str, Any] = {"__name__": "__main__", "tool": tool, "flow": flow}
    exec("@tool\ndef version() -> int:\n    return 1", namespace)
    exec(
        "@flow\nasync def asks(ctx):\n    await ctx.wait_for_event('go')\n    return await ctx.call(version)", namespace
    )
    run = namespace["asks"].start()
    exec("@tool\ndef version() -> int:\n    return 2", namespace)
    agnt5.send_event("go", run=run)
    assert await run == 1


async def test_an_edited_tool_is_called_again_in_a_rerun() -> None:
    namespace: dict[str, Any] = {"__name__": "__main__", "tool": tool, "flow": flow}
    exec(
        "@tool\ndef first(x: int) -> int:\n    return x + 1\n@tool\ndef second(x: int) -> int:\n    return x", namespace
    )
    exec("@flow\nasync def both(ctx):\n    return [await ctx.call(first, 1), await ctx.call(second, 1)]", namespace)
    run = namespace["both"].start()
    assert await run == [2, 1]
    exec("@tool\ndef second(x: int) -> int:\n    return x * 10", namespace)
    again = run.rerun()
    assert await again == [2, 10]
    assert [entry.reused > 0 for entry in again.journal] == [True, False]


def test_agnt5_tool_is_always_the_decorator() -> None:
    program = """
import agnt5
before = agnt5.tool
import agnt5.tool
import agnt5.mcp
assert agnt5.tool is before, agnt5.tool
assert agnt5.tool.__name__ == "tool"
import sys
assert agnt5.tool is not sys.modules["agnt5.tool"]
"""
    # In a process of its own: a module that is imported twice makes its classes twice.
    subprocess.run([sys.executable, "-c", program], check=True)
    subprocess.run([sys.executable, "-c", "import agnt5.tool; assert callable(agnt5.tool)"], check=True)


@dataclass
class Order:
    item: str
    count: int


@dataclass
class Declined:
    why: str


async def test_an_answer_of_one_of_several_types_is_told_by_its_class() -> None:
    @tool
    def check(found: Order | Declined) -> Order | Declined:
        """Check it."""
        return found

    asks = {"tool": "check", "arguments": {"found": {"why": "none left"}}}
    llm = ScriptedLLM([asks, '{"value": {"item": "tea", "count": "2"}}', '{"value": {"why": "none left"}}'])
    answer = await Agent("either", "", [check], llm=llm, output_type=Order | Declined).run("two teas")
    assert answer.output == Declined("none left")
    recorded = agnt5.get_run(answer.run_id)
    assert recorded.result().output == Declined("none left")
    assert [entry.output for entry in recorded.journal if entry.name == "check"] == [Declined("none left")]
