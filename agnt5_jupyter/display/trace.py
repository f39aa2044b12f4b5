"""What panels of runs look at: the entries of a run that may still go on, or of a journal that is a picture.

It reads and keeps places; it never decodes a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import agnt5

if TYPE_CHECKING:
    from agnt5 import Entry, Journal, Run


class Trace:
    """`entries` in order; the row of an entry is its place there, and stays."""

    def __init__(self, source: Run | Journal, *, limit: int | None = None) -> None:
        """`limit`: read about so many stored entries at first."""
        self._feed: agnt5.Feed | None = None
        self.rows: dict[int, int] = {}
        if isinstance(source, agnt5.Run):
            self.run: agnt5.Run | None = source
            self.run_id = source.id
            self._feed = agnt5.Feed(source)
            self.component = self._feed.component
            self.poll(limit)
        else:
            self.run = None
            self.run_id = source.run_id
            self.component = source.component
            self._journal = source
            self.rows = {entry.seq: row for row, entry in enumerate(source)}

    @property
    def entries(self) -> list[Entry] | Journal:
        return self._journal if self._feed is None else self._feed.entries

    @property
    def status(self) -> str:
        return str(self._facts().status)

    @property
    def reason(self) -> str:
        """Why it failed or is paused."""
        return self._facts().reason

    @property
    def created(self) -> float:
        """Seconds since 1970; as `started` and `ended`, which are 0 for "not yet"."""
        return self._facts().created / 1e6

    @property
    def started(self) -> float:
        return self._facts().started / 1e6

    @property
    def ended(self) -> float:
        return self._facts().ended / 1e6

    @property
    def interrupted(self) -> bool:
        """Whether nobody drives it, though it has neither ended nor been paused."""
        return self._feed is not None and self._feed.interrupted

    @property
    def warnings(self) -> list[str]:
        return self._journal.warnings if self._feed is None else self._feed.warnings

    @property
    def live(self) -> bool:
        """Whether more may come."""
        return self._feed is not None and not self._facts().status.terminal

    def poll(self, limit: int | None = None) -> list[Entry]:
        """What is new or has changed since the last look."""
        if self._feed is None:
            return []
        changed = self._feed.poll(limit)
        entries = self._feed.entries
        for row in range(len(self.rows), len(entries)):
            self.rows[entries[row].seq] = row
        return changed

    def entry(self, seq: int) -> Entry:
        row = self.rows.get(seq)
        if row is None:
            raise LookupError(f"run {self.run_id} has no entry {seq}")
        return self.entries[row]

    def journal(self) -> Journal:
        """All of it as a journal of now."""
        return self._journal if self.run is None else self.run.journal

    def _facts(self) -> Any:
        facts = self._journal.facts if self._feed is None else self._feed.facts
        assert facts is not None, "a feed was looked at when it was made"
        return facts
