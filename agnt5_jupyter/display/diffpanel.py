"""DiffPanel: two runs side by side, where they part, and what each of them used.

It compares what was recorded, once; no code runs, and nothing is followed.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Final

import agnt5

from .diffpage import TOTALS, diff_page
from .page import Page
from .panel import Message, Panel, in_bulk
from .words import long, row_words, short

if TYPE_CHECKING:
    from agnt5 import Entry, Journal

KINDS: Final = ("same", "input", "output", "code", "moved", "removed", "added")
"""As `Row.kind` says; the front end knows them by place."""
_CODE: Final = {word: code for code, word in enumerate(KINDS)}
_PAGE = 400
_CHANGES = 200
_SOURCE = 60_000


class DiffPanel(Panel):
    """Shows a diff."""

    module = "diff"
    aside = frozenset({"hello", "rows", "detail", "value"})

    def __init__(self, diff: Any) -> None:
        self.diff = diff
        super().__init__(f"Diff of {diff.old.run_id} and {diff.new.run_id}")

    def first(self) -> Message:
        """The head, then kinds of rows (a byte each) and seqs of both runs (0: it has none), in columns."""
        diff = self.diff
        kinds = array("B", (_CODE[row.kind] for row in diff))
        old = array("I", (row.old.seq if row.old else 0 for row in diff))
        new = array("I", (row.new.seq if row.new else 0 for row in diff))
        head = {
            "old": _run(diff.old),
            "new": _run(diff.new),
            "totals": totals(diff),
            "input": changes(diff.input),
            "result": changes(diff.result),
            "code": agnt5.visible(diff.code[:_SOURCE]),
        }
        message = in_bulk(head, kinds=KINDS)
        return Message(message.fields, [*message.buffers, kinds.tobytes(), old.tobytes(), new.tobytes()])

    def ask_rows(self, rows: list[int]) -> Message:
        return in_bulk([self._words(self.diff[row]) for row in rows[:_PAGE]])

    def _words(self, row: Any) -> dict[str, Any]:
        entry: Entry = row.entry
        return {
            "path": short(entry.path or entry.name),
            "kind": entry.kind,
            "depth": min(entry.depth, 12),
            "old": _side(row.old, row),
            "new": _side(row.new, row),
        }

    def ask_detail(self, row: int) -> Message:
        """One row in full."""
        found = self.diff[row]
        return in_bulk(
            {
                "path": short(found.entry.path or found.entry.name, 300),
                "changes": changes(found.changes),
                "moved": found.moved,
                "same_code": found.same_code,
                "same_input": found.same_input,
                "same_answer": found.same_answer,
                "old": _full(found.old),
                "new": _full(found.new),
            }
        )

    def ask_value(self, run: str, seq: int, side: str, path: list[int], start: int = 0) -> Message:
        """More of a value of the "old" or "new" run."""
        journal = self.diff.old if run == "old" else self.diff.new
        return in_bulk(journal.by_seq[seq].outline(side, path, start=start))

    def page(self) -> Page:
        return diff_page(self.diff, self.mark)


def _run(journal: Journal) -> dict[str, Any]:
    return {
        "id": journal.run_id,
        "component": short(journal.component),
        "status": str(journal.status),
        "entries": len(journal),
    }


def totals(diff: Any) -> list[dict[str, Any]]:
    """What each run used, for what at least one of them used."""
    old, new = diff.totals
    return [
        {"name": name, "unit": unit, "old": before, "new": after}
        for (name, unit), before, after in zip(TOTALS, old, new, strict=True)
        if before or after
    ]


def changes(found: Any) -> list[dict[str, Any]]:
    """Places that differ, as texts."""
    return [
        {
            "path": short(one.path, 300),
            "old": None if one.old is None else long(one.old),
            "new": None if one.new is None else long(one.new),
            "lines": [short(line, 400) for line in one.lines],
        }
        for one in found[:_CHANGES]
    ]


def _side(entry: Entry | None, row: Any) -> dict[str, Any] | None:
    """A row's line for one run: what came of it, or what was asked where only that differs or nothing comes of it."""
    if entry is None:
        return None
    words = row_words(entry)
    asked = (row.kind == "input" and row.same_answer) or not entry.stored_output
    line = words["error"] or (words["input"] if asked else words["output"])
    return {"state": entry.state, "line": line, "failed": bool(words["error"])}


def _full(entry: Entry | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    meta = entry.meta
    ended = entry.ended
    return {
        "seq": entry.seq,
        "state": entry.state,
        # What a person gave in a fork had been asked by another run, at its time.
        "took": None if ended is None or entry.given else (ended - entry.started).total_seconds(),
        "attempts": entry.attempts,
        "given": entry.given,
        "tokens": meta.get("tokens"),
        "cost": meta.get("cost"),
        "error": long(entry.error or ""),
        "input": entry.outline("input") if entry.stored_input else None,
        "output": entry.outline() if entry.state == "done" and entry.stored_output else None,
    }
