"""`run.diff(other)`: two runs side by side, command by command.

Commands are aligned by place and name, then by content (the core does it). Values are compared as they are recorded:
no code runs. Only ids of runs are not: each run has its own, and so have its children.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, overload

from agnt5.codec.changes import Change, argument_changes, changes, text_change, with_ids
from agnt5.conversation import question_of
from agnt5.entry import Entry
from agnt5.journal import Journal, inert, short
from agnt5.replay.source import changed_names, constant_texts, sources
from agnt5.secret import mask

_MARKS = {"same": "=", "added": "+", "removed": "-", "input": "~", "output": "~", "code": "c", "moved": "<"}
_CALLS = frozenset({"step", "call", "child", "object", "start"})
_TOTALS = ("input_tokens", "output_tokens", "cost")
# Changes that the text shows of one entry; all are in `row.changes`.
_SHOWN = 4


class Row(NamedTuple):
    """A command of the old run, of the new one, or of both."""

    old: Entry | None
    new: Entry | None
    same_input: bool
    same_answer: bool
    same_code: bool
    moved: bool
    ids: Mapping[str, str] = MappingProxyType({})
    """Ids of the old run and its children, and which of the new run's stands in the same place. They are no change."""

    @property
    def entry(self) -> Entry:
        """Of the new run, or of the old one when only that has it."""
        found = self.new or self.old
        assert found is not None
        return found

    @property
    def kind(self) -> str:
        """same, added, removed, input (another one), output (another one on the same input), moved, or code."""
        if self.old is None:
            return "added"
        if self.new is None:
            return "removed"
        if not self.same_input:
            return "input"
        if not self.same_answer:
            return "output"
        return "moved" if self.moved else "same" if self.same_code else "code"

    @property
    def changes(self) -> list[Change]:
        """What differs in input and answer; [] for what only one run has."""
        if self.old is None or self.new is None:
            return []
        old, new = self.old, self.new
        found: list[Change] = []
        if not self.same_input:
            found += asked_otherwise(old, new, self.ids)
        if not self.same_answer:
            if old.error or new.error or old.ended is None or new.ended is None:
                found.append(_ended_otherwise(old, new))
            else:
                found += changes(with_ids(old.stored_output, self.ids), new.stored_output, "output")
        return found

    def but_for(self, ids: Mapping[str, str]) -> Row:
        """The same row, compared without these ids."""
        old, new = self.old, self.new
        if old is None or new is None or (self.same_input and self.same_answer):
            return self
        same_input = self.same_input or (
            old.asks == new.asks and _same_but_for(ids, old.stored_input, new.stored_input)
        )
        same_answer = self.same_answer or (
            old.state == new.state and _same_but_for(ids, old.stored_output, new.stored_output)
        )
        return self._replace(same_input=same_input, same_answer=same_answer, ids=ids)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kind": self.kind,
            "path": self.entry.path,
            "command": self.entry.kind,
            "old": self.old and self.old.seq,
            "new": self.new and self.new.seq,
            "moved": self.moved,
            "same_code": self.same_code,
            "changes": [one._asdict() for one in self.changes],
        }

    def __str__(self) -> str:
        return inert(f"{_MARKS[self.kind]} {self.entry.kind} {self.entry.path}")


# A question to a model is one argument, a record. Its `after` names the conversation that it goes on from, by digests.
_ASKED = re.compile(r"input\[0\]\['(\w+)'\]")
_BEFORE = "after"


def asked_otherwise(old: Entry, new: Entry, ids: Mapping[str, str] = MappingProxyType({})) -> list[Change]:
    """What differs in what two commands asked."""
    given = with_ids(old.stored_input, ids), new.stored_input
    if new.kind not in _CALLS:
        return changes(*given, "value")
    found = argument_changes(*given)
    if question_of(new) is None:
        return found
    named = [one._replace(path=_ASKED.sub(r"\1", one.path, count=1)) for one in found]
    told = [one for one in named if not one.path.startswith(_BEFORE)]
    return told or [Change(_BEFORE, "one conversation", "another")]


class Totals(NamedTuple):
    """What a run used. Tokens and cost as its steps noted them; `seconds` from its start to its end, or to its last
    entry."""

    input_tokens: float
    output_tokens: float
    cost: float
    seconds: float
    steps: int


class Diff(Sequence[Row]):
    """Rows in the order of the new run, with what only the old one has where it stood. `str` tells what changed."""

    def __init__(self, old: Journal, new: Journal) -> None:
        self.old = old
        self.new = new
        olds, news = old.by_seq, new.by_seq
        rows = [
            Row(
                *(None if one is None else olds[one], None if two is None else news[two]),
                *(same_input, same_answer, same_code, moved),
            )
            for one, two, same_input, same_answer, same_code, moved in old.recording.align(new.recording)
        ]
        self._ids = _ids(old, new, rows)
        self._rows = [row.but_for(self._ids) for row in rows]

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    @property
    def changed(self) -> list[Row]:
        """Rows that are not the same in both."""
        return [row for row in self._rows if row.kind != "same"]

    @property
    def first(self) -> Row | None:
        """Where the runs part: the first row that is not the same in both."""
        return next((row for row in self._rows if row.kind != "same"), None)

    @property
    def input(self) -> list[Change]:
        """What differs in the arguments of the runs."""
        return argument_changes(with_ids(self.old.stored[0].input, self._ids), self.new.stored[0].input)

    @property
    def result(self) -> list[Change]:
        """What differs in their results; a failure or other status is a change too."""
        (status, old), (new_status, new) = _result(self.old), _result(self.new)
        old = with_ids(old, self._ids)
        if (status, old) == (new_status, new):
            return []
        if status == new_status == "completed":
            return changes(old, new, "result")
        return [Change("result", _outcome(self.old), _outcome(self.new))]

    @property
    def totals(self) -> tuple[Totals, Totals]:
        """What each run used, the old one first."""
        return _totals(self.old), _totals(self.new)

    @property
    def code(self) -> str:
        """Unified diff of the recorded source of the component and what it reaches, constants that it reads among them;
        "" when it is the same."""
        old, new = _sources(self.old), _sources(self.new)
        lines: list[str] = []
        for name in self._changed_code:
            texts = mask(old.get(name, "")).splitlines(), mask(new.get(name, "")).splitlines()
            lines += difflib.unified_diff(
                *texts, f"{name} in {self.old.run_id}", f"{name} in {self.new.run_id}", "", "", 3, ""
            )
        return "\n".join(lines)

    @property
    def _changed_code(self) -> list[str]:
        """Names of what differs in it, in the order of the record."""
        changed = changed_names(self.old.stored[0].code, self.new.stored[0].code)
        return [name for name in {**_sources(self.old), **_sources(self.new)} if name in changed]

    def to_dict(self) -> dict[str, Any]:
        """For JSON; rows that are the same are left out."""
        old, new = self.totals
        first = self.first
        return {
            "old": self.old.run_id,
            "new": self.new.run_id,
            "same": len(self) - len(self.changed),
            "first": first and first.to_dict(),
            "rows": [row.to_dict() for row in self.changed],
            "input": [one._asdict() for one in self.input],
            "result": [one._asdict() for one in self.result],
            "totals": {"old": old._asdict(), "new": new._asdict()},
            "code": self.code,
        }

    def __str__(self) -> str:
        lines = [f"old: {_head(self.old)}", f"new: {_head(self.new)}", ""]
        lines += [f"  {change}" for change in self.input]
        lines += self._body()
        lines += [f"  {change}" for change in self.result]
        lines += _deltas(*self.totals)
        if self.code:
            names = ", ".join(self._changed_code)
            lines.append(f"the code differs in {names}: `diff.code` and `agnt5 diff --code` show how")
        return inert("\n".join(lines))

    def __repr__(self) -> str:
        return f"<Diff of {self.old.run_id} and {self.new.run_id}: {len(self.changed)} of {len(self)} entries differ>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self) if cycle else str(self))

    def _body(self) -> list[str]:
        lines: list[str] = []
        same = 0
        for row in self._rows:
            if row.kind == "same":
                same += 1
                continue
            if same:
                lines.append(f"= {same} the same")
                same = 0
            lines.append(str(row))
            found = row.changes
            lines += [f"    {line}" for change in found[:_SHOWN] for line in str(change).splitlines()]
            if len(found) > _SHOWN:
                lines.append(f"    and {len(found) - _SHOWN} more changes")
        if same:
            lines.append(f"= {same} the same")
        return lines


def _ids(old: Journal, new: Journal, rows: list[Row]) -> dict[str, str]:
    """Ids of the old run and of its children, each with that of the new run in the same place, where they differ."""
    pairs = [(old.run_id, new.run_id)]
    pairs += [(row.old.child_id, row.new.child_id) for row in rows if row.old is not None and row.new is not None]
    return {one: two for one, two in pairs if one and two and one != two}


def _same_but_for(ids: Mapping[str, str], old: bytes, new: bytes) -> bool:
    return old != new and with_ids(old, ids) == new


def _ended_otherwise(old: Entry, new: Entry) -> Change:
    if old.error and new.error and "\n" in old.error + new.error:
        by_line = text_change(f"! {old.error}", f"! {new.error}", "output")
        if by_line.lines:
            return by_line
    return Change("output", _ended(old), _ended(new))


def _ended(entry: Entry) -> str:
    if entry.ended is None:
        return "(not ended)"
    return short(f"! {entry.error}" if entry.error else repr(entry.output), 200)


def _result(journal: Journal) -> tuple[str, bytes]:
    last = journal.stored[-1]
    return str(journal.status), last.payload if last.body == "ended" else b""


def _outcome(journal: Journal) -> str:
    return f"{journal.status} ({journal.facts.reason})" if journal.facts.reason else str(journal.status)


def _head(journal: Journal) -> str:
    noun = "entry" if len(journal) == 1 else "entries"
    return f"{journal.run_id} {journal.component}, {_outcome(journal)}, {len(journal)} {noun}"


def _totals(journal: Journal) -> Totals:
    sums = dict.fromkeys(_TOTALS, 0.0)
    steps = 0
    for entry in journal:
        steps += entry.kind in ("step", "call")
        if entry.noted:
            for name, value in entry.meta.items():
                if name in sums and isinstance(value, int | float):
                    sums[name] += value
    began = journal.facts.started or journal.stored[0].at
    ended = journal.facts.ended or journal.stored[-1].at
    return Totals(**sums, seconds=(ended - began) / 1e6, steps=steps)


def _deltas(old: Totals, new: Totals) -> list[str]:
    lines: list[str] = []
    for name, before, after in zip(Totals._fields, old, new, strict=True):
        if before or after:
            digits = 0 if name in ("input_tokens", "output_tokens", "steps") else 4 if name == "cost" else 3
            lines.append(f"{name:<14} {before:,.{digits}f} → {after:,.{digits}f} ({after - before:+,.{digits}f})")
    return lines


def _sources(journal: Journal) -> dict[str, str]:
    record = journal.stored[0].code
    return sources(record, digests=False) | constant_texts(record)
