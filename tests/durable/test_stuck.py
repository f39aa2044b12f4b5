"""A flow that waits for what nothing can bring fails and says where, instead of waiting for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import agnt5
from agnt5 import Context, Run, flow


async def add(a: int, b: int) -> int:
    return a + b


async def brings(ctx: Context, queue: asyncio.Queue[int]) -> None:
    await queue.put(await ctx.call(add, 1, 2))
    raise ValueError("no more")


@flow
async def takes_two(ctx: Context, brought: int = 0) -> list[int]:
    queue: asyncio.Queue[int] = asyncio.Queue()
    bringing = asyncio.create_task(brings(ctx, queue))
    for _ in range(brought):
        queue.put_nowait(0)
    found = [await queue.get(), await queue.get()]
    bringing.cancel()
    return found


async def error_of(run: Run) -> agnt5.RunFailed:
    with pytest.raises(agnt5.RunFailed) as caught:
        await asyncio.wait_for(run, 30)  # pyright: ignore[reportArgumentType]
    return caught.value


async def test_it_says_where_it_waits_and_which_of_its_tasks_failed() -> None:
    run = takes_two.start()
    error = await error_of(run)
    assert error.cause_type == "agnt5.errors:FlowStuckError"
    assert "in takes_two: found = [await queue.get(), await queue.get()]" in str(error)
    assert "Nobody looked at the error of task" in str(error)
    assert "in brings): ValueError: no more" in str(error)
    assert "ctx.wait_for_event" in str(error)
    assert run.status == "failed"


async def test_its_run_replays_to_where_it_stood_and_is_forked_from_there() -> None:
    run = takes_two.start()
    await error_of(run)
    with run.replay() as replay:
        replay.run_to_end()
        assert replay.divergence is None
        assert replay.frame is not None
        assert "await queue.get()" in replay.frame.code
    assert agnt5.check(takes_two).ok
    assert await run.fork(0, input=1) == [0, 3]


async def test_tasks_that_wait_for_each_other() -> None:
    @flow
    async def embraces(ctx: Context) -> None:
        one, other = asyncio.Lock(), asyncio.Lock()

        async def hold(first: asyncio.Lock, second: asyncio.Lock) -> None:
            async with first:
                await ctx.sleep(0.001)
                async with second:
                    pass

        await asyncio.gather(hold(one, other), hold(other, one))

    error = await error_of(embraces.start())
    assert "It also waits at" in str(error)
    assert "async with second:" in str(error)


async def test_clean_up_of_a_stuck_flow_asks_for_nothing() -> None:
    cleaned: list[str] = []

    @flow
    async def waits(ctx: Context) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cleaned.append("finally")
            await ctx.call(add, 1, 2)

    run = waits.start()
    await error_of(run)
    assert cleaned == ["finally"]
    assert len(run.journal) == 0


async def test_whoever_can_still_be_woken_is_not_stuck() -> None:
    @flow
    async def child(ctx: Context) -> str:
        return await ctx.wait_for_event("go")

    @flow
    async def patient(ctx: Context) -> list[Any]:
        done = asyncio.Event()

        async def wakes() -> str:
            found = await ctx.call(child)
            done.set()
            return found

        waking = asyncio.create_task(wakes())
        await done.wait()
        return [await waking, await asyncio.wait_for(asyncio.sleep(0.01, "slept"), 5)]

    run = patient.start()
    while not (below := agnt5.runs(component=child, status="waiting")):
        await asyncio.sleep(0.01)
    agnt5.send_event("go", "gone", run=below[0])
    assert await run == ["gone", "slept"]


async def test_a_flow_that_swallows_its_cancelling_and_waits_on_ends_too() -> None:
    @flow
    async def stubborn(ctx: Context) -> None:
        try:
            await ctx.wait_for_event("never")
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    run = stubborn.start()
    while run.status != "waiting":
        await asyncio.sleep(0.01)
    run.cancel()
    assert "await asyncio.Event().wait()" in str(await error_of(run))
