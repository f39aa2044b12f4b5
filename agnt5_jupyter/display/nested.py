"""Nested: the entries of a run and, below those that made a run, the entries of that run, as one list of rows.

A row keeps its place and its key. Runs below are read while they are open: a few from the start, others once a view
asks, for each that lives costs a look at the store 20 times a second. It reads, and never decodes a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import agnt5

from .trace import Trace

if TYPE_CHECKING:
    from agnt5 import Entry

MAKERS: Final = frozenset({"child", "object", "start"})
"""Kinds of entries that make a run. A join awaits one that a start made, and that is shown there."""
AT_FIRST: Final = 12
"""Runs that are open without having been asked for."""
DEEPEST: Final = 4
"""Levels that are open without having been asked for."""
_PAGE = 1_000
"""Stored entries that are read of a run below at a look."""
_ROWS_AT_FIRST = 4_000
"""Rows beyond which no more runs are opened without having been asked for."""
_FIRST_KEY = 1 << 31
"""Keys of rows below; the run's own rows have their seq."""


class Inner:
    """An entry of a run below, in its place in the whole: `seq`, `scope` and `depth` are those of the list. For all
    else it is that entry."""

    __slots__ = ("_older", "depth", "entry", "scope", "seq", "trace")

    def __init__(self, entry: Entry, trace: Trace, key: int, above: Row, *, older: bool) -> None:
        self.entry = entry
        self.trace = trace
        self.seq = key
        self.scope = above.seq
        self.depth = above.depth + 1
        self._older = older

    @property
    def shared(self) -> bool:
        """Also when all of its run is that of the run that a fork was made of."""
        return self._older or self.entry.shared

    def __getattr__(self, name: str) -> Any:
        return getattr(self.entry, name)


Row: TypeAlias = "Entry | Inner"


class _Branch:
    """An open run below the row with this key."""

    def __init__(self, trace: Trace, row: Row) -> None:
        self.trace = trace
        self.row = row
        self.rows: dict[int, Inner] = {}
        self.unread = True


class Nested:
    """Rows of a run and of those below it."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.entries: list[Row] = []
        self.rows: dict[int, int] = {}
        self._branches: dict[int, _Branch] = {}
        # Made, and not in the store yet.
        self._awaited: dict[int, Row] = {}
        self._next_key = _FIRST_KEY
        self._fresh: list[Row] = []
        self._take([*trace.entries])
        self._fresh.clear()

    @property
    def run_ids(self) -> set[str]:
        """Of the runs that are open."""
        return {branch.trace.run_id for branch in self._branches.values()}

    @property
    def live(self) -> bool:
        """Whether more may come from runs below."""
        return any(branch.unread or branch.trace.live for branch in self._branches.values())

    @property
    def unread(self) -> bool:
        return any(branch.unread for branch in self._branches.values())

    def poll(self) -> list[Row]:
        """Rows of runs below that are new or have changed."""
        for row in list(self._awaited.values()):
            self._open(row)
        for branch in list(self._branches.values()):
            if branch.unread or branch.trace.live:
                entries = branch.trace.poll(_PAGE)
                branch.unread = bool(entries)
                self._fresh += self._take([self._inner(branch, entry) for entry in entries])
        changed, self._fresh = self._fresh, []
        return changed

    def take(self, entries: list[Entry]) -> list[Row]:
        """The run's own, that are new or have changed."""
        return self._take([*entries])

    def open(self, key: int) -> bool:
        """Show the run below a row; whether there is one that was not shown. RunNotFound when it is gone."""
        row = self.entry(key)
        if row.kind not in MAKERS or not row.child_id or key in self._branches:
            return False
        self._branch(row)
        return True

    def entry(self, key: int) -> Row:
        row = self.rows.get(key)
        if row is None:
            raise LookupError(f"run {self.trace.run_id} has no entry {key}")
        return self.entries[row]

    def ordered(self) -> Iterator[Row]:
        """Each row, followed by what lies below it."""
        below: dict[int, list[Row]] = {}
        for row in self.entries:
            below.setdefault(row.scope if row.scope in self.rows else 0, []).append(row)
        todo = below.get(0, [])[::-1]
        while todo:
            row = todo.pop()
            yield row
            todo += below.get(row.seq, [])[::-1]

    def _take(self, rows: list[Row]) -> list[Row]:
        for row in rows:
            if row.seq not in self.rows:
                self.rows[row.seq] = len(self.entries)
                self.entries.append(row)
            if row.kind in MAKERS and row.child_id and row.depth < DEEPEST:
                self._open(row)
        return rows

    def _open(self, row: Row) -> None:
        """Show the run below, as one of those that nobody has asked for."""
        waits = row.seq in self._awaited
        full = len(self._branches) + len(self._awaited) - waits >= AT_FIRST or len(self.entries) > _ROWS_AT_FIRST
        if row.seq in self._branches or full:
            return
        try:
            self._branch(row)
        except agnt5.RunNotFound:  # asked, and not begun yet; or it was deleted
            if row.ended is None:
                self._awaited[row.seq] = row
                return
        self._awaited.pop(row.seq, None)

    def _branch(self, row: Row) -> None:
        trace = Trace(agnt5.get_run(row.child_id), limit=_PAGE)
        branch = self._branches[row.seq] = _Branch(trace, row)
        self._fresh += self._take([self._inner(branch, entry) for entry in trace.entries])

    def _inner(self, branch: _Branch, entry: Entry) -> Inner:
        known = branch.rows.get(entry.seq)
        if known is None:
            above = branch.rows.get(entry.scope, branch.row) if entry.scope else branch.row
            known = branch.rows[entry.seq] = Inner(
                entry, branch.trace, self._next_key, above, older=branch.trace.created < self.trace.created
            )
            self._next_key += 1
        return known


def number_of(row: Row) -> int:
    """The seq of an entry in the journal of its run."""
    return row.entry.seq if isinstance(row, Inner) else row.seq
