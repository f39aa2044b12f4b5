"""Sums over the entries of a run while it grows: tokens, cost, failures, and what it waits for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import agnt5

if TYPE_CHECKING:
    from agnt5 import Entry


class Totals:
    """Takes entries as they change; the last word on an entry counts."""

    def __init__(self) -> None:
        self._noted: dict[int, tuple[int, float]] = {}
        self._children: dict[int, str] = {}
        self._open: dict[int, Entry] = {}
        self._states: dict[int, str] = {}

    def take(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._states[entry.seq] = entry.state
            if entry.ended is None:
                self._open[entry.seq] = entry
            else:
                self._open.pop(entry.seq, None)
            if entry.noted:
                meta = entry.meta
                self._noted[entry.seq] = _number(meta.get("tokens")), _number(meta.get("cost"))
            if entry.child_id:
                self._children[entry.seq] = entry.child_id
                if entry.ended is not None and entry.seq not in self._noted:
                    self._noted[entry.seq] = _of_run(entry.child_id)

    @property
    def children(self) -> set[str]:
        """Ids of runs that it started or awaits."""
        return set(self._children.values())

    @property
    def waits(self) -> list[Entry]:
        """Sleeps and events under way."""
        return [entry for entry in self._open.values() if entry.kind in ("event", "sleep")]

    def facts(self) -> dict[str, Any]:
        tokens = sum(one for one, _ in self._noted.values())
        cost = sum(one for _, one in self._noted.values())
        states = Counter(self._states.values())
        return {"entries": len(self._states), "states": states, "tokens": tokens, "cost": cost}


def _of_run(run_id: str) -> tuple[Any, Any]:
    """Tokens and cost of a run that has ended, and of those below it."""
    totals = Totals()
    try:
        totals.take(agnt5.get_run(run_id).journal)
    except agnt5.AGNT5Error:  # deleted, or of another store
        return 0, 0
    facts = totals.facts()
    return facts["tokens"], facts["cost"]


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0
