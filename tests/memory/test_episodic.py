"""Episodic memory: what happened, newest first, found by kind, time and words."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from agnt5 import ConfigurationError
from agnt5.memory import EpisodicMemory


async def test_the_words_of_the_user_s_document() -> None:
    episodic_memory = EpisodicMemory()
    await episodic_memory.remember(
        "conversation",
        {
            "user": "How do I deploy my app?",
            "assistant": "Here are the deployment steps...",
            "timestamp": "2024-01-15T10:30:00Z",
        },
    )
    (episode,) = await episodic_memory.recall(kind="conversation")
    assert episode.data["user"] == "How do I deploy my app?"
    assert datetime.now(UTC) - episode.at < timedelta(minutes=1)


async def test_recall_filters_by_kind_time_words_and_number() -> None:
    memory = EpisodicMemory()
    await memory.remember("talk", "we spoke about the café in Lyon")
    await memory.remember("act", {"tool": "search", "query": "trains to lyon"})
    await asyncio.sleep(0.002)
    between = datetime.now(UTC)
    await memory.remember("talk", ["bye", "see you", 4711])

    async def told(**filters: object) -> list[object]:
        return [episode.data for episode in await memory.recall(**filters)]  # type: ignore[arg-type]

    everything = await told()
    assert [type(one) for one in everything] == [list, dict, str], "newest first"
    assert await told(kind="act") == [everything[1]]
    assert await told(limit=1) == [everything[0]]
    assert await told(since=between) == await told(since=between.timestamp()) == [everything[0]]
    assert await told(query="CAFE") == [everything[2]], "accents and case do not matter"
    assert await told(query="lyon", kind="act") == [everything[1]]
    assert set(map(str, await told(query="Lyon trains?"))) == set(map(str, everything[1:]))
    assert (await told(query="lyon trains"))[0] == everything[1], "both words"
    assert await told(query="4711") == [everything[0]]
    assert await told(query="nothing of that") == []
    assert await told(query="!?") == []
    assert await told(kind="nobody") == []


async def test_the_same_twice_is_two_episodes_and_each_can_be_forgotten() -> None:
    memory = EpisodicMemory()
    first = await memory.remember("tick", 1)
    second = await memory.remember("tick", 1)
    assert first != second
    assert await memory.forget(first)
    assert not await memory.forget(first)
    assert [episode.id for episode in await memory.recall()] == [second]
    assert await memory.clear() == 1
    assert await memory.recall() == []
    assert await memory.recall(query="tick") == []


async def test_the_oldest_go_when_it_is_full_and_the_timeline_pages() -> None:
    memory = EpisodicMemory(capacity=5)
    for n in range(8):
        await memory.remember("tick", {"n": n})
    page = await memory.snapshot(limit=3)
    assert [episode.data["n"] for episode in page.episodes] == [7, 6, 5]
    assert (page.count, page.trimmed, page.capacity) == (5, 3, 5)
    rest = await memory.snapshot(limit=3, before=page.next)
    assert [episode.data["n"] for episode in rest.episodes] == [4, 3]
    assert rest.next == 0
    with pytest.raises(ConfigurationError, match="kind"):
        await memory.remember("", 1)


async def test_a_wrong_filter_is_named() -> None:
    memory = EpisodicMemory()
    for since in ("2024-01-15T10:30:00Z", True, float("nan"), float("inf"), 10**30):
        with pytest.raises(ConfigurationError, match="since= is a datetime, or seconds since 1970"):
            await memory.recall(since=since)  # type: ignore[arg-type]
    for kind in ("", 3):
        with pytest.raises(ConfigurationError, match="A kind is a text"):
            await memory.recall(kind=kind)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="A query is a text, not 3"):
        await memory.recall(query=3)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="An id is a text, not 3"):
        await memory.forget(3)  # type: ignore[arg-type]
