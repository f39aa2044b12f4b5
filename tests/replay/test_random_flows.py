"""Laws over random flows: what holds for the corpus holds for whatever people nest into each other.

AGNT5_FLOWS_SEED and AGNT5_FLOWS say where the programs begin and how many there are; a failure names its seed.
"""

from __future__ import annotations

import asyncio
import os
from random import Random

import pytest

import agnt5
from agnt5 import Run
from replay.playing import both_ways, bytes_of
from replay.programs import RACY, executed, kinds_of, program, random_program

FIRST = int(os.environ.get("AGNT5_FLOWS_SEED", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("AGNT5_FLOWS", "30")))


async def end_of(run: Run) -> tuple[str, str]:
    """Anything but a pause: nothing here asks a person, and nothing diverges."""
    try:
        return "completed", repr(await asyncio.wait_for(run, 30))  # pyright: ignore[reportArgumentType]
    except agnt5.RunFailed as error:
        return "failed", f"{error.cause_type}: {error.cause_message}"


async def quiet(run: Run) -> None:
    """Started runs live on after the one that started them."""
    while any(not one.status.terminal for one in agnt5.runs(limit=1000) if one.id != run.id):
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_replay_is_the_same_both_ways_and_executes_nothing(seed: int) -> None:
    run = program.start(random_program(Random(seed)))
    await end_of(run)
    await quiet(run)
    before = bytes_of(run)
    executed.clear()
    with run.replay() as replay:
        both_ways(replay)
    assert executed == []
    assert bytes_of(run) == before
    assert agnt5.check(program).ok


@pytest.mark.parametrize("seed", SEEDS)
async def test_forks_and_forks_of_forks_go_on(seed: int) -> None:
    random = Random(seed)
    nodes = random_program(random)
    run = program.start(nodes)
    ended = await end_of(run)
    before = bytes_of(run)
    for _ in range(3):
        fork = run.fork(at=random.choice(run.journal.stored[:-1]).seq, inflight="reuse")
        below = await end_of(fork)
        again = fork.fork(at=random.choice(fork.journal.stored[:-1]).seq, inflight="reuse")
        if kinds_of(nodes) & RACY:
            await end_of(again)
            continue
        assert below == ended, f"forked at {fork.cut}"
        assert await end_of(again) == ended, f"forked at {fork.cut}, and that one at {again.cut}"
    assert bytes_of(run) == before


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_rerun_with_nothing_changed_ends_alike(seed: int) -> None:
    nodes = random_program(Random(seed))
    run = program.start(nodes)
    ended = await end_of(run)
    again = run.rerun()
    if kinds_of(nodes) & RACY:
        await end_of(again)
        return
    assert await end_of(again) == ended
    executed_anew = [line for line in str(again.reused).splitlines() if line.split()[:1] == ["executed"]]
    assert [line for line in executed_anew if "failed there" not in line] == []


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_run_that_is_cancelled_somewhere_replays(seed: int) -> None:
    random = Random(seed)
    run = program.start(random_program(random))
    await asyncio.sleep(random.choice([0, 0.002, 0.01]))
    try:
        run.cancel()
        await end_of(run)
    except (agnt5.RunClosed, agnt5.RunCancelled):
        assert run.status.terminal
    with run.replay() as replay:
        assert replay.run_to_end().divergence is None
        while replay.index:
            replay.back()
