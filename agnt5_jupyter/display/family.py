"""A run among those it was made of and those made of it: where each was cut, and what was changed there.

It reads the store when asked and keeps what cannot change any more: all of a run that has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import agnt5

from .words import short

if TYPE_CHECKING:
    from agnt5 import Journal, Run

MOST = 200
"""Runs that are shown; the nearest to the root come first."""
_CHANGES = 8


class Member(NamedTuple):
    """One run of a family. Seqs count entries of its journal."""

    id: str
    parent: str
    depth: int
    how: str
    """"" for the root, fork or rerun"""
    component: str
    status: str
    created: float
    seconds: float | None
    cut: int
    """First entry that is not shared with the parent; 0 for a rerun and for the root."""
    at: str
    """Path of the entry at the cut, or what lies there."""
    last: int
    """Seq of what was stored last: as long as its lane."""
    entries: int
    """How many its journal shows."""
    changed: list[str]
    outcome: str


class Family:
    """All relatives of a run that are still in the store."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._ended: dict[str, Member] = {}
        self.more = False

    def members(self) -> list[Member]:
        """The eldest first, each followed by its forks, in the order in which they were made."""
        found: list[Member] = []
        self.more = False
        todo: list[tuple[Run, Run | None, int]] = [(_eldest(self.run), None, 0)]
        while todo:
            run, parent, depth = todo.pop()
            if len(found) == MOST:
                self.more = True
                break
            try:
                found.append(self._member(run, parent, depth))
                todo += [(fork, run, depth + 1) for fork in reversed(run.forks)]
            except agnt5.RunNotFound:  # deleted while we looked
                continue
        return found

    def _member(self, run: Run, parent: Run | None, depth: int) -> Member:
        known = self._ended.get(run.id)
        if known is not None:
            return known
        member = _read(run, parent, depth)
        if agnt5.Status(member.status).terminal:
            self._ended[run.id] = member
        return member


def _eldest(run: Run) -> Run:
    seen = {run.id}
    while (parent := run.parent) is not None and parent.id not in seen:
        seen.add(parent.id)
        run = parent
    return run


def _read(run: Run, parent: Run | None, depth: int) -> Member:
    journal = run.journal
    cut = run.cut if parent is not None else 0
    took = run.duration
    return Member(
        id=run.id,
        parent="" if parent is None else parent.id,
        depth=depth,
        how="" if parent is None else "fork" if cut else "rerun",
        component=short(journal.component),
        status=str(journal.status),
        created=run.created.timestamp(),
        seconds=None if took is None else took.total_seconds(),
        cut=cut,
        at=_place(parent.journal, cut) if parent is not None and cut else "",
        last=journal.stored[-1].seq,
        entries=len(journal),
        changed=[] if parent is None else _changed(journal, parent.journal, cut),
        outcome=_outcome(journal),
    )


def _place(parent: Journal, cut: int) -> str:
    """What the parent had at the cut: the last thing that was asked before it."""
    before = [entry for entry in parent if entry.seq < cut]
    return short(before[-1].path or before[-1].name) if before else "the start"


def _changed(journal: Journal, parent: Journal, cut: int) -> list[str]:
    """What a person changed: the input, answers given, code."""
    found: list[str] = []
    first, other = journal.stored[0], parent.stored[0]
    if first.input != other.input:
        found.append("another input")
    given = [entry for entry in journal if entry.given and entry.answered >= cut]
    found += [f"{short(entry.path, 60)} {'fails' if entry.error else 'given'}" for entry in given[:_CHANGES]]
    if len(given) > _CHANGES:
        found.append(f"{len(given) - _CHANGES} more answers given")
    if first.code_digest != other.code_digest:
        found.append("other code")
    reused = sum(1 for entry in journal if entry.reused)
    if reused:
        found.append(f"{reused:,} answer{'' if reused == 1 else 's'} taken over")
    return found


def _outcome(journal: Journal) -> str:
    failure = journal.failure
    if failure is not None:
        return short(f"{failure.name}: {failure.message}", 140)
    found: Any = journal.outline(levels=0)
    return short(str(found["line"]), 140) if found else ""
