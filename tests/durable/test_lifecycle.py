"""Runs leave memory and come back, keep the code they began with, and end when they are told to."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

import agnt5
from agnt5 import Context, flow
from agnt5.runtime import get_runtime


def note(word: str) -> str:
    noted.append(word)
    return word


noted: list[str] = []


async def test_a_waiting_run_leaves_memory_and_comes_back() -> None:
    noted.clear()

    @flow
    async def waits(ctx: Context) -> list[str]:
        first = await ctx.call(note, "before")
        payload = await ctx.wait_for_event("go on")
        return [first, payload]

    run = waits.start()
    engine = get_runtime().engine
    await _until(lambda: run.status == "waiting" and engine.live() == 0)
    agnt5.send_event("go on", "after", run=run)
    assert await run == ["before", "after"]
    assert noted == ["before"]


async def test_a_run_in_flight_keeps_its_code() -> None:
    @flow(name="redefined")
    async def old(ctx: Context) -> str:
        await ctx.wait_for_event("finish")
        return "old"

    run = old.start()

    @flow(name="redefined")
    async def new(ctx: Context) -> str:
        return "new"

    assert await new.run() == "new"
    engine = get_runtime().engine
    await _until(lambda: engine.live() == 0)  # rebuilt by replay, with the code it began with
    agnt5.send_event("finish", run=run)
    assert await run == "old"


async def test_a_second_cancel_ends_a_flow_that_cleans_up_for_ever() -> None:
    @flow
    async def stubborn(ctx: Context) -> None:
        try:
            await ctx.wait_for_event("never")
        finally:
            await ctx.wait_for_event("never either")

    run = stubborn.start()
    await _until(lambda: run.status == "waiting")
    run.cancel()
    await _until(lambda: len(run.journal) == 3)
    run.cancel()
    with pytest.raises(agnt5.RunCancelled):
        await run


async def test_pause_and_resume() -> None:
    @flow
    async def sleeps(ctx: Context) -> str:
        await ctx.sleep(0.2)
        return "woke"

    run = sleeps.start()
    await _until(lambda: run.status == "waiting")
    run.pause("lunch")
    await _until(lambda: run.status == "paused")
    with pytest.raises(agnt5.RunPaused, match="lunch"):
        await run
    assert run.resume()
    assert await run == "woke"


async def test_runs_can_be_listed_deleted_and_pruned() -> None:
    @flow
    async def quick(ctx: Context, n: int) -> int:
        return n

    first = quick.start(1, tags={"who": "ada"})
    assert await first == 1
    assert [await quick.start(n) for n in (2, 3)] == [2, 3]
    assert [run.input.args[0] for run in agnt5.runs(component=quick)] == [3, 2, 1]
    assert len(agnt5.runs(status="completed", limit=2)) == 2
    assert first.tags == {"who": "ada"}
    assert agnt5.get_run(first.id[:8]).id.startswith(first.id[:8])
    first.delete()
    with pytest.raises(agnt5.RunNotFound):
        _ = first.status
    assert agnt5.prune(timedelta(0)) == 2
    assert agnt5.runs() == []


async def test_logging_and_metrics_are_silent_while_replaying() -> None:
    from agnt5.execution.sidechannels import sink

    @flow
    async def counts(ctx: Context) -> None:
        ctx.metrics.increment("lifecycle.begun")
        await ctx.wait_for_event("go")
        ctx.metrics.increment("lifecycle.ended")

    run = counts.start()
    engine = get_runtime().engine
    await _until(lambda: run.status == "waiting" and engine.live() == 0)
    agnt5.send_event("go", run=run)
    await run
    assert sink.counters["lifecycle.begun", ()] == 1
    assert sink.counters["lifecycle.ended", ()] == 1


async def _until(condition: object) -> None:
    for _ in range(500):
        if condition():  # type: ignore[operator]
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen in 10 s")
