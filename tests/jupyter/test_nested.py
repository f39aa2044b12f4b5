"""A run's panel and page with what belongs to it: runs below, what a fork was given, who drives it, what is said."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
from typing import Any

import pytest

import agnt5
from agnt5 import Streamed, flow, function
from agnt5.llm import Delta
from agnt5_jupyter.display import nested as nesting
from agnt5_jupyter.display.columns import GIVEN, SHARED, STATES
from agnt5_jupyter.display.nested import Nested
from agnt5_jupyter.display.panel import Message
from agnt5_jupyter.display.runpanel import RunPanel
from agnt5_jupyter.display.streams import Piece, Spoken, Streams
from panels import Said, ask, listening, until


def note(word: Any) -> Any:
    return {"word": word}


@flow
async def nested_leaf(ctx: Any, word: str) -> str:
    await ctx.call(note, word)
    if word == "wait":
        await ctx.wait_for_event("go")
    return word


@flow
async def nested_middle(ctx: Any, word: str) -> str:
    await ctx.call(note, "in the middle")
    return await ctx.call(nested_leaf, word)


@flow
async def nested_top(ctx: Any, word: str) -> list[str]:
    run = nested_leaf.start("started")
    return [await ctx.call(nested_middle, word), await run, (await ctx.call(note, "last"))["word"]]


TREE = [
    (0, "start", "nested_leaf"),
    (1, "step", "note"),
    (0, "child", "nested_middle"),
    (1, "step", "note"),
    (1, "child", "nested_leaf"),
    (2, "step", "note"),
    (0, "join", "join"),
    (0, "step", "note"),
]


def tree_of(nested: Nested) -> list[tuple[int, str, str]]:
    return [(row.depth, row.kind, row.name) for row in nested.ordered()]


def columns(message: Message) -> list[tuple[int, int, float, float, int]]:
    """seq, scope, began, took and flags of each row of a piece of an index."""
    count, data = message.fields["count"], message.buffers[0]
    whole = struct.unpack(f"={3 * count}I{2 * count}f{4 * count}B", data)
    at = [whole[start * count : (start + 1) * count] for start in range(9)]
    return list(zip(at[0], at[1], at[3], at[4], at[6], strict=True))


def test_steps_of_runs_below_nest_while_they_run_and_after() -> None:
    run = nested_top.start("wait")
    panel = RunPanel(run)
    said = listening(panel)
    until(lambda: len(panel.nested.entries) == 7)
    assert [row[:2] for row in tree_of(panel.nested)][:6] == [row[:2] for row in TREE][:6]
    deepest = [row for row in panel.nested.ordered() if row.depth == 2]
    assert [row.kind for row in deepest] == ["step", "event"]
    (waiting,) = (row for row in panel.nested.ordered() if row.kind == "event")
    agnt5.send_event("go", run=panel.nested.entry(waiting.scope).child_id)
    assert run.result() == ["wait", "started", "last"]
    until(lambda: said.told("head") and said.told("head")[-1].fields["head"]["status"] == "completed")
    assert all(one.fields["count"] <= 250 for one in said.told("rows"))
    later = RunPanel(run)
    quiet = listening(later)
    index = columns(ask(later, quiet, ask="index"))
    keys = [key for key, *_ in index]
    assert len({*keys}) == len(keys) == 9
    assert sum(key >= 1 << 31 for key in keys) == 5
    below = next(key for key, scope, *_ in index if scope >= 1 << 31)
    detail = json.loads(ask(later, quiet, ask="detail", seq=below).buffers[0])
    assert (detail["seq"], detail["number"], detail["input"]["line"]) == (below, 1, "('wait')")
    assert detail["run"] != run.id


def test_the_page_tells_runs_below_too() -> None:
    run = nested_top.start("fine")
    run.result()
    panel = RunPanel(run)
    assert tree_of(panel.nested) == TREE
    text = panel.page().text
    assert text.count("note") == 4
    assert "· · note" in text


@flow
async def nested_many(ctx: Any, count: int) -> int:
    for number in range(count):
        await ctx.call(nested_leaf, str(number))
    return count


def test_many_runs_below_are_shown_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nesting, "AT_FIRST", 3)
    run = nested_many.start(5)
    run.result()
    panel = RunPanel(run)
    said = listening(panel)
    assert len(panel.nested.entries) == 5 + 3
    made = [row for row in panel.nested.entries if row.kind == "child"]
    last = made[4]
    assert ask(panel, said, ask="open", seq=last.seq).fields["opened"] is True
    until(lambda: said.told("rows"))
    assert columns_told(said) == [(1 << 31) + 3]
    assert ask(panel, said, ask="open", seq=last.seq).fields["opened"] is False
    step = next(row for row in panel.nested.entries if row.kind == "step")
    assert ask(panel, said, ask="open", seq=step.seq).fields["opened"] is False
    agnt5.get_run(made[3].child_id).delete()
    assert "No run" in ask(panel, said, ask="open", seq=made[3].seq).fields["error"]


def columns_told(said: Said) -> list[int]:
    """Seqs of rows that were told by themselves."""
    found: list[int] = []
    for one in said.told("rows"):
        count = one.fields["count"]
        found += struct.unpack_from(f"={count}I", one.buffers[0], 0 if "first" in one.fields else 4 * count)
    return found


def test_states_leave_room_for_what_stands_beside_them() -> None:
    assert len(STATES) <= SHARED


def test_what_a_fork_was_given_took_no_time_of_it() -> None:
    @flow
    async def nested_forked(ctx: Any) -> list[Any]:
        first = await ctx.call(note, "a")
        await ctx.sleep(0.2)
        second = await ctx.call(note, "b")
        return [first, second, await ctx.call(note, "c")]

    run = nested_forked.start()
    run.result()
    fork = run.fork(outputs={"note#2": "other"})
    fork.result()
    panel = RunPanel(fork)
    rows = columns(ask(panel, listening(panel), ask="index"))
    flags = [row[4] & (SHARED | GIVEN) for row in rows]
    assert flags[:2] == [SHARED, SHARED]
    assert flags[2] & GIVEN
    assert flags[3] == 0
    span = panel.trace.ended - panel.trace.created
    assert span < 0.2, "the fork did not sleep"
    assert all(0 <= began <= began + took <= span + 0.001 for _, _, began, took, _ in rows)
    shown = [line.split()[-1] for line in panel.page().text.splitlines() if "note" in line or "sleep" in line]
    assert shown[:3] == ["shared", "shared", "given"]


LEFT = """
import agnt5, sys
@agnt5.flow
async def nested_left(ctx):
    await ctx.call(print, "begun", flush=True)
    return await ctx.wait_for_event("go")
nested_left.start(run_id="r_left").result()
"""


def test_a_run_that_nobody_drives_says_so_and_how_it_goes_on() -> None:
    store = agnt5.settings()
    place = {"AGNT5_HOME": str(store.home), "AGNT5_STORE": store.store}
    other = subprocess.Popen([sys.executable, "-c", LEFT], env={**os.environ, **place}, stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        other.stdout.readline()
        panel = RunPanel(agnt5.get_run("r_left"))
        said = listening(panel)
        until(lambda: said.told("head") and not said.told("head")[-1].fields["head"]["interrupted"])
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        until(lambda: said.told("head")[-1].fields["head"]["interrupted"])
        page = panel.printed()
        assert "interrupted  r_left" in page.text
        assert "%agnt5 resume r_left" in page.text
        assert "%agnt5 resume r_left" in page.html
        assert agnt5.get_run("r_left").cancel()
        until(lambda: said.told("head")[-1].fields["head"]["status"] == "cancelled")
        assert "resume" not in panel.printed().text
    finally:
        other.kill()
        other.communicate()


@function
async def nested_says(ctx: Any) -> str:
    ctx.emit(Streamed("says", Delta(text="first ")))
    ctx.emit(Streamed("says", Delta(text="words")))
    return "said"


@flow
async def nested_speaks(ctx: Any) -> str:
    await ctx.call(nested_says)
    return await ctx.wait_for_event("go")


def test_what_was_said_before_a_panel_was_there_is_shown() -> None:
    run = nested_speaks.start()
    until(lambda: run.status == "waiting")
    panel = RunPanel(run)
    said = listening(panel)
    until(lambda: said.told("answer"))
    assert (said.told("answer")[0].fields["text"], said.told("answer")[0].fields["begins"]) == ("first words", True)
    assert ask(panel, said, ask="hello").fields["spoken"] == "first words"
    run.cancel()


def test_of_answers_that_are_given_at_once_one_is_shown_until_it_is_silent() -> None:
    now = 10.0
    spoken = Spoken(lambda: now)
    one, two = ("r1", "chat"), ("r2", "chat")
    assert spoken.take([Piece(one, "a", False)]) == ("a", True)
    assert spoken.take([Piece(two, "x", False), Piece(one, "b", False), Piece(two, "y", False)]) == ("b", False)
    assert spoken.take([Piece(two, "z", False)]) == ("", False)
    now = 12.0
    assert spoken.take([Piece(two, "!", False)]) == ("xyz!", True)
    assert spoken.text == "xyz!"
    assert spoken.take([Piece(two, "again", True)]) == ("again", True)


def test_streams_keep_answers_that_nobody_takes_within_bounds() -> None:
    streams = Streams()
    for number in range(500):
        streams.hear(f"r{number}", Streamed("chat", Delta(text="a")))
    assert streams.take({"r1"}) == []
    assert streams.take({"r499", "r498"}) == [Piece((f"r{n}", "chat"), "a", False) for n in (498, 499)]
    assert streams.take({"r499"}) == []
