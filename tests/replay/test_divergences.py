"""Code that changed shape: what a divergence tells to who has never read the documentation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import agnt5
from agnt5 import Agent, Context, flow, function, tool
from agnt5.durable import object as durable_object
from agnt5.errors import DivergenceError
from agnt5.testing import ScriptedLLM

Body = Callable[[Context], Awaitable[Any]]


def fetch(number: int) -> int:
    return number + 1


def clean(number: int) -> int:
    return number * 2


def write(text: Any, size: int = 1) -> int:
    return size


@durable_object
class Tally:
    def __init__(self) -> None:
        self.count = 0

    async def add(self, number: int) -> int:
        self.count += number
        return self.count


async def diverged(was: Body, now: Body) -> DivergenceError:
    """What is told when a run of the one is replayed by the other."""

    def named(body: Body) -> Any:
        async def shape(ctx: Context) -> Any:
            return await body(ctx)

        return flow(name="shape")(shape)

    run = named(was).start()
    await run
    with run.replay(code=named(now)) as replay:
        error = replay.run_to_end().divergence
    assert error is not None
    assert "Nothing was written." in str(error), "what to do comes with it"
    return error


async def test_a_branch_that_went_is_told_with_the_line_that_gathers() -> None:
    async def was(ctx: Context) -> Any:
        return await asyncio.gather(ctx.call(fetch, 1), ctx.call(clean, 2), ctx.call(fetch, 3))

    async def without_the_second(ctx: Context) -> Any:
        return await asyncio.gather(ctx.call(fetch, 1), ctx.call(fetch, 3))

    async def without_the_last(ctx: Context) -> Any:
        return await asyncio.gather(ctx.call(fetch, 1), ctx.call(clean, 2))

    error = await diverged(was, without_the_second)
    assert 'recorded was step "clean" with (2), the code asked for step "fetch" with (3)' in str(error)
    assert "return await asyncio.gather(ctx.call(fetch, 1), ctx.call(fetch, 3))" in str(error)
    assert error.location.startswith(f"{__file__}:"), "no line of the engine's"

    error = await diverged(was, without_the_last)
    assert 'recorded was step "fetch" with (3), the code asked for nothing more at this point' in str(error)
    assert "return await asyncio.gather(ctx.call(fetch, 1), ctx.call(clean, 2))" in str(error)


async def test_a_check_names_the_line_that_gathered_too() -> None:
    @flow(name="gathers")
    async def was(ctx: Context) -> Any:
        return await asyncio.gather(ctx.call(fetch, 1), ctx.call(clean, 2))

    await was.start()

    @flow(name="gathers")
    async def now(ctx: Context) -> Any:
        return await asyncio.gather(ctx.call(fetch, 1), ctx.call(write, 2))

    (found,) = agnt5.check(now)
    assert found.recorded.startswith('step "clean" with (2) at <')
    assert "test_divergences.py" in found.asked
    assert str(found).count("return await asyncio.gather(") == 2, "and neither line is one of the engine's"


async def test_an_event_that_was_renamed() -> None:
    async def was(ctx: Context) -> None:
        with pytest.raises(TimeoutError):
            await ctx.wait_for_event("approve", timeout=0.01)

    async def now(ctx: Context) -> None:
        with pytest.raises(TimeoutError):
            await ctx.wait_for_event("approved", timeout=0.01)

    error = await diverged(was, now)
    assert (error.expected, error.actual) == ('wait for event "approve"', 'wait for event "approved"')


async def test_whom_the_code_asks() -> None:
    def adds(key: str) -> Body:
        async def body(ctx: Context) -> Any:
            tally = await ctx.get_object(Tally, key)
            return await tally.add(1)

        return body

    error = await diverged(adds("ada"), adds("bob"))
    assert error.expected == 'object call "Tally.add" of key "ada" with (1)'
    assert error.actual == 'object call "Tally.add" of key "bob" with (1)'

    def sends(run_id: str) -> Body:
        async def body(ctx: Context) -> None:
            agnt5.send_event("hello", 1, run=run_id)

        return body

    error = await diverged(sends("r_one"), sends("r_two"))
    assert error.expected == 'send event "hello" to run "r_one" with 1'
    assert error.actual == 'send event "hello" to run "r_two" with 1'

    def stops(which: int) -> Body:
        async def body(ctx: Context) -> None:
            waiting = [asyncio.ensure_future(ctx.wait_for_event(name)) for name in ("a", "b")]
            await ctx.sleep(0.001)
            waiting[which].cancel()
            await ctx.sleep(0.001)

        return body

    error = await diverged(stops(0), stops(1))
    assert error.expected == "cancellation of the command at entry 2"
    assert error.actual == "cancellation of the command at entry 3"


async def test_arguments_that_differ_somewhere_are_told_where() -> None:
    def writes(text: Any, size: int = 1) -> Body:
        async def body(ctx: Context) -> Any:
            return await ctx.call(write, text, size=size)

        return body

    error = await diverged(writes("a"), writes("b"))
    assert (error.actual, error.differs) == ("step \"write\" with ('b', size=1)", ""), "seen at a glance"

    letter = {"greeting": "Dear Ada", "options": {"copies": [1, 2, 3], "colour": "black and white"}}
    other = {"greeting": "Dear Eda", "options": {"copies": [1, 2, 4], "colour": "black and white"}}
    error = await diverged(writes(letter), writes(other))
    assert error.differs.splitlines() == [
        "input[0]['greeting']: 'Dear Ada' → 'Dear Eda'",
        "input[0]['options']['copies'][2]: 3 → 4",
    ]
    assert error.differs.splitlines()[0] in str(error)

    error = await diverged(writes("word " * 500), writes("word " * 499 + "last "))
    assert error.actual == 'step "write" with other arguments'
    assert "word last '" in error.differs.split(" → ")[1], "long texts are shown where they part"

    error = await diverged(writes(list(range(30))), writes(list(range(0, 60, 2))))
    assert error.differs.splitlines()[-1] == "and 25 more"

    error = await diverged(writes("x" * 100_000), writes("x" * 100_000 + "y"))
    assert error.actual == 'step "write" with other arguments'
    assert error.differs.endswith("xy'"), "also what lies beside its entry, for it is at hand"


async def test_tools_of_an_agent_that_changed() -> None:
    @tool
    def weather(city: str) -> str:
        """Weather of a city."""
        return "sunny"

    @tool
    def news(city: str) -> str:
        """News of a city."""
        return "none"

    def agent(*tools: Any) -> Agent:
        return Agent("clerk", instructions="Be kind", tools=tools, llm=ScriptedLLM(["hello"]))

    await agent(weather).run("hi")
    agent(weather, news)
    (found,) = agnt5.check("clerk")
    assert found.asked == 'step "chat" with other arguments', "and no line: the agent's loop is not the user's"
    assert "['tools'][1]: + ToolSpec({'name': 'news'" in found.differs
    assert found.differs in str(found).replace(" " * 16, "")


async def test_code_that_raises_now_is_told_with_the_line_that_raised() -> None:
    async def was(ctx: Context) -> Any:
        return await ctx.call(clean, await ctx.call(fetch, 1))

    def broken(number: Any) -> int:
        return number["value"]

    async def now(ctx: Context) -> Any:
        return await ctx.call(clean, broken(await ctx.call(fetch, 1)))

    error = await diverged(was, now)
    assert "the code ended with TypeError: 'int' object is not subscriptable" in str(error)
    assert error.location.endswith("broken")
    assert 'return number["value"]' in str(error)


async def test_a_function_that_became_a_flow_and_a_flow_that_became_a_function() -> None:
    async def body(ctx: Context) -> int:
        return await ctx.call(fetch, 1)

    old, new = function(name="kind")(body), flow(name="kind")(body)
    run = old.start()
    await run
    with run.replay(code=new) as replay:
        assert replay.run_to_end().divergence is None
        assert replay.why_no_frames.startswith("kind was a function when it ran and is a flow now")
    run = new.start()
    await run
    with run.replay(code=old) as replay:
        assert replay.run_to_end().divergence is None
        assert replay.why_no_frames.startswith("kind was a flow when it ran and is a function now")
