"""Following a run while it grows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import agnt5
from agnt5 import Context, Feed, flow
from agnt5.llm import ScriptedLLM


async def test_a_feed_tells_only_what_is_new() -> None:
    @flow
    async def slow(ctx: Context) -> int:
        await ctx.call(abs, -1)
        await ctx.wait_for_event("go", about="may I?")
        return await ctx.call(abs, -2)

    run = slow.start()
    feed = Feed(run)
    seen: list[tuple[str, bool]] = []
    while len(feed.entries) < 2:
        seen += [(entry.path, entry.ended is not None) for entry in feed.poll()]
        await asyncio.sleep(0.005)
    assert feed.poll() == []
    assert feed.entries[1].input == "may I?"
    first = feed.entries[0]
    agnt5.send_event("go", 1, run=run)
    assert await run == 2
    changed = feed.poll()
    assert [(entry.path, entry.ended is not None) for entry in changed] == [("go", True), ("abs#2", True)]
    assert feed.entries[0] is first
    assert feed.status == "completed"
    assert [entry.path for entry in feed.entries] == [entry.path for entry in run.journal]


async def test_a_feed_reads_a_long_journal_in_pages() -> None:
    @flow
    async def long(ctx: Context) -> None:
        for number in range(3000):
            await ctx.state.set("n", number)

    run = long.start()
    await run
    feed = Feed(run.id)
    assert 1 <= len(feed.poll(limit=1)) <= 2000
    while feed.poll(limit=1):
        pass
    assert len(feed.entries) == 3000


async def test_a_feed_of_a_deleted_run_says_so() -> None:
    @flow
    async def short(ctx: Context) -> None: ...

    run = short.start()
    await run
    feed = Feed(run)
    feed.poll()
    run.delete()
    with pytest.raises(agnt5.RunNotFound, match="deleted"):
        feed.poll()


async def test_progress_is_heard_until_one_stops_listening() -> None:
    @flow
    async def speaks(ctx: Context) -> None:
        ctx.emit("half")
        await ctx.chat("x", llm=ScriptedLLM(["yes"]))

    heard: list[tuple[str, Any]] = []

    def hear(run_id: str, value: Any) -> None:
        heard.append((run_id, value))

    agnt5.listen(hear)
    stop = agnt5.listen(hear)
    run = speaks.start()
    await run
    assert [run_id for run_id, _ in heard] == [run.id, run.id]
    assert heard[0][1] == "half"
    assert heard[1][1].delta.text == "yes"
    stop()
    stop()
    await speaks.run()
    assert len(heard) == 2
