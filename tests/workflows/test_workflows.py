"""Workflows: steps in a row and side by side, with retries, time limits and conditions, as a durable flow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from agnt5 import (
    Agent,
    ConfigurationError,
    Context,
    ExponentialBackoff,
    RunFailed,
    Step,
    StepTimeout,
    Workflow,
    flow,
    function,
    registry,
    tool,
)
from agnt5.llm import ScriptedLLM
from agnt5.testing import MockContext, assert_replays
from agnt5.workflow import Edge

QUICK = ExponentialBackoff(max_attempts=3, initial=0.001)
ran: list[str] = []


def extract(text: str) -> list[str]:
    ran.append("extract")
    return text.split()


async def count(words: list[str]) -> int:
    ran.append("count")
    return len(words)


def longest(words: list[str]) -> str:
    ran.append("longest")
    return max(words, key=len)


def tell(found: dict[str, Any]) -> str:
    return f"{found['count']} words, the longest is {found['longest']}"


async def test_each_step_gets_the_output_of_the_one_before() -> None:
    workflow = Workflow([Step("extract", extract), Step("count", count)])
    run = workflow.start("to be or not")
    assert await run == 4
    assert [(one.path, one.kind) for one in run.journal] == [("extract", "step"), ("count", "step")]
    assert await workflow.run("one") == 1
    assert_replays(run)


async def test_steps_side_by_side_get_the_same_and_give_a_dict_by_name() -> None:
    workflow = Workflow(
        [Step("extract", extract), [Step("count", count), Step("longest", longest)], Step("tell", tell)]
    )
    run = workflow.start("a bigger word")
    assert await run == "3 words, the longest is bigger"
    assert run.journal.find("tell").input.args == ({"count": 3, "longest": "bigger"},)
    assert_replays(run)


async def test_a_workflow_that_ends_side_by_side_gives_the_dict() -> None:
    ends = Workflow([[Step("count", count), Step("longest", longest)]])
    assert await ends.run(["x", "yy"]) == {"count": 2, "longest": "yy"}
    assert await Workflow([[Step("alone", count)]]).run(["x"]) == {"alone": 1}


async def test_a_skipped_step_is_seen_in_the_journal_and_changes_nothing() -> None:
    workflow = Workflow([Step("extract", extract), Step("shorten", longest, when=lambda words: len(words) > 9)])
    run = workflow.start("a b")
    assert await run == ["a", "b"]
    skipped = run.journal.find("shorten")
    assert (skipped.meta, skipped.output) == ({"skipped": True}, None)
    assert_replays(run)
    other = workflow.start("a b c d e f g h i jay")
    assert await other == "jay"
    assert other.journal.find("shorten").meta == {}


async def test_a_step_skipped_beside_others_is_missing_from_their_dict() -> None:
    def small(words: list[str], outputs: dict[str, Any]) -> bool:
        assert outputs == {"extract": words}
        return False

    workflow = Workflow([Step("extract", extract), [Step("count", count), Step("longest", longest, when=small)]])
    assert await workflow.run("a b") == {"count": 2}


async def test_all_kinds_of_code_are_steps_under_the_step_s_name() -> None:
    @function
    async def doubled(ctx: Context, text: str) -> str:
        return await ctx.call(lambda: text * 2, name="inside")

    @flow
    async def framed(ctx: Context, text: str) -> str:
        return f"[{text}]"

    @tool
    def joined(left: str, right: str = "!") -> str:
        """Join."""
        return left + right

    agent = Agent("loud", llm=ScriptedLLM(lambda request: request.turns[-1].text.upper()))
    inner = Workflow([Step("strip", str.strip)], name="stripping")
    run = Workflow(
        [
            Step("start", lambda: {"left": " ab"}),
            Step("tool", joined),
            Step("nested", inner),
            Step("function", doubled),
            Step("flow", framed),
            Step("agent", agent),
        ],
        name="all kinds",
    ).start()
    assert await run == "[AB!AB!]"
    assert [(one.path, one.kind) for one in run.journal] == [
        ("start", "step"),
        ("tool", "call"),
        ("nested", "child"),
        ("function", "call"),
        ("function/inside", "step"),
        ("flow", "child"),
        ("agent", "child"),
    ]
    assert_replays(run)


@pytest.mark.parametrize("own_run", [False, True])
async def test_a_step_is_tried_again(own_run: bool) -> None:
    tries: list[int] = []

    def unsure(value: int) -> int:
        tries.append(value)
        if len(tries) < 3:
            raise OSError("not yet")
        return value + 1

    @flow
    async def in_a_flow(ctx: Context, value: int) -> int:
        return await ctx.call(unsure, value, retry_policy=1)

    run = Workflow([Step("unsure", in_a_flow if own_run else unsure, retry=QUICK)]).start(1)
    assert await run == 2
    assert tries == [1, 1, 1]
    assert_replays(run)


@pytest.mark.parametrize("own_run", [False, True])
async def test_a_step_that_takes_too_long_fails_the_run(own_run: bool) -> None:
    async def slow(value: int) -> None:
        await asyncio.sleep(60)

    @flow
    async def sleeping(ctx: Context, value: int) -> None:
        await ctx.sleep(60)

    with pytest.raises(RunFailed, match="slow took longer than its timeout of 0.05 s") as failed:
        await Workflow([Step("slow", sleeping if own_run else slow, timeout=0.05, retry=1)]).run(1)
    assert isinstance(failed.value.__cause__, StepTimeout)


async def test_a_failing_step_cancels_those_beside_it_and_fails_the_run_with_its_own_error() -> None:
    async def for_ever(value: int) -> None:
        await asyncio.Event().wait()

    def broken(value: int) -> None:
        raise ValueError("broken")

    run = Workflow([[Step("for ever", for_ever), Step("broken", broken, retry=1)]]).start(1)
    with pytest.raises(RunFailed, match="ValueError: broken"):
        await run
    assert any(one.kind == "cancel" for one in run.journal)


async def test_from_a_flow_it_is_a_child_run_and_from_an_agent_a_tool() -> None:
    workflow = Workflow([Step("extract", extract), Step("count", count)], name="counting")

    @flow
    async def asks(ctx: Context) -> int:
        return await ctx.call(workflow, "a b") + await workflow.run("c")

    run = asks.start()
    assert await run == 3
    assert [one.kind for one in run.journal] == ["child", "child"]
    given = workflow.as_tool(description="Count words.")
    assert given.spec.parameters["properties"]["text"]["type"] == "string"
    script = ScriptedLLM([{"tool": "counting", "arguments": {"text": "x y z"}}, "three"])
    answer = await Agent("counter", tools=[given, workflow.as_tool("again")], llm=script).run("how many?")
    assert answer.messages[2].text == "3"


@dataclass
class Order:
    number: int


async def test_values_keep_their_types_between_steps() -> None:
    def make(number: int):  # type: ignore[no-untyped-def]  # an annotation would register the class
        return Order(number)

    def number_of(order) -> int:  # type: ignore[no-untyped-def]
        assert type(order) is Order
        return order.number

    assert await Workflow([Step("make", make), Step("read", number_of)]).run(7) == 7


async def test_a_mocked_context_answers_by_step_name() -> None:
    workflow = Workflow([Step("extract", extract), Step("count", count)])
    with MockContext() as ctx:
        ctx.mock_call("extract", return_value=["mocked"])
        assert await workflow.run("a b c") == 1
    assert [call.name for call in ctx.calls] == [workflow.name, "extract", "count"]


def test_names_come_from_the_steps() -> None:
    assert Workflow([Step("a", extract), [Step("b", count), Step("c", longest)]]).name == "a-b+c"
    many = [Step(f"step number {number}", extract) for number in range(9)]
    first, second = Workflow(many), Workflow([*many, Step("last", extract)])
    assert first.name != second.name
    assert len(first.name) == len(second.name) == 60
    assert registry.find(first.name) is first.__agnt5_component__


def test_what_a_workflow_looks_like() -> None:
    inner = Workflow([Step("x", extract)], name="inner")
    workflow = Workflow(
        [
            Step("extract", extract, retry=3),
            [Step("count", count, timeout=2.5), Step("longest", longest, when=bool)],
            Step("nested", inner),
        ],
        name="outer",
    )
    assert str(workflow) == "\n".join(
        [
            "workflow outer",
            "  extract  step extract    3 attempts",
            "┌ count    step count      2.5 s each",
            "└ longest  step longest    when bool",
            "  nested   workflow inner",
            "      x  step extract",
        ]
    )
    assert workflow.graph.edges == (
        Edge("extract", "count"),
        Edge("extract", "longest"),
        Edge("count", "nested"),
        Edge("longest", "nested"),
    )
    nested = workflow.graph.nodes[-1]
    assert (nested.kind, nested.runs, nested.stage, nested.inner) == ("workflow", "inner", 2, inner.graph)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Workflow([]), "at least one Step"),
        (lambda: Workflow([Step("a", extract), []]), "side by side is empty"),
        (lambda: Workflow([extract]), "is no step. Write Step"),  # type: ignore[list-item]
        (lambda: Workflow([[[Step("a", extract)]]]), "Step of a Workflow of their own"),  # type: ignore[list-item]
        (lambda: Workflow([Step("a", extract), [Step("a", count)]]), "Two steps are called 'a'"),
        (lambda: Workflow([Step("a", extract)], name=""), "not empty"),
        (lambda: Step("", extract), "A step has a name"),
        (lambda: Step("a", "extract"), "needs a function, tool, flow, agent or workflow"),
        (lambda: Step("a", extract, timeout=0), "above 0"),
        (lambda: Step("a", extract, retry="often"), "no retry policy"),  # type: ignore[arg-type]
        (lambda: Step("a", lambda left, right: 0), "cannot be called with one value"),
        (lambda: Step("a", extract, when=count), "`when` is a plain function"),
        (lambda: Step("a", extract, when=lambda: True), "`when` is a plain function"),
    ],
)
def test_mistakes_are_told_at_once(make: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()
