"""The index of a journal: a few numbers a row, in columns, for a front end that draws tens of thousands of rows.

Values are not in it; a view asks for the rows that it shows. The layout is read by `static/columns.js`.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import agnt5

from .panel import Message
from .words import title_of

if TYPE_CHECKING:
    from .nested import Row

KINDS: Final = (
    *("step", "call", "child", "object", "sleep", "event", "state_set", "state_get"),
    *("state_delete", "send_event", "cancel", "start", "join"),
)
STATES: Final = ("running", "done", "failed", "cancelled", "timed out", "retrying")
_KIND: Final = {word: code for code, word in enumerate(KINDS)}
_STATE: Final = {word: code for code, word in enumerate(STATES)}
SHARED, REUSED, GIVEN, NOTED = 8, 16, 32, 64
"""Beside the state: shared with the run that a fork was made of, the answer of an older run, a person's word, facts
were noted (tokens, cost)."""

BYTES_A_ROW: Final = 28
"""24 of them where rows follow one another."""
PIECE: Final = 8_000
"""Rows in one message of an index: under a quarter of a megabyte."""


class Index:
    """Encodes rows. Names are sent once, as their places in a list that only grows."""

    def __init__(self, origin: float) -> None:
        self._origin = round(origin * 1e6)
        self._places: dict[str, int] = {}
        self.names: list[str] = []

    def message(self, entries: Sequence[Row], rows: Sequence[int], names_from: int) -> Message:
        """These entries, whose rows are given; with all names from `names_from` on."""
        count = len(entries)
        row, seq, scope, name = (array("I", bytes(4 * count)) for _ in range(4))
        began, took = (array("f", bytes(4 * count)) for _ in range(2))
        kind, state, tries, depth = (array("B", bytes(count)) for _ in range(4))
        origin, nan = self._origin, float("nan")
        for place, entry in enumerate(entries):
            started, ended = entry.span
            if entry.shared:  # the times are those of another run
                started = ended = origin
            row[place] = rows[place]
            seq[place] = entry.seq
            scope[place] = entry.scope
            name[place] = self._name(entry)
            # A fork answers what the run that it was made of had asked.
            started = max(started, origin)
            began[place] = (started - origin) / 1e6
            took[place] = nan if ended is None else max(ended - started, 0) / 1e6
            kind[place] = _KIND[entry.kind]
            state[place] = (
                _STATE[entry.state]
                | (SHARED if entry.shared else 0)
                | (REUSED if entry.reused else 0)
                | (GIVEN if entry.given else 0)
                | (NOTED if entry.noted else 0)
            )
            tries[place] = min(entry.attempts, 255)
            depth[place] = min(entry.depth, 255)
        fields: dict[str, Any] = {"count": count, "names_from": names_from, "names": self.names[names_from:]}
        columns = (seq, scope, name, began, took, kind, state, tries, depth)
        if isinstance(rows, range):  # one after another: the first says all
            fields["first"] = rows.start
        else:
            columns = (row, *columns)
        return Message(fields, [b"".join(column.tobytes() for column in columns)])

    def _name(self, entry: Row) -> int:
        name = entry.name
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = len(self.names)
            self.names.append(agnt5.visible(title_of(entry)[:120]))
        return place
