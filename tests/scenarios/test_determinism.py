"""Code that does not repeat itself: the run stops, says which step and why, writes nothing, and goes on when it is put
right."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import agnt5
from agnt5 import Context, Run, flow
from agnt5.runtime import close_runtime, get_runtime
from scenarios.processes import lines, play

Body = Callable[[Context], Any]


def one(value: object) -> object:
    return value


def other(value: object) -> object:
    return value


async def recorded(ctx: Context) -> object:
    found = await ctx.call(one, "a"), await ctx.call(other, "b")
    return [*found, await ctx.wait_for_event("go")]


async def another_order(ctx: Context) -> object:
    found = await ctx.call(other, "b"), await ctx.call(one, "a")
    return [*found, await ctx.wait_for_event("go")]


async def another_name(ctx: Context) -> object:
    found = await ctx.call(one, "a"), await ctx.call(other, "b", name="renamed")
    return [*found, await ctx.wait_for_event("go")]


async def one_more(ctx: Context) -> object:
    found = await ctx.call(one, "a"), await ctx.call(one, "more"), await ctx.call(other, "b")
    return [*found, await ctx.wait_for_event("go")]


async def one_less(ctx: Context) -> object:
    return [await ctx.call(one, "a"), await ctx.wait_for_event("go")]


async def another_input(ctx: Context) -> object:
    found = await ctx.call(one, "a"), await ctx.call(other, "B")
    return [*found, await ctx.wait_for_event("go")]


async def another_kind(ctx: Context) -> object:
    await ctx.call(one, "a")
    await ctx.sleep(3600)
    return await ctx.wait_for_event("go")


async def returns_early(ctx: Context) -> object:
    return await ctx.call(one, "a")


async def waits_elsewhere(ctx: Context) -> object:
    await ctx.call(one, "a")
    return await asyncio.get_running_loop().create_future()


async def in_the_hands_of(body: Body, next_body: Body) -> Run:
    """A run that `body` began, taken up by the next process with `next_body` under the same name."""
    run = flow(name="job")(body).start(run_id="j1")
    await _until(lambda: len(run.journal) == 3)
    close_runtime()
    flow(name="job")(next_body)
    # Something for it to do: a run that waits is not looked at.
    agnt5.send_event("go", "came", run="j1")
    return run


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (another_order, ["one", "other"]),
        (another_name, ["other", "renamed"]),
        (one_more, ["other", "one"]),
        (one_less, ["other", "go"]),
        (another_input, ["other", "input"]),
        (another_kind, ["other", "timer"]),
        (returns_early, ["other"]),
        (waits_elsewhere, ["other"]),
    ],
)
async def test_changed_code_names_the_step_writes_nothing_and_can_be_put_right(changed: Body, words: list[str]) -> None:
    run = await in_the_hands_of(recorded, changed)
    with pytest.raises(agnt5.DivergenceError) as caught:
        await asyncio.wait_for(run._wait(), 20)
    for word in words:
        assert word in str(caught.value)
    assert Path(__file__).name in str(caught.value) or changed is returns_early
    assert "Nothing was written" in str(caught.value)
    assert run.status == "paused"
    assert len(run.journal) == 3
    flow(name="job")(recorded)
    assert run.resume()
    assert await asyncio.wait_for(run._wait(), 20) == ["a", "b", "came"]


async def test_a_changed_input_is_shown_beside_the_recorded_one() -> None:
    run = await in_the_hands_of(recorded, another_input)
    with pytest.raises(agnt5.DivergenceError, match=r"with \('b'\).* with \('B'\)"):
        await asyncio.wait_for(run._wait(), 20)


async def test_what_diverged_goes_on_with_the_code_it_began_with() -> None:
    run = await in_the_hands_of(recorded, another_order)
    with pytest.raises(agnt5.DivergenceError, match="resume"):
        await asyncio.wait_for(run._wait(), 20)
    assert run.resume(code="recorded")
    assert await asyncio.wait_for(run._wait(), 20) == ["a", "b", "came"]


async def test_what_diverged_goes_on_with_the_new_code_in_a_fork() -> None:
    run = await in_the_hands_of(recorded, another_input)
    with pytest.raises(agnt5.DivergenceError) as caught:
        await asyncio.wait_for(run._wait(), 20)
    fork = run.fork(at=caught.value.seq)
    agnt5.send_event("go", "again", run=fork)
    assert (await asyncio.wait_for(fork._wait(), 20))[-1] == "again"
    fork = run.fork(at=caught.value.seq, code="recorded")
    agnt5.send_event("go", "again", run=fork)
    assert await asyncio.wait_for(fork._wait(), 20) == ["a", "b", "again"]


async def test_what_diverged_is_cancelled_by_one_word() -> None:
    run = await in_the_hands_of(recorded, another_name)
    with pytest.raises(agnt5.DivergenceError):
        await asyncio.wait_for(run._wait(), 20)
    assert run.cancel()
    await _until(lambda: run.status == "cancelled")
    assert "DivergenceError" in str(run.error)


async def looks_at_the_clock(ctx: Context) -> object:
    return [await ctx.call(one, time.time_ns()), await ctx.wait_for_event("go"), await ctx.wait_for_event("go")]


async def rolls_dice(ctx: Context) -> object:
    return [await ctx.call(one, random.random()), await ctx.wait_for_event("go"), await ctx.wait_for_event("go")]


@pytest.mark.parametrize(("body", "remedy"), [(looks_at_the_clock, "ctx.now"), (rolls_dice, "ctx.random")])
async def test_time_and_chance_in_a_flow_get_a_hint(body: Body, remedy: str) -> None:
    run = flow(name="job")(body).start()
    engine = get_runtime().engine
    await _until(lambda: run.status == "waiting" and engine.live() == 0)
    agnt5.send_event("go", run=run)
    with pytest.raises(agnt5.DivergenceError, match=remedy):
        await asyncio.wait_for(run._wait(), 20)


def test_the_order_of_a_set_gets_a_hint(tmp_path: Path) -> None:
    body = """
        def one(value):
            return value
        @flow
        async def job(ctx: Context):
            for word in {"a", "b", "c", "d", "e", "f", "g"}:
                await ctx.call(one, word)
            return await ctx.wait_for_event("go")
        """
    first = f"""{body}
        run = job.start(run_id="j1")
        while run.status != "waiting": time.sleep(0.01)
        """
    second = f"""{body}
        agnt5.send_event("go", run="j1")
        try:
            agnt5.get_run("j1").result(20)
        except agnt5.DivergenceError as error:
            print(str(error).replace(chr(10), " "))
        """
    assert lines(play(tmp_path, first, PYTHONHASHSEED="1")) == []
    said = lines(play(tmp_path, second, PYTHONHASHSEED="2"))
    assert "set" in said[0]
    assert "sorted" in said[0]


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen in 10 s")
