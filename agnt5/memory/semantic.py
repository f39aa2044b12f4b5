"""Semantic memory: facts, found by what they mean and by the words they have. When it is full, the oldest goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

from agnt5.codec import decode
from agnt5.errors import ConfigurationError
from agnt5.llm.sendable import whole
from agnt5.memory.embedding import LOCAL, Embed, checked_embed, floats, name_of, vectors_of
from agnt5.memory.namespace import Namespaced, limited, moment, shelf_of, worded
from agnt5.memory.operation import ask, operate, recorded
from agnt5.memory.text import LONGEST, fold

_KIND = "semantic"


@dataclass(frozen=True, slots=True)
class Fact:
    id: str
    text: str
    data: Any
    """What was added with it."""
    at: datetime
    """When it was added last, UTC."""
    score: float = 0.0
    """How well it matched, to compare the facts of one search; 0 outside of searches."""
    similarity: float | None = None
    """Cosine with the query, -1 to 1, when it was found by its meaning."""


@dataclass(frozen=True, slots=True)
class SemanticSnapshot:
    namespace: str
    capacity: int
    count: int
    trimmed: int
    """How many had to go since it was cleared last."""
    embedder: str
    """What made the vectors; "" when there are none."""
    dimension: int
    facts: list[Fact]
    """Newest first."""
    vectors: list[list[float] | None]
    """Of each fact, of length 1; None for one without words."""
    next: int
    """What `before` of the next page is; 0 when this is the last."""


class SemanticMemory(Namespaced):
    """Facts: texts of at most 20,000 characters, each with data that `agnt5.codec` can record if there is some.

    A search ranks facts by the cosine of vectors and by words (BM25), and fuses both rankings, so it finds a paraphrase
    as well as a rare name. `embed` makes the vectors: "local" (offline, needs `agnt5[memory]`), "auto" (the same, or
    words only where it is not installed), a sync or async function from a list of texts to a list of vectors, a model
    with an `embed` method, or None for words only. Vectors of two makers are never mixed: the first one that fills a
    namespace is its only one until it is cleared.

    It lies in the store under its namespace ("default" when none is given) and holds `capacity` facts; a search looks
    at all of them.
    """

    kind = _KIND
    largest = 200_000

    def __init__(self, namespace: str | None = None, embed: Embed = LOCAL, *, capacity: int = 50_000) -> None:
        super().__init__(namespace, capacity)
        self._add, self._search = _bodies(checked_embed(embed), capacity)

    async def add(self, text: str, data: Any = None) -> str:
        """Keep a fact; its id. The same text again replaces what was kept with it."""
        return await operate("memory.semantic.add", self._add, self.namespace, _fact(text), data)

    async def search(self, query: str, k: int = 5) -> list[Fact]:
        """The `k` best matches, best first."""
        query = worded("A query", query)
        return await operate("memory.semantic.search", self._search, self.namespace, query, limited("k", k))

    async def forget(self, fact: str) -> bool:
        """Forget a fact for good, by its id or its text; whether it was there."""
        return await operate("memory.semantic.forget", _forget, self.namespace, worded("A fact or its id", fact))

    async def snapshot(self, limit: int = 1000, before: int = 0) -> SemanticSnapshot:
        """A page of facts with their vectors, and counts. `before`: `next` of the page before."""
        shown = await operate("memory.semantic.snapshot", _snapshot, self.namespace, limited("limit", limit), before)
        return replace(shown, capacity=self.capacity)


def _bodies(embed: Any, capacity: int) -> tuple[Callable[..., Awaitable[str]], Callable[..., Awaitable[list[Fact]]]]:
    """What adds and what searches, with vectors made by `embed`, which as a function is part of their code."""

    async def add(namespace: str, text: str, data: Any) -> str:
        id = _id(text)
        value = recorded([text, data], root=f"memory[{text[:40]!r}]")
        (vector,) = await vectors_of(embed, [text])
        name = name_of(embed) if vector else ""
        words = fold(text)
        await ask(
            lambda core: core.put(
                namespace, _KIND, id, value, text=words, vector=vector, embedder=name, capacity=capacity
            )
        )
        return id

    async def search(namespace: str, query: str, k: int) -> list[Fact]:
        (vector,) = await vectors_of(embed, [query[:LONGEST]])
        name = name_of(embed) if vector else ""
        words = fold(query)
        hits = await ask(lambda core: core.search(namespace, _KIND, text=words, vector=vector, embedder=name, limit=k))
        return [_read(record, score, cosine) for record, score, _, cosine in hits]

    return add, search


async def _forget(namespace: str, fact: str) -> bool:
    return await ask(
        lambda core: core.delete(namespace, _KIND, whole(fact)) or core.delete(namespace, _KIND, _id(fact))
    )


async def _snapshot(namespace: str, limit: int, before: int) -> SemanticSnapshot:
    shelf = await shelf_of(namespace, _KIND)
    records = await ask(lambda core: core.records(namespace, _KIND, before=before, limit=limit, vectors=True))
    return SemanticSnapshot(
        namespace,
        0,
        shelf.count,
        shelf.trimmed,
        shelf.embedder,
        shelf.dimension,
        [_read(record) for record in records],
        [floats(record.vector) for record in records],
        records[-1].num if len(records) == limit else 0,
    )


def _read(record: Any, score: float = 0.0, cosine: float | None = None) -> Fact:
    text, data = decode(record.value)
    return Fact(record.id, text, data, moment(record.written), score, cosine)


def _id(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _fact(text: str) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST:  # pyright: ignore[reportUnnecessaryIsInstance]
        size = f"{len(text):,} characters" if isinstance(text, str) else repr(text)  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(
            f"A fact is a text of 1 to {LONGEST:,} characters, not {size}. Split a longer text, and keep a whole "
            f"document as the `data` of its parts."
        )
    return text
