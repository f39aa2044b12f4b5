"""EntryPanel: what panels over the entries of a run or journal share: an index, rows, and details on demand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .columns import PIECE, STATES, Index
from .nested import Inner, Nested, Row
from .panel import Message, Panel, in_bulk
from .trace import Trace
from .words import entry_detail, row_words

if TYPE_CHECKING:
    from agnt5 import Entry, Journal, Run

_PAGE = 400
_RATE = 250
"""Rows told at a look: at 20 looks a second 140 kB/s at most."""


class EntryPanel(Panel):
    """A panel over a trace."""

    def __init__(self, source: Run | Journal, title: str) -> None:
        self.trace = Trace(source)
        self.list: Trace | Nested = self.trace
        """The rows that views see."""
        self.index = Index(self.trace.created)
        self.untold: dict[int, Row] = {}
        self._named = 0
        super().__init__(title)

    # What views ask

    def ask_index(self, first: int = 0, names: int = 0) -> Message:
        """A piece of the index, from a row on; `names`: how many names the view knows."""
        entries = self.list.entries
        rows = range(first, min(first + PIECE, len(entries)))
        return self._indexed([entries[row] for row in rows], rows, names, total=len(entries))

    def ask_rows(self, rows: list[int]) -> Message:
        entries = self.list.entries
        return in_bulk([row_words(entries[row]) for row in rows[:_PAGE]])

    def ask_detail(self, seq: int) -> Message:
        row = self.list.entry(seq)
        trace, entry = (row.trace, row.entry) if isinstance(row, Inner) else (self.trace, row)
        return in_bulk(entry_detail(trace, entry) | {"seq": seq})

    def ask_value(self, seq: int, side: str, path: list[int], start: int = 0) -> Message:
        """More of a value: the node at `path`, from a child or character on."""
        return in_bulk(self.list.entry(seq).outline(side, path, start=start))

    def ask_find(self, text: str = "", kinds: Sequence[str] = (), states: Sequence[str] = ()) -> Message:
        """Rows that fit, as numbers of four bytes."""
        from array import array

        found = array("I", find(self.trace.entries, text, kinds, states))
        return Message({"count": len(found)}, [found.tobytes()])

    # What is told

    def gather(self) -> None:
        """Note what has changed since the last look."""
        for entry in self.trace.poll():
            self.untold[entry.seq] = entry

    def tell_rows(self) -> bool:
        """Tell some of what has changed; whether some is left."""
        if self.untold:
            told = [self.untold.pop(seq) for seq in list(self.untold)[:_RATE]]
            rows = [self.list.rows[entry.seq] for entry in told]
            message = self._indexed(told, rows, 0, tell="rows")
            self.say(message)
        return bool(self.untold)

    def _indexed(self, entries: Sequence[Row], rows: Sequence[int], names_from: int, **fields: Any) -> Message:
        """Rows, and names that their hearers may not know yet."""
        told = "tell" in fields
        # All views hear what is told, so that brings new names alone; who asks knows the names of its last answer only.
        message = self.index.message(entries, rows, self._named if told else names_from)
        if told:
            self._named = len(self.index.names)
        return Message({**message.fields, **fields}, message.buffers)


def find(entries: Iterable[Entry], text: str, kinds: Sequence[str], states: Sequence[str]) -> list[int]:
    """Rows whose name, path, recorded values or error hold the text, whatever its case."""
    needle = text.strip().casefold()
    # As JSON writes it: quotes and line ends inside of values are escaped.
    raw = json.dumps(needle, ensure_ascii=False)[1:-1].encode()
    wanted, having = frozenset(kinds), frozenset(states) & frozenset(STATES)
    return [
        row
        for row, entry in enumerate(entries)
        if (not wanted or entry.kind in wanted)
        and (not having or entry.state in having)
        and (not needle or _holds(entry, needle, raw))
    ]


def _holds(entry: Entry, needle: str, raw: bytes) -> bool:
    if needle in entry.path.casefold() or needle in entry.name.casefold():
        return True
    return any(raw in data or raw in _folded(data) for data in (entry.stored_input, entry.stored_output) if data)


def _folded(data: bytes) -> bytes:
    return data.lower() if data.isascii() else data.decode("utf-8", "replace").casefold().encode()
