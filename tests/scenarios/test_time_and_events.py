"""Time that jumps and events that come at a bad moment: every wait has one winner, and it is recorded."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path

import pytest

import agnt5
from agnt5 import Context, flow
from agnt5.testing import assert_replays
from scenarios.processes import lines, play


@flow
async def races(ctx: Context, name: str, limit: float) -> str:
    try:
        return await ctx.wait_for_event(name, timeout=limit)
    except agnt5.EventTimeoutError:
        return "timed out"


async def test_an_event_that_races_its_timeout_is_delivered_or_kept() -> None:
    runs = [races.start(f"e{n}", 0.05) for n in range(60)]
    for n in range(60):
        await asyncio.sleep(0.002)
        agnt5.send_event(f"e{n}", "came", event_id=f"e{n}")
    ends = [await run for run in runs]
    assert set(ends) <= {"came", "timed out"}
    for n, (run, end) in enumerate(zip(runs, ends, strict=True)):
        assert [entry.kind for entry in run.journal] == ["event"]
        assert (run.journal[0].error == "timed out") == (end == "timed out")
        assert_replays(run)
        # What did not arrive in time is there for the next who waits, once.
        assert await races.run(f"e{n}", 0.0) == ("came" if end == "timed out" else "timed out")


async def test_an_event_for_a_run_that_has_ended_is_refused() -> None:
    run = races.start("x", 0.001)
    assert await run == "timed out"
    with pytest.raises(agnt5.RunClosed):
        agnt5.send_event("x", run=run)
    with pytest.raises(agnt5.RunNotFound):
        agnt5.send_event("x", run="r_nobody")


async def test_repeated_event_ids_are_one_event() -> None:
    @flow
    async def twice(ctx: Context) -> list[object]:
        return [await ctx.wait_for_event("tick", timeout=5), await races.fn(ctx, "tick", 0.05)]

    run = twice.start()
    assert [agnt5.send_event("tick", n, event_id="t1") for n in range(3)] == [True, False, False]
    assert await run == [0, "timed out"]
    assert not agnt5.send_event("tick", 9, event_id="t1")


async def test_a_wait_that_was_given_up_loses_nothing() -> None:
    given_up, sent = threading.Event(), threading.Event()

    def meanwhile() -> None:
        given_up.set()
        assert sent.wait(60)

    @flow
    async def gives_up(ctx: Context) -> list[object]:
        first = asyncio.create_task(ctx.wait_for_event("news"))
        await ctx.sleep(0.02)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await ctx.call(meanwhile)
        return [first.cancelled(), await ctx.wait_for_event("news", timeout=timedelta(seconds=5))]

    run = gives_up.start()
    assert await asyncio.to_thread(given_up.wait, 60)
    agnt5.send_event("news", "kept")
    sent.set()
    assert await run == [True, "kept"]


def test_what_fell_due_while_nobody_was_there_happens_once(tmp_path: Path) -> None:
    body = """
        def note(word):
            os.write(1, f"{word}\\n".encode())
            return word
        @flow
        async def job(ctx: Context, n):
            began = ctx.now()
            await ctx.sleep(0.3)
            await ctx.call(note, f"woke {n}")
            return (ctx.now() - began).total_seconds() >= 0.3
        """
    first = f"""{body}
        runs = [job.start(n, run_id=f"j{{n}}") for n in range(20)]
        os.kill(os.getpid(), signal.SIGKILL)
        """
    second = f"""{body}
        time.sleep(0.5)
        print([agnt5.get_run(f"j{{n}}").result(20) for n in range(20)] == [True] * 20)
        """
    assert play(tmp_path, first).returncode == -9
    said = lines(play(tmp_path, second))
    assert sorted(said[:-1]) == sorted(f"woke {n}" for n in range(20))
    assert said[-1] == "True"
