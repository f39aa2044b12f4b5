"""Stored entries folded into one entry per command, a batch at a time: whole journals, and journals that still grow.

It only sorts what is recorded; it reads no store and no value.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from agnt5.entry import Entry, failed_try, log_lines

if TYPE_CHECKING:
    from agnt5 import _core


class Fold:
    """`entries` in order of their commands; `warnings` and `logs` of the run's end."""

    def __init__(self, *, data_only: bool = False) -> None:
        self.entries: list[Entry] = []
        self.by_seq: dict[int, Entry] = {}
        self.warnings: list[str] = []
        self.logs: list[tuple[str, datetime, str]] = []
        self._data_only = data_only
        self._shift = 0

    def add(self, stored: Sequence[_core.Entry]) -> list[Entry]:
        """Take the next stored entries; gives those commands that are new or have changed, in order, each once."""
        from agnt5.execution.kinds import COMMAND_WORDS

        touched: dict[int, Entry] = {}
        # Of forks of forks, the last mark counts.
        last = next((one for one in reversed(stored) if one.body == "forked"), None)
        for one in stored:
            if one is last:
                self._shift = one.shift
            if one.body == "forked":
                for shared in self.entries:
                    if shared.ended is not None:
                        shared.shared = True
                        touched[shared.seq] = shared
            elif one.body == "command":
                parent = self.by_seq.get(one.scope)
                depth = 0 if parent is None else parent.depth + 1
                word = COMMAND_WORDS.get(one.kind, str(one.kind))
                entry = Entry(one, word, depth, shift=self._shift, data_only=self._data_only)
                self.by_seq[one.seq] = touched[one.seq] = entry
                self.entries.append(entry)
            elif one.body == "ended":
                self.warnings = list(one.warnings)
                self.logs = log_lines(one.logs)
                self._mark(one.unclaimed, touched)
            elif (found := self.by_seq.get(one.command)) is not None:
                if one.body == "completion":
                    found.completed_by(one, self._shift)
                    touched[found.seq] = found
                    self._mark(one.unclaimed, touched)
                elif one.body == "failed_attempt":
                    found.failed_tries.append(failed_try(one, self._shift))
                    touched[found.seq] = found
        return [touched[seq] for seq in sorted(touched)]

    def _mark(self, unclaimed: Sequence[int], touched: dict[int, Entry]) -> None:
        """What a function's last attempt did not ask, and all that was asked below it."""
        if not unclaimed:
            return
        marked = set(unclaimed)
        for entry in self.entries[bisect_left(self.entries, min(marked), key=_seq) :]:
            if entry.seq in marked or entry.scope in marked:
                marked.add(entry.seq)
                entry.unclaimed = True
                touched[entry.seq] = entry


def _seq(entry: Entry) -> int:
    return entry.seq
