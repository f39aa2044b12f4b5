"""A run while it grows: what its journal has gained since the last look.

Looking reads only what is new, from this process's store or another's. It must never hold a transaction open, nor slow
the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnt5.errors import RunNotFound
from agnt5.fold import Fold
from agnt5.journal import Facts
from agnt5.runtime import reader as look
from agnt5.types import Status

if TYPE_CHECKING:
    from agnt5 import _core
    from agnt5.entry import Entry
    from agnt5.run import Run

# Entries read at once: a page of rows, so that no reader stands in the way of a checkpoint.
_PAGE = 2000


class Feed:
    """Follows one run. `poll` brings `entries` and `facts` up to date and returns what changed."""

    def __init__(self, run: Run | str) -> None:
        self.run_id = run if isinstance(run, str) else run.id
        self.facts: Facts | None = None
        self.interrupted = False
        """Whether, as of the last look, nobody drove the run, though it had neither ended nor been paused."""
        self._fold = Fold()
        self._seen = 0
        self._reader: _core.Reader | None = None

    @property
    def entries(self) -> list[Entry]:
        """One per command, in order; the same objects from look to look."""
        return self._fold.entries

    @property
    def warnings(self) -> list[str]:
        return self._fold.warnings

    @property
    def status(self) -> Status | None:
        """As of the last look."""
        return None if self.facts is None else self.facts.status

    @property
    def component(self) -> str:
        return self._row().component

    def poll(self, limit: int | None = None) -> list[Entry]:
        """Entries that are new or have changed since the last look, in order. RunNotFound when the run is gone.

        `limit`: stop after about so many stored entries; the next look goes on there.
        """
        row = self._row()
        # Before the entries: who sees an ended run here has all its entries.
        facts = Facts(Status.from_code(row.status), row.created, row.started, row.ended, row.reason, row.tags)
        changed: dict[int, Entry] = {}
        begun = self._seen
        reader = self._look()
        while limit is None or self._seen - begun < limit:
            page = reader.entries(self.run_id, self._seen, _PAGE)
            if not page:
                break
            self._seen = page[-1].seq + 1
            for entry in self._fold.add(page):
                changed[entry.seq] = entry
        self.facts = facts
        self.interrupted = facts.status.left_alone(marked=row.interrupted, owned=bool(reader.owner()))
        return [changed[seq] for seq in sorted(changed)]

    def _row(self) -> _core.RunRow:
        row = self._look().run(self.run_id)
        if row is None:
            raise RunNotFound(f"No run {self.run_id} is in this store. It may have been deleted.", run_id=self.run_id)
        return row

    def _look(self) -> _core.Reader:
        if self._reader is None:
            self._reader = look()
        return self._reader

    def __repr__(self) -> str:
        return f"<Feed of {self.run_id}: {len(self.entries)} entries>"
