"""Replays: every position of a recorded run, forwards and backwards, and nothing happens while one looks."""

from __future__ import annotations

import asyncio
import gc
import re
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agnt5
from agnt5 import ConfigurationError, Context, DivergenceError, flow, function
from agnt5.replay.replay import Replay
from replay.corpus import CORPUS, executed, fetch, research
from replay.playing import both_ways, bytes_of, record, sight


@pytest.mark.parametrize("name", CORPUS)
async def test_a_replay_looks_the_same_whichever_way_it_is_walked(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    run = await record(CORPUS[name])
    before = bytes_of(run)
    executed.clear()
    capfd.readouterr()
    with run.replay() as replay:
        jump_around(replay, both_ways(replay))
    assert set(executed) <= {"finally"}, "no body ran"
    assert bytes_of(run) == before
    assert capfd.readouterr() == ("", "")
    assert len(agnt5.runs(limit=1000)) == len({one.id for one in agnt5.runs(limit=1000)})


def jump_around(replay: Replay, forwards: list[tuple[Any, ...]]) -> None:
    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.integers(-3, forwards[-1][1] + 3), max_size=6))
    def check(places: list[int]) -> None:
        for place in places:
            replay.goto(place)
            assert sight(replay) == forwards[index_of(replay, place)]

    check()


def index_of(replay: Replay, number: int) -> int:
    """Which position a number means: where the entry of this number was answered, else the last one not after it."""
    for index, (_, entry) in enumerate(replay.positions):
        if index and entry.seq == number:
            return index
    return max(index for index, (seq, _) in enumerate(replay.positions) if seq <= max(number, 0))


@pytest.mark.parametrize("name", CORPUS)
async def test_a_number_an_entry_and_its_path_mean_the_same_place(name: str) -> None:
    run = await record(CORPUS[name])
    with run.replay() as replay:
        paths = [entry.path for entry in run.journal]
        for place, entry in enumerate(run.journal):
            there = replay.goto(entry.seq).index
            assert replay.reset().goto(entry).index == there
            if entry.path and paths.index(entry.path) == place:
                assert replay.reset().goto(entry.path).index == there
            if entry.answered and entry.answered in [seq for seq, _ in replay.positions]:
                assert replay.entry is not None
                assert (replay.entry.seq, replay.position) == (entry.seq, entry.answered)
            else:
                assert replay.position <= entry.seq, "where it was asked"
        for index in range(len(replay)):
            position = replay.reset().step(index).position
            assert replay.goto(position).index == index, "a position is a number too"
            shown = re.search(r"after entry (\d+)", repr(replay))
            assert replay.reset().goto(int(shown[1]) if shown else 0).index == index, "what is printed can be typed"
        assert replay.goto(len(run.journal.stored) + 7).at_end
        assert replay.goto(-7).index == 0


async def test_functions_are_stepped_over_by_the_numbers_of_their_entries() -> None:
    run = research.start("bees")
    await run
    with run.replay() as replay:
        assert len(replay) > 1
        for entry in run.journal:
            assert replay.goto(entry.seq).entry == replay.goto(entry).entry
            assert replay.position == entry.answered


async def test_a_trace_names_entries_by_their_own_numbers() -> None:
    run = reads.start(["a", "bcd"])
    await run
    with run.replay() as replay:
        table = replay.trace("len(lengths)")
        for seq, path, value in zip(table["seq"], table["path"], table["value"], strict=True):
            replay.goto(seq)
            assert replay.entry is None or (replay.entry.seq, replay.entry.path) == (seq, path)
            if value is not None:
                assert replay.eval("len(lengths)") == value
        assert list(table["seq"]) == [0, *(run.journal.find(path).seq for path in table["path"][1:])]


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
    with pytest.raises(NameError, match="'lenths' exist at none of the"):
        replay.trace("lenths")
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
    others = set(threading.enumerate())
    for _ in range(5):
        run.replay().step()
    gc.collect()
    run.replay().step().back().close()
    for thread in set(threading.enumerate()) - others:
        if thread.name == "agnt5-replay":
            thread.join(5)
    left = set(threading.enumerate()) - others
    assert not [thread for thread in left if thread.name == "agnt5-replay"]
    assert executed == []
    assert capfd.readouterr() == ("", "")
