"""Recorded source that is compiled for a replay stays apart: nobody else finds it, nor loses anything."""

from __future__ import annotations

import importlib
import linecache
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import agnt5
from agnt5 import Context, flow, registry
from agnt5.execution.code import PYTHON
from agnt5.replay.source import constants_in, functions_in
from replay.fingerprinting import package

seen: list[Any] = []
names: list[str] = []


def elsewhere(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def looked_at(component: Any) -> Any:
    """A decorator that lets another thread look a component up, and define one, at the moment of definition."""

    def look() -> None:
        seen.append(registry.find("parcel"))
        names.append(f"defined meanwhile, {len(names)}")

        @flow(name=names[-1])
        async def meanwhile(ctx: Context) -> None:
            """Another cell."""

    elsewhere(look)
    return component


def weigh(item: str) -> int:
    return len(item)


@looked_at
@flow
async def parcel(ctx: Context, item: str) -> int:
    return await ctx.call(weigh, item)


def test_others_find_the_code_of_now_while_recorded_source_is_compiled() -> None:
    run = parcel.start("lamp")
    assert run.result() == 4

    @flow(name="parcel")
    async def now(ctx: Context, item: str) -> int:
        return 2 * await ctx.call(weigh, item)

    seen.clear()
    assert run.replay(code="recorded").run_to_end().divergence is None
    assert seen == [now]
    assert registry.find("parcel") is now
    assert registry.find(names[-1]) is not None, "what another thread defines meanwhile is kept"


RATE = 2


@flow
async def leaf(ctx: Context, item: str) -> int:
    return RATE * await ctx.call(weigh, item)


@flow
async def starts_one(ctx: Context, item: str) -> int:
    begun = leaf.start(item)
    return await begun


@flow
async def branch(ctx: Context, item: str) -> list[int]:
    return [await ctx.call(leaf, item), await ctx.call(starts_one, item)]


@flow
async def hands_over(ctx: Context, item: str) -> Any:
    if item:
        await ctx.continue_as(item[1:])
    return await ctx.call(weigh, item)


def test_runs_that_runs_make_record_their_code(monkeypatch: pytest.MonkeyPatch) -> None:
    run = branch.start("tea")
    assert run.result() == [6, 6]
    last = hands_over.start("ab")
    assert last.result() == 0
    made = [one for one in agnt5.runs() if one.id not in (run.id, last.id)]
    assert sorted(one.component for one in made) == ["hands_over", "hands_over", "leaf", "leaf", "starts_one"]
    monkeypatch.setitem(globals(), "RATE", 3)
    for one in made:
        started = one.journal.stored[0]
        assert started.python == PYTHON
        assert started.code_digest
        assert f"async def {one.component}(" in functions_in(started.code)[0]["source"]
        assert one.replay(code="recorded").run_to_end().divergence is None
    for child in (one for one in made if one.component == "leaf"):
        assert child.replay(code="recorded").run_to_end().outcome == "completed: 6"
        assert [str(one) for one in constants_in(child.journal.stored[0].code)] == ["RATE = 2"]
    kept = [one.journal for one in made]
    for one in made:
        one.delete()
    assert kept[0].stored[0].code, "what was read is kept"
    assert run.journal.stored[0].code


def test_what_many_children_run_is_stored_once() -> None:
    @flow
    async def many(ctx: Context) -> int:
        return sum(await ctx.spawn([(leaf, "tea")] * 50))

    assert many.run_sync() == 300
    database = agnt5.settings().store_directory / "journal.db"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as looking:
        blobs, refs = (
            looking.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("blobs", "blob_refs")
        )
    assert (blobs, refs) == (1, 50)


SHOP = """
from contextlib import asynccontextmanager
from agnt5 import flow, Context
from my_shop.words import Label, told as said

def weigh(item): return len(item)
def load(item): return f"a {item}"

@asynccontextmanager
async def opened(ctx):
    yield await ctx.call(weigh, "door")
    await ctx.call(weigh, "closed")

@flow
async def shop_of_two_modules(ctx: Context, item: str) -> int:
    async with opened(ctx) as first:
        return first + await ctx.call(weigh, said(Label().shown(load(item))))
"""
WORDS = """
import re
LIMIT = 3
def load(item): return f"the {item}"
def told(item): return re.sub("a", "i", load(item)) * LIMIT
class Quiet:
    def word(self, text): return text.lower()
class Label(Quiet):
    most = 2
    def shown(self, text): return self.word(text)[:self.most]
"""


@pytest.mark.parametrize(
    ("module", "edit", "name"),
    [
        ("words", ("the {item}", "some {item}"), "load"),
        ("words", ("LIMIT = 3", "LIMIT = 13"), "LIMIT"),
        ("words", ('"i", load', '"oo", load'), "told"),
        ("words", ("most = 2", "most = 12"), "Label"),
        ("words", ("text.lower()", "text.upper().strip()"), "Quiet"),
        ("__init__", ("a {item}", "one {item}"), "load"),
        ("__init__", ('"closed"', '"shut"'), "opened"),
    ],
)
def test_recorded_source_runs_in_the_modules_that_it_came_from(
    module: str, edit: tuple[str, str], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = package(tmp_path, "my_shop", WORDS, SHOP)
    shop = importlib.import_module("my_shop")
    try:
        run = shop.shop_of_two_modules.start("lamp")
        ended = run.result()
        file = made / f"{module}.py"
        file.write_text(file.read_text().replace(*edit))
        linecache.checkcache()
        for one in ("my_shop.words", "my_shop"):
            importlib.reload(sys.modules[one])
        assert run.replay().run_to_end().divergence is not None
        replay = run.replay(code="recorded").run_to_end()
        assert (replay.divergence, replay.outcome) == (None, f"completed: {ended}")
        fork = run.fork(at=0, code="recorded")
        assert fork.result() == ended
        again = run.rerun()
        again.result()
        assert f"--- {name} in {run.id}" in run.diff(again).code
        assert sys.modules["my_shop"].said is sys.modules["my_shop.words"].told, "the modules of today stay as they are"
    finally:
        for one in ("my_shop", "my_shop.words"):
            sys.modules.pop(one, None)
