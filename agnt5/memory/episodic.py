"""Episodic memory: what happened, in the order in which it happened. When it is full, the oldest goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agnt5.codec import decode
from agnt5.errors import ConfigurationError
from agnt5.llm.sendable import whole
from agnt5.memory.namespace import Namespaced, checked, limited, moment, shelf_of, worded
from agnt5.memory.operation import ask, new_id, operate, recorded
from agnt5.memory.text import fold, text_in

_KIND = "episodic"


@dataclass(frozen=True, slots=True)
class Episode:
    id: str
    kind: str
    data: Any
    at: datetime
    """When it was remembered, UTC."""


@dataclass(frozen=True, slots=True)
class EpisodicSnapshot:
    namespace: str
    capacity: int
    count: int
    trimmed: int
    """How many had to go since it was cleared last."""
    episodes: list[Episode]
    """Newest first."""
    next: int
    """What `before` of the next page is; 0 when this is the last."""


class EpisodicMemory(Namespaced):
    """Episodes of a kind ("conversation", "decision", ...), each with data that `agnt5.codec` can record, up to 1 MiB.

    It lies in the store under its namespace ("default" when none is given) and holds `capacity` episodes.
    """

    kind = _KIND
    largest = 1_000_000

    def __init__(self, namespace: str | None = None, *, capacity: int = 10_000) -> None:
        super().__init__(namespace, capacity)
        self._remember = _remembering(capacity)

    async def remember(self, kind: str, data: Any) -> str:
        """Remember that this happened now; the episode's id. A step that runs again does not remember it twice."""
        return await operate("memory.episodic.remember", self._remember, self.namespace, checked("A kind", kind), data)

    async def recall(
        self,
        kind: str | None = None,
        query: str | None = None,
        since: datetime | float | None = None,
        limit: int = 10,
    ) -> list[Episode]:
        """Newest first; with `query` those that share a word with it, best first.

        `since`: a datetime, or seconds since 1970. A datetime without a zone is local time.
        """
        if kind is not None:
            checked("A kind", kind)
        if query is not None:
            worded("A query", query)
        if since is not None:
            _microseconds(since)
        return await operate(
            "memory.episodic.recall", _recall, self.namespace, kind, query, since, limited("limit", limit)
        )

    async def forget(self, id: str) -> bool:
        """Forget one episode for good; whether it was there."""
        return await operate("memory.episodic.forget", _forget, self.namespace, worded("An id", id))

    async def snapshot(self, limit: int = 100, before: int = 0) -> EpisodicSnapshot:
        """A page of the timeline and counts. `before`: `next` of the page before."""
        shown = await operate("memory.episodic.snapshot", _snapshot, self.namespace, limited("limit", limit), before)
        return replace(shown, capacity=self.capacity)


def _remembering(capacity: int) -> Callable[..., Awaitable[str]]:
    async def remember(namespace: str, kind: str, data: Any) -> str:
        value = recorded(data, root=f"memory[{kind!r}]")
        id = new_id(_KIND.encode(), namespace.encode(), kind.encode(), value)
        text = f"{fold(kind)} {text_in(value)}"
        await ask(
            lambda core: core.put(namespace, _KIND, id, value, label=kind, text=text, capacity=capacity, expect=0)
        )
        return id

    return remember


async def _recall(
    namespace: str, kind: str | None, query: str | None, since: datetime | float | None, limit: int
) -> list[Episode]:
    label = kind or ""
    start = 0 if since is None else _microseconds(since)
    if query is None:
        records = await ask(lambda core: core.records(namespace, _KIND, label=label, since=start, limit=limit))
    else:
        text = fold(query)
        hits = await ask(lambda core: core.search(namespace, _KIND, text=text, label=label, since=start, limit=limit))
        records = [hit[0] for hit in hits]
    return [_episode(record) for record in records]


def _microseconds(since: datetime | float) -> int:
    seconds = since.timestamp() if isinstance(since, datetime) else since
    # 2**53 microseconds are the year 2255, and still exact as a float.
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not abs(seconds) < 2**53 / 1e6:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(
            f"since= is a datetime, or seconds since 1970, not {since!r}. For a text: `datetime.fromisoformat(...)`."
        )
    return int(seconds * 1e6)


async def _forget(namespace: str, id: str) -> bool:
    return await ask(lambda core: core.delete(namespace, _KIND, whole(id)))


async def _snapshot(namespace: str, limit: int, before: int) -> EpisodicSnapshot:
    shelf = await shelf_of(namespace, _KIND)
    records = await ask(lambda core: core.records(namespace, _KIND, before=before, limit=limit))
    more = records[-1].num if len(records) == limit else 0
    episodes = [_episode(record) for record in records]
    return EpisodicSnapshot(namespace, 0, shelf.count, shelf.trimmed, episodes, more)


def _episode(record: Any) -> Episode:
    return Episode(record.id, record.label, decode(record.value), moment(record.written))
