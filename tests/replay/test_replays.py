"""Replays: every position of a recorded run, forwards and backwards, and nothing happens while one looks."""

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

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agnt5
from agnt5 import ConfigurationError, Context, DivergenceError, Run, flow, function
from agnt5.replay.replay import Replay
from replay.corpus import CORPUS, executed, fetch
from replay.playing import record


def sight(replay: Replay) -> tuple[Any, ...]:
    """All that a person sees at a position."""
    frames = [(frame.task, frame.function, frame.line, sorted(frame.locals.items())) for frame in replay.frames]
    return replay.index, replay.position, frames, replay.state, sorted(replay.changed), replay.source


def bytes_of(run: Run) -> list[bytes]:
    return [
        bytes(one.payload) + bytes(one.input) + str((one.seq, one.at, one.body)).encode() for one in run.journal.stored
    ]


@pytest.mark.parametrize("name", CORPUS)
async def test_a_replay_looks_the_same_whichever_way_it_is_walked(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    run = await record(CORPUS[name])
    before = bytes_of(run)
    executed.clear()
    capfd.readouterr()
    with run.replay() as replay:
        forwards = [sight(replay)]
        while not replay.at_end:
            forwards.append(sight(replay.step()))
        assert replay.divergence is None
        assert len(forwards) == len(replay)
        backwards = [sight(replay)]
        while replay.index:
            backwards.append(sight(replay.back()))
        assert backwards[::-1] == forwards
        jump_around(replay, forwards)
    assert set(executed) <= {"finally"}, "no body ran"
    assert bytes_of(run) == before
    assert capfd.readouterr() == ("", "")
    assert len(agnt5.runs(limit=1000)) == len({one.id for one in agnt5.runs(limit=1000)})


def jump_around(replay: Replay, forwards: list[tuple[Any, ...]]) -> None:
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(st.integers(-3, forwards[-1][1] + 3), max_size=6))
    def check(places: list[int]) -> None:
        for place in places:
            replay.goto(place)
            expected = max((one for one in forwards if one[1] <= max(place, 0)), key=lambda one: one[1])
            assert sight(replay) == expected

    check()


async def notes(ctx: Context, names: list[str]) -> AsyncIterator[str]:
    for name in names:
        note = await ctx.call(fetch, name)
        yield note


@flow
async def reads(ctx: Context, names: list[str]) -> dict[str, int]:
    lengths: dict[str, int] = {}
    async for note in notes(ctx, names):
        lengths[note] = len(note)
    await ctx.state.set("read", len(lengths))
    await ctx.sleep(0.001)
    return lengths


async def test_line_locals_state_and_changes_are_those_of_the_position() -> None:
    run = reads.start(["a", "bcd"])
    await run
    replay = run.replay()
    assert [frame.function for frame in replay.frames] == ["reads", "notes"], "an async generator hides nobody"
    assert replay.frame is not None
    assert replay.frame.code == "note = await ctx.call(fetch, name)"
    assert replay.locals["name"] == "'a'"
    assert replay.entry is None
    replay.step()
    assert replay.entry is not None
    assert replay.entry.path == "fetch"
    assert replay.locals == {"ctx": replay.locals["ctx"], "names": "['a', 'bcd']", "name": "'bcd'", "note": "'<a>'"}
    assert replay.frames[0].locals["lengths"] == "{'<a>': 3}"
    assert replay.changed == {"name", "note", "lengths"}
    assert "→" in replay.source
    replay.step()
    assert replay.state == {"read": 2}
    assert "state.read" in replay.changed
    replay.run_to_end()
    assert replay.frames == ()
    assert replay.step().step().at_end
    assert replay.reset().back(5).index == 0


async def test_breakpoints_and_questions_stop_a_replay() -> None:
    run = reads.start(["a", "b", "c"])
    await run
    replay = run.replay()
    replay.breakpoints.add("fetch#2")
    replay.breakpoints.add(lambda entry: entry.kind == "sleep")
    assert replay.run_to_end().entry.path == "fetch#2"  # type: ignore[union-attr]
    assert replay.run_to_end().entry.kind == "sleep"  # type: ignore[union-attr]
    replay.reset().breakpoints.clear()
    assert replay.goto(lambda entry: entry.output == "<c>").entry.path == "fetch#3"  # type: ignore[union-attr]
    assert replay.run_to_end().at_end
    with pytest.raises(ConfigurationError, match="a function of an entry"):
        replay.breakpoints.add(3)  # type: ignore[arg-type]


async def test_expressions_are_evaluated_where_one_stands() -> None:
    run = reads.start(["a", "bcd"])
    await run
    replay = run.replay().step()
    assert replay.eval("name.upper()") == "BCD"
    assert replay.eval("lengths") == {"<a>": 3}, "outer frames are asked as well"
    with pytest.raises(NameError):
        replay.eval("nobody")
    frame = replay.trace("dict(lengths)")
    assert list(frame["value"]) == [{}, {"<a>": 3}, {"<a>": 3, "<bcd>": 5}, None]
    assert list(frame["path"]) == ["", "fetch", "fetch#2", "sleep"]
    assert list(replay.trace("lengths")["value"])[:2] == [{}, {"<a>": 3}], "each is kept as it was"


class Rude:
    asked = 0

    def __repr__(self) -> str:
        Rude.asked += 1
        raise OSError("no")


async def test_any_value_can_be_looked_at() -> None:
    @flow
    async def strange(ctx: Context) -> None:
        rude = Rude()
        both = [rude, rude]
        cycle: list[Any] = []
        cycle.append(cycle)
        deep: list[Any] = []
        for _ in range(10_000):
            deep = [deep]
        huge, long, plain = 10**5000, "x" * 10_000, object()
        await ctx.call(fetch, "x")
        del rude, both, cycle, deep, huge, long, plain

    run = strange.start()
    await run
    Rude.asked = 0
    found = run.replay().locals
    assert Rude.asked == 1, "once, although it is there three times"
    assert found["rude"] == "<Rude: its __repr__ raised OSError>"
    assert found["cycle"] == "[...]"
    assert found["plain"] == "<object>"
    assert found["huge"].startswith("<int of")
    assert len(found["long"]) == 200
    assert len(found["deep"]) < 200


async def test_a_running_run_is_replayed_as_far_as_it_is() -> None:
    @flow
    async def waits(ctx: Context) -> str:
        first = await ctx.call(fetch, "a")
        return first + await ctx.wait_for_event("go on")

    run = waits.start()
    while len(run.journal) < 2:
        await asyncio.sleep(0.01)
    replay = run.replay().run_to_end()
    assert replay.locals["first"] == "'<a>'"
    assert replay.divergence is None
    agnt5.send_event("go on", "!")
    assert await run == "<a>!"
    assert run.replay().run_to_end().index == 2


async def test_functions_are_stepped_over_without_their_code() -> None:
    @function
    async def gathers_notes(ctx: Context) -> str:
        return await ctx.call(fetch, "a") + await ctx.call(fetch, "b")

    run = gathers_notes.start()
    await run
    executed.clear()
    replay = run.replay()
    assert len(replay) == 3
    assert replay.step().entry.path == "fetch"  # type: ignore[union-attr]
    assert replay.frames == ()
    assert "its body may do I/O" in replay.source
    assert executed == []
    with pytest.raises(ConfigurationError, match="no code to evaluate"):
        replay.eval("1")


async def test_changed_code_diverges_where_it_asks_otherwise_and_the_rest_stays() -> None:
    @flow
    async def changes(ctx: Context) -> str:
        first = await ctx.call(fetch, "a")
        return await ctx.call(fetch, first)

    run = changes.start()
    await run
    old = run.replay()

    @flow(name="changes")
    async def otherwise(ctx: Context) -> str:
        first = await ctx.call(fetch, "a")
        return await ctx.call(str.upper, first)

    replay = run.replay().run_to_end()
    assert isinstance(replay.divergence, DivergenceError)
    assert replay.index == 0, "the answer after which the code asked otherwise is not a position"
    assert 'recorded was step "fetch"' in str(replay.divergence)
    assert 'the code asked for step "upper"' in str(replay.divergence)
    assert "test_replays.py" in str(replay.divergence)
    assert replay.locals["ctx"]
    assert old.run_to_end().divergence is None
    assert run.replay(code=otherwise).step().divergence is not None


@flow
async def kept_as_it_was(ctx: Context) -> str:
    first = await ctx.call(fetch, "a")
    return await ctx.call(fetch, first)


async def test_recorded_code_runs_on_the_caller_s_word() -> None:
    run = kept_as_it_was.start()
    await run

    @flow(name="kept_as_it_was")
    async def _(ctx: Context) -> str:
        return await ctx.call(fetch, "z")

    assert run.replay().divergence is not None
    recorded = run.replay(code="recorded").step()
    assert recorded.divergence is None
    assert recorded.frame is not None
    assert recorded.frame.code == "return await ctx.call(fetch, first)"
    with pytest.raises(ConfigurationError, match='or "recorded"'):
        run.replay(code="older")


async def test_letting_go_leaks_nothing_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    @flow
    async def careful(ctx: Context) -> None:
        try:
            await ctx.call(fetch, "a")
            await ctx.sleep(0.001)
        finally:
            print("given back")
            await ctx.call(fetch, "back")

    run = careful.start()
    await run
    executed.clear()
    capfd.readouterr()
    for _ in range(5):
        run.replay().step()
    gc.collect()
    run.replay().step().back().close()
    for thread in threading.enumerate():
        if thread.name == "agnt5-replay":
            thread.join(5)
    assert not [thread for thread in threading.enumerate() if thread.name == "agnt5-replay"]
    assert executed == []
    assert capfd.readouterr() == ("", "")


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
    async def writes(ctx: Context, path: str) -> None:
        await ctx.call(fetch, "a")
        with open(path, "w") as file:
            file.write("x")

    run = writes.start(str(tmp_path / "file"))
    with pytest.raises(agnt5.RunFailed, match="FlowIOError"):
        await run
    with run.replay() as replay:
        assert replay.run_to_end().index == 1
        assert replay.divergence is None
        assert replay.frame is not None
        assert replay.frame.code == 'with open(path, "w") as file:'
        assert "FlowIOError" in replay.outcome
    assert agnt5.check(writes).ok, "it fails as it failed"
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
    run = reads.start(["a", "bcd"])
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
    run = reads.start(["a", "b", "c"])
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
    for _ in range(3):
        run.replay().step()
    gc.collect()
    run.replay().run_to_end().back().close()
    for thread in threading.enumerate():
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
