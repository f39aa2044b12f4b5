"""MockContext: bodies run at once, in virtual time; calls are answered or recorded. The first test is the seed's."""

from __future__ import annotations

import asyncio
import time

import pytest

import agnt5
from agnt5 import Context, RateLimited, flow, function
from agnt5.durable import object
from agnt5.llm import ScriptedLLM, limits
from agnt5.testing import ContinuedAs, MockContext


async def test_durable_function():
    @function
    async def test_fn(ctx, data):
        return await ctx.call("service", "method", data)

    with MockContext() as ctx:
        ctx.mock_call("service", "method", return_value="mocked")
        result = await test_fn(ctx, {"test": "data"})
        assert result == "mocked"


async def test_calls_run_for_real_and_are_recorded() -> None:
    def double(n: int) -> int:
        return n * 2

    @flow
    async def work(ctx: Context, n: int) -> list[int]:
        return [await ctx.call(double, n), *await ctx.spawn([(double, 3), (double, (4,))])]

    with MockContext() as ctx:
        assert await work(ctx, 2) == [4, 6, 8]
        assert [(call.name, call.args) for call in ctx.calls] == [("double", (2,)), ("double", (3,)), ("double", (4,))]


async def test_side_effects() -> None:
    with MockContext() as ctx:
        ctx.mock_call("pay", side_effect=[1, ConnectionError("down"), 3])
        assert await ctx.call("pay") == 1
        with pytest.raises(ConnectionError):
            await ctx.call("pay")
        assert await ctx.call("pay") == 3
        ctx.mock_call("ask", "twice", side_effect=lambda n: n * 2)
        assert await ctx.call("ask", "twice", 4) == 8


async def test_time_is_virtual() -> None:
    began = time.monotonic()
    with MockContext() as ctx:
        before = ctx.now()
        await ctx.sleep(3600)
        with pytest.raises(agnt5.EventTimeoutError):
            await ctx.wait_for_event("never", timeout=60)
        assert (ctx.now() - before).total_seconds() == 3660
        assert ctx.sleeps == [3600, 60]
    assert time.monotonic() - began < 60


async def test_events_state_and_objects() -> None:
    @object
    class MockTally:
        def __init__(self) -> None:
            self.total = 0

        async def add(self, n: int) -> int:
            self.total += n
            return self.total

    with MockContext() as ctx:
        ctx.mock_event("go", {"ok": True})
        assert await ctx.wait_for_event("go") == {"ok": True}
        with pytest.raises(agnt5.ConfigurationError, match="mock_event"):
            await ctx.wait_for_event("stay")
        await ctx.state.set("a", 1)
        assert await ctx.state.get("a") == 1
        assert await ctx.state.keys() == ["a"]
        tally = await ctx.get_object(MockTally, "k")
        await tally.add(2)
        assert await tally.add(3) == 5
        agnt5.send_event("said", 1)
        assert ctx.sent == [("said", 1)]


async def test_the_same_seed_gives_the_same_chance() -> None:
    def draw(seed: int) -> list[object]:
        ctx = MockContext(seed=seed)
        return [ctx.random.random(), ctx.uuid()]

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


async def test_run_inside_goes_through_the_mock() -> None:
    @function
    async def inner(ctx: Context) -> int:
        return 1

    @flow
    async def outer(ctx: Context) -> list[int]:
        started = inner.start()
        return [await inner.run(), await started]

    with MockContext() as ctx:
        ctx.mock_call(inner, return_value=7)
        assert await outer(ctx) == [7, 7]


async def test_unmarked_async_tests_run() -> None:
    assert asyncio.get_running_loop() is not None


def test_each_test_has_a_store_of_its_own_1() -> None:
    assert agnt5.runs() == []
    greets_in_mock_tests.run_sync()


def test_each_test_has_a_store_of_its_own_2() -> None:
    assert agnt5.runs() == []
    greets_in_mock_tests.run_sync()


@function
async def greets_in_mock_tests(ctx: Context) -> str:
    return "hello"


async def test_recorded_runs_replay(assert_replays) -> None:  # type: ignore[no-untyped-def]
    def twice(n: int) -> int:
        return n * 2

    @flow(name="replayed")
    async def original(ctx: Context) -> list[object]:
        await ctx.state.set("n", 1)
        first, second = await asyncio.gather(ctx.call(twice, 1), ctx.call(twice, 2))
        await asyncio.sleep(0.001)
        try:
            await ctx.wait_for_event("x", timeout=0.001)
        except TimeoutError:
            await ctx.call(twice, 3)
        return [first, second, str(ctx.uuid()), ctx.random.random(), await ctx.state.keys()]

    run = original.start()
    await run
    assert_replays(run)

    @flow(name="replayed")
    async def changed(ctx: Context) -> None:
        await ctx.call(twice, 1)
        await ctx.call(twice, 5)

    with pytest.raises(agnt5.DivergenceError, match="twice"):
        assert_replays(run)


async def test_a_flow_that_hands_over_ends_with_the_next_arguments() -> None:
    @flow
    async def counts(ctx: Context, n: int) -> None:
        await ctx.continue_as(n + 1, why="more")

    with MockContext() as ctx, pytest.raises(ContinuedAs) as ended:
        await counts(ctx, 1)
    assert (ended.value.args, ended.value.kwargs) == ((2,), {"why": "more"})


async def test_a_refusal_in_a_script_holds_nobody_up_in_virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def waited(seconds: float) -> None:
        pytest.fail(f"somebody waits for {seconds} s of real time")

    monkeypatch.setattr(limits, "_pause", waited)

    async def patient(ctx: Context, llm: ScriptedLLM) -> str:
        try:
            return str(await ctx.chat("x", llm=llm))
        except RateLimited as refusal:
            await ctx.sleep(refusal.retry_after or 0)
            return str(await ctx.chat("x", llm=llm))

    ctx = MockContext()
    began = ctx.now()
    assert await patient(ctx, ScriptedLLM([RateLimited("later", retry_after=3000), "now"])) == "now"
    assert (ctx.now() - began).total_seconds() == 3000
    assert str(await ScriptedLLM("outside").generate("x")) == "outside"  # nor anybody after it
