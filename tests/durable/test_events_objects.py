"""Events, cancellation, and objects with one caller at a time."""

from __future__ import annotations

import asyncio

import pytest

import agnt5
from agnt5 import Context, flow
from agnt5.durable import object


@object
class Counter:
    def __init__(self) -> None:
        self.total = 0

    async def add(self, n: int) -> int:
        before = self.total
        await asyncio.sleep(0)
        self.total = before + n
        return self.total

    def fail(self) -> None:
        self.total = 1_000_000
        raise ValueError("no")

    async def wait(self, ctx: Context) -> None:
        await ctx.wait_for_event("x")


async def test_events_are_kept_until_somebody_waits() -> None:
    @flow
    async def waits(ctx: Context, name: str) -> object:
        return await ctx.wait_for_event(name)

    assert agnt5.send_event("early", {"n": 1}, event_id="e1")
    assert not agnt5.send_event("early", {"n": 2}, event_id="e1")
    assert await waits.run("early") == {"n": 1}
    run = waits.start("late")
    agnt5.send_event("late", [1], run=run)
    assert await run == [1]


async def test_a_wait_can_time_out() -> None:
    @flow
    async def waits(ctx: Context) -> str:
        try:
            await ctx.wait_for_event("never", timeout=0.02)
        except TimeoutError as error:
            return type(error).__name__
        return "came"

    assert await waits.run() == "EventTimeoutError"


async def test_events_between_runs() -> None:
    @flow
    async def listens(ctx: Context) -> object:
        return await ctx.wait_for_event("hello")

    @flow
    async def speaks(ctx: Context, to: str) -> None:
        await ctx.send_event("hello", "there", run=to)

    run = listens.start()
    await speaks.run(run.id)
    assert await run == "there"


async def test_cancelling_lets_a_flow_clean_up() -> None:
    @flow
    async def waits(ctx: Context) -> None:
        try:
            await ctx.wait_for_event("never")
        finally:
            await ctx.call(print, "cleaned up")

    run = waits.start()
    await _until(lambda: run.status == "waiting")
    assert run.cancel()
    with pytest.raises(agnt5.RunCancelled):
        await run
    assert [entry.kind for entry in run.journal] == ["event", "cancel", "step"]
    assert not run.cancel()


async def test_cancelling_a_running_step() -> None:
    stopped: list[str] = []

    async def long() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.append("step")
            raise

    @flow
    async def gives_up(ctx: Context) -> str:
        task = asyncio.create_task(ctx.call(long))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return "gave up"

    assert await gives_up.run() == "gave up"
    await _until(lambda: stopped == ["step"])


async def test_cancelling_a_function_run() -> None:
    @agnt5.function
    async def sleeps(ctx: Context) -> None:
        await asyncio.sleep(60)

    run = sleeps.start()
    await _until(lambda: run.status == "running")
    run.cancel()
    with pytest.raises(agnt5.RunCancelled):
        await asyncio.wait_for(run._wait(), 5)


async def test_objects_persist_and_take_turns() -> None:
    @flow
    async def adds(ctx: Context, key: str, n: int) -> int:
        counter = await ctx.get_object(Counter, key)
        return await counter.add(n)

    runs = [adds.start("a", 1) for _ in range(20)]
    assert sorted([await run for run in runs]) == list(range(1, 21))
    assert await agnt5.get_object(Counter, "a").add(0) == 20
    assert await agnt5.get_object(Counter, "b").add(5) == 5


async def test_a_failed_method_leaves_no_trace() -> None:
    counter = agnt5.get_object(Counter, "c")
    assert await counter.add(1) == 1
    with pytest.raises(agnt5.RunFailed, match="ValueError: no"):
        await counter.fail()
    assert await counter.add(1) == 2


async def test_attributes_of_a_proxy_are_refused() -> None:
    counter = agnt5.get_object(Counter, "d")
    with pytest.raises(AttributeError, match="write one"):
        _ = counter.total
    with pytest.raises(AttributeError, match="write a method"):
        counter.total = 3


async def test_a_method_cannot_wait_for_events() -> None:
    with pytest.raises(agnt5.RunFailed, match="cannot wait"):
        await agnt5.get_object(Counter, "e").wait()


async def _until(condition: object) -> None:
    for _ in range(200):
        if condition():  # type: ignore[operator]
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen in 4 s")


async def test_the_end_of_a_flow_stops_the_children_it_still_awaited() -> None:
    @flow
    async def below(ctx: Context) -> None:
        await ctx.sleep(3600)

    @flow
    async def leaves(ctx: Context) -> list[str]:
        task = asyncio.create_task(ctx.call(below))
        started = await ctx.start(below)
        await ctx.sleep(0.01)
        assert not task.done()
        return [started.id]

    run = leaves.start()
    (started,) = await run
    awaited = next(found for found in agnt5.runs(component="below") if found.id != started)
    with pytest.raises(agnt5.RunCancelled):
        await awaited
    assert agnt5.get_run(started).status != "cancelled", "what was only started goes on without its starter"
    assert agnt5.get_run(started).cancel()


async def test_an_event_whose_waiter_ended_goes_to_the_next() -> None:
    @flow
    async def leaves(ctx: Context) -> None:
        task = asyncio.create_task(ctx.wait_for_event("handed on"))
        await ctx.wait_for_event("leave")
        await ctx.send_event("handed on", "hello")  # it is the oldest waiter, and ends before it could take it
        assert not task.done()

    @flow
    async def waits(ctx: Context) -> object:
        return await ctx.wait_for_event("handed on")

    first = leaves.start()
    await waiting(first)
    second = waits.start()
    await waiting(second)
    agnt5.send_event("leave")
    await first
    assert await asyncio.wait_for(second, 30) == "hello"


async def waiting(run: agnt5.Run) -> None:
    while run.status != "waiting":
        await asyncio.sleep(0.001)
