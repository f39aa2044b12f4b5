"""Forks of forks: what is shared was asked by the run that it comes from, however many forks lie between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import agnt5
from agnt5 import Context, Run, flow
from agnt5.durable import object as durable_object
from replay.corpus import CORPUS
from replay.playing import end_of, record


async def echo(text: str) -> str:
    return text


@durable_object
class Till:
    def __init__(self) -> None:
        self.sum = 0

    async def put(self, amount: int) -> int:
        self.sum += amount
        return self.sum


@flow
async def tells_its_id(ctx: Context, rounds: int) -> list[Any]:
    """What it asks holds the id of the run that asks."""
    found: list[Any] = []
    for number in range(rounds):
        till = await ctx.get_object(Till, f"of {ctx.run_id}")
        found.append(await asyncio.gather(ctx.call(echo, f"{number} {ctx.run_id}"), till.put(1)))
        agnt5.send_event("told", number, run=ctx.run_id)
        found.append(await ctx.wait_for_event("told"))
    return found


async def ends(run: Run) -> list[Any]:
    return await asyncio.wait_for(run, 30)  # pyright: ignore[reportArgumentType]


async def test_a_fork_is_forked_before_its_own_cut() -> None:
    first = tells_its_id.start(3)
    await first
    second = first.fork(at="echo#2", outputs={"echo#2": "other"})
    await ends(second)
    third = second.fork(at="echo#3", outputs={"echo#3": "another"})
    await ends(third)
    for entry in third.journal.stored[:-1]:
        fork = third.fork(at=entry.seq)
        await ends(fork)
        with fork.replay() as replay:
            replay.run_to_end()
            assert replay.divergence is None, f"forked at {entry.seq} ({entry.body} {entry.name})"
    assert agnt5.check(tells_its_id).ok


@flow
async def fills(ctx: Context) -> list[int]:
    till = await ctx.get_object(Till, "shared")
    return [await till.put(1) for _ in range(4)]


async def test_objects_of_a_fork_before_its_own_cut_are_as_they_were_there() -> None:
    first = fills.start()
    assert await first == [1, 2, 3, 4]
    puts = [entry.seq for entry in first.journal]
    second = first.fork(at=puts[2])
    assert await ends(second) == [1, 2, 3, 4]
    for cut in puts:
        assert await ends(second.fork(at=cut)) == [1, 2, 3, 4], f"forked at {cut}"
    third = second.fork(at=puts[1])
    for cut in puts:
        assert await ends(third.fork(at=cut)) == [1, 2, 3, 4], f"forked at {cut}"
    assert await agnt5.get_object(Till, "shared").put(0) == 4, "the object itself was never touched"


@pytest.mark.parametrize("name", [name for name in CORPUS if name != "the_first_wins"])
async def test_a_fork_of_a_fork_with_nothing_changed_ends_as_both(name: str) -> None:
    parent = await record(CORPUS[name])
    ended = end_of(parent)
    fork = parent.fork(at=len(parent.journal.stored) // 2, inflight="reuse")
    assert end_of(fork) == ended
    for entry in fork.journal.stored[:-1:3]:
        again = fork.fork(at=entry.seq, inflight="reuse")
        assert end_of(again) == ended, f"{name}, forked at {entry.seq} ({entry.body} {entry.name})"
