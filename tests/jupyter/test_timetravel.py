"""What the panels of replays, forks, diffs and memories tell and save, without a browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from ipywidgets import Widget  # pyright: ignore[reportMissingTypeStubs]

import agnt5
from agnt5 import Agent, ConfigurationError, Context, Run, SerializationError, flow
from agnt5.memory import Memory, SemanticMemory, WorkingMemory
from agnt5_jupyter.display.diffpanel import DiffPanel
from agnt5_jupyter.display.family import Family
from agnt5_jupyter.display.forking import Draft, draft, fork, plan
from agnt5_jupyter.display.memorylog import MemoryLog
from agnt5_jupyter.display.memorypanel import MemoryPanel
from agnt5_jupyter.display.panel import Message, Panel
from agnt5_jupyter.display.remembered import kinds_of
from agnt5_jupyter.display.replaypanel import ReplayPanel
from agnt5_jupyter.display.treepanel import TreePanel
from agnt5_jupyter.display.vectormap import plane

BAD = "<img src=x onerror=alert(1)>\x1b[31m"
memory = Memory(working=WorkingMemory(3), semantic=SemanticMemory(embed=None), namespace="shop")


async def price(item: str) -> dict[str, Any]:
    return {"item": item, "price": len(item), "sizes": (1, 2)}


async def priced(ctx: Context, item: str) -> int:
    found = await ctx.call(price, item)
    await ctx.sleep(0.001 * len(item))
    return found["price"]


@flow
async def shop(ctx: Context, items: list[str]) -> int:
    prices = await asyncio.gather(*(priced(ctx, item) for item in items))
    total = sum(prices)
    await ctx.state.set("total", total)
    await memory.working.store("total", total)
    await memory.episodic.remember("sale", {"total": total})
    known = await memory.working.get("total")
    await memory.working.delete("total")
    return known


@pytest.fixture(autouse=True)
def closed_at_the_end() -> Iterator[None]:
    """Widgets are held until they are closed, and with them replays and their threads."""
    yield
    Widget.close_all()


async def sold() -> Run:
    run = shop.start(["tea", "sugar"])
    await run
    return run


class Told:
    """What a panel says, in order."""

    def __init__(self, panel: Panel) -> None:
        self.messages: list[Message] = []
        panel.say = self.messages.append  # type: ignore[method-assign]

    def last(self, tell: str) -> Any:
        message = next(one for one in reversed(self.messages) if one.fields.get("tell") == tell)
        return json.loads(message.buffers[0])


# Replay


async def test_a_position_tells_every_live_frame_and_what_changed_in_each() -> None:
    run = await sold()
    panel = ReplayPanel(run.replay())
    told = Told(panel)
    panel.do_move(1)
    here = told.last("at")
    assert [(frame["function"], frame["task"] != "") for frame in here["frames"]] == [
        ("shop", True),
        ("priced", True),
        ("priced", True),
    ]
    changed = [[name for name, _, is_changed, _ in frame["locals"] if is_changed] for frame in here["frames"]]
    assert changed == [[], ["found"], []], "only the branch that got the answer"
    assert here["current"] == 1
    block = here["blocks"][here["frames"][1]["block"]]
    assert block["lines"][here["frames"][1]["line"] - block["first"]].strip() == "await ctx.sleep(0.001 * len(item))"


async def test_state_and_memory_move_with_the_position() -> None:
    run = await sold()
    panel = ReplayPanel(run.replay())
    told = Told(panel)
    states, held = [], []
    for index in range(len(panel.replay)):
        panel.do_move(index)
        here = told.last("at")
        states.append([(one["name"], one["value"]["line"]) for one in here["state"]])
        held.append([item["line"] for shelf in here["memory"]["shelves"] for item in shelf["items"]])
    assert states == [[]] * 4 + [[("total", "8")]] * 5
    assert held[4:] == [[], ["8"], ["8", "{'total': 8}"], ["8", "{'total': 8}"], ["{'total': 8}"]]
    assert told.last("at")["memory"]["reads"][0]["line"] == "8"


async def test_a_stop_is_for_one_entry_though_others_have_its_name() -> None:
    run = await sold()
    panel = ReplayPanel(run.replay())
    told = Told(panel)
    first = next(entry for _, entry in panel.replay.positions if entry.path == "price")
    panel.do_stop(first.seq, True)
    assert told.last("at")["stops"] == {"names": [f"price (entry {first.seq})"], "places": [1]}
    panel.do_run()
    panel.do_run()
    assert panel.replay.at_end, "price#2 is passed"
    panel.do_clear(f"price (entry {first.seq})")
    assert told.last("at")["stops"]["names"] == []


@pytest.mark.parametrize(
    "value", [None, [1, (2, 3)], {"when": datetime(2026, 1, 2, tzinfo=UTC)}, Decimal("1.20"), b"\x00\xff", "\u202e<b>"]
)
async def test_an_answer_goes_through_the_editor_unchanged(value: Any) -> None:
    async def give() -> Any:
        return value

    @flow
    async def gives(ctx: Context) -> None:
        await ctx.call(give)

    run = gives.start()
    await run
    entry = run.journal[0]
    assert entry.to_json().replace("\n", "").isprintable()
    assert entry.from_json(entry.to_json()) == value
    assert type(entry.from_json(entry.to_json())) is type(value)
    with pytest.raises(SerializationError):
        entry.from_json("{")


async def test_a_fork_is_planned_before_it_is_made() -> None:
    run = await sold()
    replay = run.replay().step()
    found = draft(replay)
    assert (found["path"], found["changes"]) == ("price", ["answer", "fail", "nothing"])
    edited = Draft("answer", found["text"].replace('"price": 3', '"price": 50'))
    planned = plan(replay, edited)
    assert planned["commands"][0] == ("given", "step", "price")
    assert len(agnt5.runs()) == 1, "a plan makes nothing"
    made = fork(replay, edited)
    assert await made == 55
    assert await fork(replay.reset(), Draft("input", '[[["cocoa"]], {}]')) == 5
    with pytest.raises(ConfigurationError, match="step to one"):
        plan(replay, Draft("answer", "1"))


async def test_a_credential_is_not_shown_to_be_edited() -> None:
    async def login() -> str:
        return "sk-ant-api03-" + "a" * 60

    @flow
    async def logs_in(ctx: Context) -> None:
        await ctx.call(login)

    run = logs_in.start()
    await run
    found = draft(run.replay().step())
    assert found["text"] == ""
    assert "credential" in found["why"]


# Tree, diff


async def test_a_family_tells_where_each_was_cut_and_what_was_changed() -> None:
    run = await sold()
    one = run.fork(outputs={"price#2": {"price": 1}})
    await one
    two = one.fork(fail={"memory.working.get": KeyError("gone")})
    with pytest.raises(agnt5.RunFailed):
        await two
    again = run.rerun(input=(["tea", "rice"],))
    await again
    found = Family(two).members()
    assert [(member.id, member.depth, member.how) for member in found] == [
        (run.id, 0, ""),
        (one.id, 1, "fork"),
        (two.id, 2, "fork"),
        (again.id, 1, "rerun"),
    ]
    assert found[1].cut == one.cut > 0 == again.cut
    assert found[1].changed == ["price#2 given"]
    assert found[2].changed[0] == "memory.working.get fails"
    assert found[3].changed[0] == "another input"
    assert "└ " + one.id in TreePanel(run).page().text


async def test_a_diff_opens_where_the_runs_part() -> None:
    run = await sold()
    other = run.fork(outputs={"price": {"item": "tea", "price": 9}})
    await other
    panel = DiffPanel(run.diff(other))
    message = panel.first()
    kinds = message.buffers[1]
    first = next(row for row, code in enumerate(kinds) if code)
    detail = json.loads(panel.ask_detail(first).buffers[0])
    assert detail["path"] == "price"
    assert ("output['price']", "3", "9") in [(one["path"], one["old"], one["new"]) for one in detail["changes"]]
    assert "≠ other answer" in panel.page().text


# Memory


async def test_a_memory_tells_its_kinds_and_finds_facts() -> None:
    for fact in ("Ada deploys on Fridays", "the cafeteria is closed"):
        await memory.semantic.add(fact)
    for nth in range(5):
        await memory.working.store(f"key {nth}", {"nth": nth})
    panel = MemoryPanel(memory)
    kinds = {one["kind"]: one for one in panel.first().fields["kinds"]}
    assert (kinds["working"]["count"], kinds["working"]["capacity"], kinds["working"]["trimmed"]) == (3, 3, 2)
    entries = json.loads(panel.ask_kind("working").buffers[0])["items"]
    assert [one["name"] for one in entries] == ["key 4", "key 3", "key 2"]
    inner = json.loads(panel.ask_value(entries[0]["id"], []).buffers[0])
    assert inner["children"][0][1]["line"] == "4"
    assert json.loads(panel.ask_search("who deploys?").buffers[0])[0]["name"] == "Ada deploys on Fridays"
    assert "words only" in json.loads(panel.ask_map().buffers[0])["why"]


async def test_episodes_come_in_pages() -> None:
    for nth in range(70):
        await memory.episodic.remember("turn", nth)
    panel = MemoryPanel(memory.episodic)
    page = json.loads(panel.ask_kind("episodic").buffers[0])
    rest = json.loads(panel.ask_more("episodic", page["next"]).buffers[0])
    lines = [one["value"]["line"] for one in (*page["items"], *rest["items"])]
    assert lines == [str(nth) for nth in reversed(range(70))]
    assert rest["next"] == 0


def test_what_has_no_memory_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="memory=True"):
        kinds_of(Agent("forgetful"))
    with pytest.raises(ConfigurationError, match="no memory"):
        kinds_of(3)
    assert [*kinds_of(Agent("keeper", memory=memory))] == ["working", "episodic", "semantic", "procedural"]


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_a_map_has_a_point_for_every_vector_and_stays_within_its_edges(count: int) -> None:
    vectors = [[float((nth * 7 + axis * 3) % 5) for axis in range(6)] for nth in range(count)]
    points, share = plane(vectors)
    assert len(points) == count
    assert all(-1 <= x <= 1 and -1 <= y <= 1 for x, y in points)
    assert 0 <= share <= 1 + 1e-9
    assert plane(vectors)[0] == points


# All


async def test_static_pages_hold_hostile_text_as_text() -> None:
    @flow(name=BAD)
    async def hostile(ctx: Context, text: str) -> Any:
        await ctx.state.set(text, text)
        return await ctx.call(price, text, name=text)

    one, two = hostile.start(BAD), hostile.start(BAD + "!")
    await one
    await two
    await memory.working.store(BAD, BAD)
    await memory.procedural.learn("<b>brew</b>", [BAD])
    panels = [ReplayPanel(one.replay().run_to_end()), DiffPanel(one.diff(two)), TreePanel(one), MemoryPanel(memory)]
    for panel in panels:
        html, text = panel.page()
        assert "&lt;img" in html
        assert "onerror" in text
        assert not [mark for mark in ("<img", "<b>", "\x1b") if mark in html]
        assert "\x1b" not in text


async def test_an_error_of_a_word_is_its_answer() -> None:
    run = await sold()
    panel = ReplayPanel(run.replay())
    told = Told(panel)
    panel._hear(None, {"do": "juggle", "id": "a1"}, [])  # pyright: ignore[reportPrivateUsage]
    assert told.messages[-1].fields["answer"] == "a1"
    assert "juggle" in told.messages[-1].fields["error"]
    panel._hear(None, {"ask": "plan", "id": "a2", "change": {"how": "answer", "text": "{"}}, [])  # pyright: ignore[reportPrivateUsage]
    panel.close()


async def test_a_log_of_memories_knows_only_what_was_done() -> None:
    run = await sold()
    log = MemoryLog(run.journal)
    assert len(log) == 4
    assert log.at(0)["count"] == 0
    assert log.at(10_000)["count"] == 4
