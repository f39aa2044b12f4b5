"""MemoryPanel: what an agent or a person's code remembers: by kind, with search, a timeline and a map.

Looking never changes a memory, and counts as no use of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import agnt5

from . import vectormap
from .memorypage import memory_page
from .page import Page
from .panel import Message, Panel, in_bulk
from .remembered import answer, kinds_of, snapshots
from .words import short

_PAGE = 60
_MAPPED = 2_000
_RESULTS = 12
_LINE = 160


class MemoryPanel(Panel):
    """Shows a Memory, a single memory, or an agent's."""

    module = "memory"
    aside = frozenset({"hello", "kind", "more", "search", "map", "value"})

    def __init__(self, memory: Any) -> None:
        self.kinds = kinds_of(memory)
        first = next(iter(self.kinds.values()))
        self.namespace: str = getattr(memory, "namespace", first.namespace)
        # What was shown last, by id, so that a view may unfold it.
        self._shown: dict[str, Any] = {}
        super().__init__(f"Memory {self.namespace}")

    def first(self) -> Message:
        found = snapshots(self.kinds, 1)
        kinds = [
            {
                "kind": kind,
                "namespace": short(one.namespace),
                "count": one.count,
                "capacity": one.capacity,
                "trimmed": one.trimmed,
            }
            for kind, one in found.items()
        ]
        return Message({"namespace": short(self.namespace), "kinds": kinds})

    # What views ask; values are outlined a level deep and unfold by `value`

    def ask_kind(self, kind: str) -> Message:
        """The newest of a kind."""
        return self._page(kind, 0)

    def ask_more(self, kind: str, before: int) -> Message:
        """What came before, as far as `next` of the page before."""
        return self._page(kind, before)

    def _page(self, kind: str, before: int) -> Message:
        memory = self.kinds[kind]
        pages = {"before": before} if kind in ("episodic", "semantic") else {}
        limit = _PAGE if pages else 1000
        found = answer(lambda: memory.snapshot(limit=limit, **pages))
        items = [*map(self._item, _ITEMS[kind](found))]
        return in_bulk({"items": items, "next": getattr(found, "next", 0), "count": found.count})

    def ask_search(self, query: str) -> Message:
        """Facts that match, best first; episodes where there are no facts."""
        if "semantic" in self.kinds:
            memory = self.kinds["semantic"]
            found = answer(lambda: memory.search(query, k=_RESULTS))
            return in_bulk([self._item(_fact(one)) for one in found])
        memory = self.kinds["episodic"]
        return in_bulk(
            [self._item(_episode(one)) for one in answer(lambda: memory.recall(query=query, limit=_RESULTS))]
        )

    def ask_map(self) -> Message:
        """Points of the newest facts that have a vector, with their ids."""
        memory = self.kinds["semantic"]
        found = answer(lambda: memory.snapshot(limit=_MAPPED))
        pairs = [(fact, vector) for fact, vector in zip(found.facts, found.vectors, strict=True) if vector]
        about = {"embedder": short(found.embedder), "dimension": found.dimension, "of": found.count}
        if not vectormap.has_numpy():
            return in_bulk({"points": [], "share": 0, "why": vectormap.MISSING, **about})
        points, share = vectormap.plane([vector for _, vector in pairs])
        why = "" if pairs else "No fact has a vector: this memory finds by words only."
        named = [
            (fact.id, round(x, 4), round(y, 4), short(fact.text, _LINE))
            for (fact, _), (x, y) in zip(pairs, points, strict=True)
        ]
        return in_bulk({"points": named, "share": share, "why": why, **about})

    def ask_value(self, id: str, path: Sequence[int], start: int = 0) -> Message:
        return in_bulk(agnt5.outline_of(self._shown[id], path, start=start))

    def _item(self, item: dict[str, Any]) -> dict[str, Any]:
        value = item.pop("value")
        if value is None:
            return item | {"value": None}
        id = item["id"]
        self._shown[id] = value
        if len(self._shown) > 20_000:
            self._shown.pop(next(iter(self._shown)))
        return item | {"value": agnt5.outline_of(value, levels=1)}

    def page(self) -> Page:
        return memory_page(self.namespace, snapshots(self.kinds, 12), self.mark)


def _working(found: Any) -> list[dict[str, Any]]:
    return [
        {"id": f"w {one.key}", "name": short(one.key), "value": one.value, "at": one.stored.timestamp()}
        for one in found.entries
    ]


def _episodic(found: Any) -> list[dict[str, Any]]:
    return [_episode(one) for one in found.episodes]


def _semantic(found: Any) -> list[dict[str, Any]]:
    return [_fact(one) for one in found.facts]


def _episode(one: Any) -> dict[str, Any]:
    return {"id": f"e {one.id}", "name": short(one.kind), "value": one.data, "at": one.at.timestamp()}


def _fact(one: Any) -> dict[str, Any]:
    return {
        "id": f"s {one.id}",
        "point": one.id,
        "name": short(one.text, 400),
        "value": one.data,
        "at": one.at.timestamp(),
        "score": one.score,
        "similarity": one.similarity,
    }


def _procedural(found: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": f"p {one.name}",
            "name": short(one.name),
            "value": one.steps,
            "at": one.learned.timestamp(),
            "successes": one.successes,
            "failures": one.failures,
            "rate": one.success_rate,
        }
        for one in found.procedures
    ]


_ITEMS: dict[str, Any] = {
    "working": _working,
    "episodic": _episodic,
    "semantic": _semantic,
    "procedural": _procedural,
}
