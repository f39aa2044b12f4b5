"""Positions: what is seen where a run failed, in deep stacks, and in values that a text does not show."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy
import pytest

import agnt5
from agnt5 import ConfigurationError, Context, flow
from replay.corpus import fetch
from replay.playing import bytes_of


async def lines_of(ctx: Context, names: list[str]) -> AsyncIterator[str]:
    for name in names:
        note = await ctx.call(fetch, name)
        yield note


@flow
async def reads_on(ctx: Context, names: list[str]) -> dict[str, int]:
    lengths: dict[str, int] = {}
    async for note in lines_of(ctx, names):
        lengths[note] = len(note)
    await ctx.state.set("read", len(lengths))
    await ctx.sleep(0.001)
    return lengths


async def test_a_failed_run_ends_at_the_line_that_raised() -> None:
    def halve(numbers: list[int], by: int) -> list[float]:
        return [number / by for number in numbers]

    @flow
    async def divides(ctx: Context, by: int) -> list[float]:
        name = await ctx.call(fetch, "a")
        return halve([len(name)], by)

    run = divides.start(0)
    with pytest.raises(agnt5.RunFailed):
        await run
    with run.replay() as replay:
        replay.run_to_end()
        assert replay.divergence is None
        functions = [frame.function.rpartition(".")[2] for frame in replay.frames]
        assert functions[:2] == ["divides", "halve"]
        assert "number / by" in replay.source
        assert replay.eval("name + str(by)") == "<a>0", "the frames around it are seen"
        assert replay.outcome == "failed: ZeroDivisionError: division by zero"
        assert replay.outcome in str(replay)
        assert "name" in replay.changed
        assert replay.back().outcome == ""


async def test_a_run_that_failed_because_its_flow_did_io_replays(tmp_path: Any) -> None:
    @flow
    async def writes_itself(ctx: Context, path: str) -> None:
        await ctx.call(fetch, "a")
        with open(path, "w") as file:
            file.write("x")

    run = writes_itself.start(str(tmp_path / "file"))
    with pytest.raises(agnt5.RunFailed, match="FlowIOError"):
        await run
    with run.replay() as replay:
        assert replay.run_to_end().index == 1
        assert replay.divergence is None
        assert replay.frame is not None
        assert replay.frame.code == 'with open(path, "w") as file:'
        assert "FlowIOError" in replay.outcome
    assert agnt5.check(writes_itself).ok, "it fails as it failed"
    assert list(tmp_path.iterdir()) == []


async def test_a_flow_that_does_io_only_now_stops_the_replay(tmp_path: Any) -> None:
    @flow(name="quiet")
    async def quiet(ctx: Context) -> str:
        return await ctx.call(fetch, "a")

    run = quiet.start()
    await run

    @flow(name="quiet")
    async def loud(ctx: Context) -> str:
        (tmp_path / "file").write_text("x")
        return await ctx.call(fetch, "a")

    replay = run.replay(code=loud)
    assert len(replay) == 1
    assert "opening a file for writing" in str(replay.divergence)
    assert list(tmp_path.iterdir()) == []


async def test_an_expression_sees_all_names_and_may_do_no_io(tmp_path: Any) -> None:
    run = reads_on.start(["a", "bcd"])
    await run
    replay = run.replay().step()
    assert replay.eval("{name: len(lengths) for name in names}") == {"a": 1, "bcd": 1}
    assert replay.eval("sorted(names, key=lambda one: -len(one) * len(lengths))") == ["bcd", "a"]
    assert replay.eval("[lengths, name]") == [{"<a>": 3}, "bcd"], "names of two frames"
    with pytest.raises(agnt5.FlowIOError):
        replay.eval(f"open({str(tmp_path / 'file')!r}, 'w')")
    with pytest.raises(ConfigurationError, match="nothing is awaited"):
        replay.eval("ctx.sleep(1)")
    assert replay.eval("names") == ["a", "bcd"], "no harm was done"
    assert list(tmp_path.iterdir()) == []


async def test_a_value_is_what_it_was_before_the_code_was_torn_down() -> None:
    @flow
    async def clears(ctx: Context) -> None:
        found: list[str] = []
        try:
            found.append(await ctx.call(fetch, "a"))
            await ctx.call(fetch, "b")
        finally:
            found.clear()

    run = clears.start()
    await run
    replay = run.replay().step()
    assert replay.eval("found") == ["<a>"]
    assert replay.locals["found"] == "['<a>']"


async def test_places_may_be_named_by_path_or_entry() -> None:
    run = reads_on.start(["a", "b", "c"])
    await run
    replay = run.replay()
    assert replay.goto("fetch#2").position == replay.goto(run.journal.find("fetch#2")).position
    assert replay.goto("fetch#2").entry == replay.entry
    assert replay.goto("read").entry.path == "fetch#3", "a command without an answer: where it was asked"  # type: ignore[union-attr]
    with pytest.raises(ConfigurationError, match=r"no entry with the path 'fetch#4'. Did you mean"):
        replay.goto("fetch#4")


async def test_a_trace_ends_where_the_code_diverges() -> None:
    @flow(name="counts_up")
    async def before(ctx: Context) -> list[str]:
        found: list[str] = []
        for name in ("a", "b", "c"):
            found.append(await ctx.call(fetch, name))
        return found

    run = before.start()
    await run

    @flow(name="counts_up")
    async def after(ctx: Context) -> list[str]:
        found: list[str] = []
        for name in ("a", "b", "d"):
            found.append(await ctx.call(fetch, name))
        return found

    replay = run.replay(code=after)
    assert list(replay.trace("len(found)")["value"]) == [0, 1]
    assert "recorded was step \"fetch\" with ('c'), the code asked for step \"fetch\" with ('d')" in str(
        replay.divergence
    )
    with pytest.raises(ZeroDivisionError):
        run.replay().trace("1 / 0")


async def test_changes_are_seen_where_a_text_does_not_reach() -> None:
    class Cart:
        def __init__(self) -> None:
            self.items: list[str] = []

    @flow
    async def collects(ctx: Context) -> None:
        text, numbers, cart, nothing = "x" * 500, list(range(100)), Cart(), float("nan")
        table = {"inner": [{"value": 1}] * 20}
        await ctx.call(fetch, "a")
        text += "y"
        await ctx.call(fetch, "b")
        numbers[50] = 0
        await ctx.call(fetch, "c")
        cart.items.append("tea")
        await ctx.call(fetch, "d")
        table["inner"][15] = {"value": 2}
        await ctx.call(fetch, "e")
        del nothing

    run = collects.start()
    await run
    with run.replay() as replay:
        seen = []
        for _ in range(4):
            seen.append(replay.step().changed)
        assert seen == [{"text"}, {"numbers"}, {"cart"}, {"table"}]
        assert (
            replay.locals["cart"] == "<test_changes_are_seen_where_a_text_does_not_reach.<locals>.Cart items=['tea']>"
        )


async def test_a_function_that_calls_itself_has_locals_of_its_own_each_time() -> None:
    async def down(ctx: Context, levels: int) -> int:
        here = levels * 10
        if levels == 0:
            await ctx.call(fetch, "a")
            await ctx.call(fetch, "b")
            return here
        return await down(ctx, levels - 1)

    @flow
    async def recurses(ctx: Context) -> int:
        return await down(ctx, 3)

    run = recurses.start()
    await run
    with run.replay() as replay:
        assert [frame.locals.get("here") for frame in replay.frames] == [None, "30", "20", "10", "0"]
        assert replay.step().changed == set()


async def test_clean_up_code_of_a_dropped_replay_touches_nothing(
    tmp_path: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    refused: list[type[BaseException]] = []

    def try_everything() -> None:
        deeds = [
            victim.unlink,
            lambda: (tmp_path / "new").write_text("x"),
            lambda: os.system(f"touch {tmp_path / 'new'}"),
            lambda: subprocess.run(["touch", tmp_path / "new"], check=False),
            lambda: socket.create_connection(("127.0.0.1", 9)),
            lambda: print("given back"),
            lambda: agnt5.send_event("go on", 1),
        ]
        if sys.version_info >= (3, 12):  # before, Python tells nobody of new threads
            deeds.append(lambda: threading.Thread(target=(tmp_path / "new").write_text, args=("x",)).start())
        for deed in deeds:
            try:
                deed()
            except BaseException as error:
                refused.append(type(error))

    async def lines(ctx: Context) -> AsyncIterator[str]:
        try:
            while True:
                yield await ctx.call(fetch, "a")
        finally:
            try_everything()

    @contextlib.contextmanager
    def lease() -> Iterator[None]:
        try:
            yield
        finally:
            try_everything()

    @flow
    async def careless(ctx: Context) -> None:
        with lease():
            async for _ in lines(ctx):
                await ctx.wait_for_event("go on")

    run = careless.start()
    while len(run.journal) < 2:
        await asyncio.sleep(0.01)
    before = bytes_of(run)
    capfd.readouterr()
    others = set(threading.enumerate())
    for _ in range(3):
        run.replay().step()
    gc.collect()
    run.replay().run_to_end().back().close()
    for thread in set(threading.enumerate()) - others:
        if thread.name == "agnt5-replay":
            thread.join(5)
    expected = 6 if sys.version_info < (3, 12) else 7
    assert len(refused) == expected * 8, "all but the print, in two places, four times"
    assert bytes_of(run) == before
    assert [path.name for path in tmp_path.iterdir()] == ["victim"]
    assert capfd.readouterr() == ("", "")
    run.cancel()
    with pytest.raises(agnt5.RunFailed):
        await run


async def test_a_group_of_errors_shows_where_each_was_raised() -> None:
    async def breaks(ctx: Context, name: str) -> None:
        told = await ctx.call(fetch, name)
        raise ValueError(told)

    @flow
    async def two_break(ctx: Context) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(breaks(ctx, "one"))

    run = two_break.start()
    with pytest.raises(agnt5.RunFailed, match="ExceptionGroup"):
        await run
    with run.replay() as replay:
        replay.run_to_end()
        assert [frame.code for frame in replay.frames] == [
            "async with asyncio.TaskGroup() as group:",
            "raise ValueError(told)",
        ]
        assert replay.locals["told"] == "'<one>'"
        assert replay.eval("told") == "<one>"


async def test_a_flow_that_spun_fails_in_its_replay_as_it_failed() -> None:
    @flow
    async def spins(ctx: Context) -> None:
        await ctx.call(fetch, "a")
        while True:
            await asyncio.sleep(0)

    run = spins.start()
    with pytest.raises(agnt5.RunFailed, match="FlowSpinError"):
        await run
    with run.replay() as replay:
        assert replay.run_to_end().divergence is None
        assert "FlowSpinError" in replay.outcome


async def test_frames_of_ours_are_never_where_the_code_stands() -> None:
    @flow(timeout=0.05)
    async def leaves_one(ctx: Context) -> None:
        left = asyncio.create_task(ctx.sleep(100))
        await ctx.call(fetch, "a")
        await left

    run = leaves_one.start()
    with pytest.raises(agnt5.RunFailed, match="StepTimeout"):
        await run
    with run.replay() as replay:
        assert replay.frame is not None
        assert replay.frame.code == 'await ctx.call(fetch, "a")'
        assert replay.run_to_end().frame is None
        assert replay.outcome.startswith("failed: StepTimeout")


async def test_a_started_run_is_shown_without_what_became_of_it() -> None:
    @flow
    async def below(ctx: Context) -> str:
        return await ctx.wait_for_event("go")

    @flow
    async def starts(ctx: Context) -> str:
        started = await ctx.start(below)
        await ctx.call(fetch, "a")
        return started.id

    run = starts.start()
    child = agnt5.get_run(await run)
    with run.replay() as replay:
        shown = replay.goto(run.journal[0]).locals["started"]
        assert shown == f"<Run {child.id}>"
        assert "waiting" in repr(child)
        agnt5.send_event("go", "on", run=child)
        await child
        assert replay.reset().goto(run.journal[0]).locals["started"] == shown


class Unspeakable:
    def __init__(self, word: str) -> None:
        self.word = word

    def __repr__(self) -> str:
        raise RuntimeError("no words")


@flow
async def waits_for_turns(ctx: Context) -> list[int]:
    lock, turns = asyncio.Lock(), asyncio.Queue[int]()
    await ctx.state.set("numbers", [float("nan"), 1.0])
    await ctx.state.set("table", numpy.arange(3))
    await ctx.state.set("long", list(range(10_000)))
    await ctx.call(fetch, "a")
    await ctx.state.set("table", numpy.arange(4))
    async with lock:
        await turns.put(1)
        await ctx.call(fetch, "b")
    return [turns.get_nowait()]


async def test_positions_look_the_same_in_another_replay_of_the_run() -> None:
    run = waits_for_turns.start()
    await run
    with run.replay() as one, run.replay() as other:
        while not one.at_end:
            one.step()
            other.reset().goto(one.position)
            assert one.frames == other.frames
            assert one.changed == other.changed
        jumped = run.replay().goto("fetch#2")
        assert jumped.changed == set(), "where it stands differs only in what nobody changed"
        jumped.close()


async def test_state_changes_where_what_is_recorded_does() -> None:
    run = waits_for_turns.start()
    await run
    with run.replay() as replay:
        assert [sorted(replay.step().changed) for _ in range(2)] == [["lock", "state.table", "turns"], []]
        assert max(map(len, str(replay.back()).splitlines())) < 300


async def test_what_state_holds_is_told_even_when_it_has_no_words() -> None:
    agnt5.register_type(Unspeakable, encode=lambda one: one.word, decode=Unspeakable)

    @flow
    async def keeps(ctx: Context) -> int:
        await ctx.state.set("odd", Unspeakable("x"))
        return len(await ctx.call(fetch, "a"))

    run = keeps.start()
    await run
    with run.replay() as replay:
        assert "state.odd = <Unspeakable: its __repr__ raised RuntimeError>" in str(replay)
