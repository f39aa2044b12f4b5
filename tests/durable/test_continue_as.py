"""`ctx.continue_as`: a flow hands over to a new run, which everybody who waits then waits for."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

import agnt5
from agnt5 import Context, flow, function
from agnt5.cli import main
from agnt5.runtime import close_runtime


def add(a: int, b: int) -> int:
    return a + b


@flow
async def relays_count(ctx: Context, upto: int, total: int = 0) -> int:
    total = await ctx.call(add, total, 1)
    if total < upto:
        await ctx.continue_as(upto, total=total)
    return total


async def test_the_result_is_that_of_the_last_run() -> None:
    run = relays_count.start(4)
    assert await run == 4
    assert await asyncio.to_thread(run.result) == 4
    chain = [run]
    while (successor := chain[-1].successor) is not None:
        chain.append(successor)
    assert len(chain) == 4
    assert [one.status for one in chain] == ["completed"] * 4
    assert [one.input for one in chain][1:] == [((4,), {"total": total}) for total in (1, 2, 3)]
    assert [len(one.journal) for one in chain] == [1] * 4, "each has a journal of its own"
    assert await chain[2] == 4, "any of them leads to the end"


async def test_a_parent_gets_the_last_result_and_the_depth_stays() -> None:
    @flow
    async def asks(ctx: Context) -> object:
        started = await ctx.start(relays_count, 3)
        return [await ctx.call(relays_count, 80), await started]

    run = asks.start()
    assert await run == [80, 3]
    assert [(entry.kind, entry.output) for entry in run.journal if entry.output is not None] == [
        ("child", 80),
        ("join", 3),
    ]


async def test_failure_and_cancellation_come_from_the_last_run() -> None:
    @flow
    async def fails(ctx: Context, left: int) -> None:
        if left:
            await ctx.continue_as(left - 1)
        raise ValueError("no more")

    with pytest.raises(agnt5.RunFailed, match="no more"):
        await fails.run(2)

    @flow
    async def stays(ctx: Context, left: int) -> None:
        if left:
            await ctx.continue_as(left - 1)
        await ctx.wait_for_event("never")

    run = stays.start(2)
    await until_waiting(run)
    assert run.cancel()
    with pytest.raises(agnt5.RunCancelled):
        await run


async def test_events_for_the_first_run_reach_the_last() -> None:
    @flow
    async def listens(ctx: Context, heard: list[object]) -> list[object]:
        heard.append(await ctx.wait_for_event("say"))
        if len(heard) < 3:
            await ctx.continue_as(heard)
        return heard

    run = listens.start([])
    for word in ("a", "b", "c"):
        agnt5.send_event("say", word, run=run)
    assert await run == ["a", "b", "c"]
    with pytest.raises(agnt5.RunClosed):
        agnt5.send_event("say", "d", run=run)


async def test_nothing_is_asked_after_handing_over() -> None:
    cleaned: list[str] = []

    @flow
    async def busy(ctx: Context, left: int) -> str:
        async def beside() -> None:
            await gate.wait()
            try:
                await ctx.call(add, 1, 1)
            finally:
                cleaned.append("beside")

        gate = asyncio.Event()
        task = asyncio.create_task(beside())
        await asyncio.sleep(0)
        if left:
            gate.set()
            try:
                await ctx.continue_as(left - 1)
            except Exception:
                cleaned.append("swallowed")
            finally:
                cleaned.append("body")
            await ctx.call(add, 2, 2)
        task.cancel()
        return "last"

    run = busy.start(1)
    assert await run == "last"
    assert len(run.journal) == 0
    assert "swallowed" not in cleaned
    assert sorted(cleaned) == ["beside", "body"]
    assert run.warnings == []


async def test_only_a_flow_can_hand_over() -> None:
    @function
    async def body(ctx: Context) -> None:
        await ctx.continue_as(1)

    @function
    def sync_body(ctx: Context) -> None:
        ctx.continue_as(1)

    for component in (body, sync_body):
        with pytest.raises(agnt5.RunFailed, match="is no flow"):
            await component.run()


async def test_arguments_that_cannot_be_recorded_raise_where_they_are_given() -> None:
    @flow
    async def wrong(ctx: Context) -> str:
        try:
            await ctx.continue_as(object())
        except agnt5.SerializationError as error:
            return str(error)

    assert "input[0]" in await wrong.run()


async def test_large_arguments_are_the_successors_own() -> None:
    @flow
    async def carries_on(ctx: Context, text: str, left: int) -> int:
        if left:
            await ctx.continue_as(text + "x", left - 1)
        return len(text)

    run = carries_on.start("y" * 200_000, 3)
    assert await run == 200_003
    last = run
    while (successor := last.successor) is not None:
        last, before = successor, last
        before.delete()
    assert len(last.input.args[0]) == 200_003


async def test_new_code_counts_from_the_next_run_on() -> None:
    @flow(name="edited")
    async def old(ctx: Context, left: int) -> str:
        await ctx.wait_for_event("go")
        if left:
            await ctx.continue_as(left - 1)
        return "old"

    run = old.start(1)
    await until_waiting(run)

    @flow(name="edited")
    async def new(ctx: Context, left: int) -> str:
        return f"new {left}"

    agnt5.send_event("go", run=run)
    assert await run == "new 0"


async def test_it_replays_forks_and_reruns() -> None:
    run = relays_count.start(3)
    assert await run == 3
    replay = run.replay()
    replay.run_to_end()
    assert replay.locals["total"] == "1"
    assert agnt5.check(relays_count).diverging == []

    fork = run.fork(outputs={"add": 2})
    assert await fork == 3
    assert fork.successor is not None
    assert fork.successor.input == ((3,), {"total": 2})
    rerun = run.rerun(input=(2,))
    assert await rerun == 2
    assert rerun.successor is not None
    assert rerun.successor not in (run.successor, fork.successor)
    assert run.diff(fork).changed


async def test_the_command_line_names_the_successor(capsys: pytest.CaptureFixture[str]) -> None:
    run = relays_count.start(2)
    await run
    assert run.successor is not None
    close_runtime()
    assert main(["show", run.id]) == 0
    assert f"continued  {run.successor.id}\n" in capsys.readouterr().out


async def test_a_restart_finds_the_chain() -> None:
    @flow
    async def lasts(ctx: Context, left: int) -> str:
        await ctx.wait_for_event("go")
        if left:
            await ctx.continue_as(left - 1)
        return "done"

    @flow
    async def above(ctx: Context) -> object:
        return await ctx.call(lasts, 1)

    run = above.start()
    await until_waiting(run)
    child = agnt5.runs(component="lasts")[0]
    agnt5.send_event("go", run=child)
    while child.successor is None or child.successor.status != "waiting":
        await asyncio.sleep(0.001)
    close_runtime()
    agnt5.prune(timedelta(0))
    agnt5.send_event("go", run=child)
    assert await asyncio.wait_for(run, 30) == "done"


async def until_waiting(run: agnt5.Run) -> None:
    while True:
        last = run
        while (successor := last.successor) is not None:
            last = successor
        if last.status == "waiting":
            return
        await asyncio.sleep(0.001)
