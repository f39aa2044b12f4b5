"""The invariants of a store that is killed again and again, checked from outside after every life.

The witness reads the store and the ledger, and remembers what it has seen. It must never own the store or write to it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from agnt5 import _core
from agnt5.codec import decode, decode_call
from agnt5.errors import StoreError
from crash.ledger import Fact, facts

FIELDS = tuple(name for name in vars(_core.Entry) if not name.startswith("_"))
BODIES = (_core.COMMAND_STEP, _core.COMMAND_CALL)
WAITING, PAUSED, COMPLETED, FAILED, CANCELLED = 2, 3, 4, 5, 6

Journal = list[tuple[Any, ...]]
Step = tuple[str, str]  # run id, label


class Witness:
    def __init__(self, store: Path, ledger: Path) -> None:
        self.store = store
        self.ledger = ledger
        self.journals: dict[str, Journal] = {}
        self.done: set[Step] = set()
        self.executions: dict[Step, int] = {}
        self._keys: dict[Step, str] = {}
        self._owners: dict[str, Step] = {}
        self._started: set[str] = set()
        self._sent: set[str] = set()
        self.results: dict[str, Any] = {}
        self._durable: dict[str, int] = {}
        self._offset = 0

    def look(self) -> list[Fact]:
        """Check everything that the last life left behind; returns its facts."""
        told, self._offset = facts(self.ledger, self._offset)
        self._hear(told)
        reader = self._reader()
        if reader is None:
            assert not self._started, "the store is gone, and runs were acknowledged"
            return told
        rows = _rows(reader)
        for row in rows:
            self._check_journal(row, [_plain(entry) for entry in _entries(reader, row.id)])
        known = {row.id: row for row in rows}
        lost = (self._started | self.journals.keys()) - known.keys()
        assert not lost, f"acknowledged runs are gone: {lost}"
        for run_id, seq in self._durable.items():
            assert len(self.journals[run_id]) > seq, f"{run_id}: entry {seq} was acknowledged and is gone"
        for run_id, value in self.results.items():
            assert self._result(run_id) == value, f"{run_id}: its acknowledged result changed"
        self._check_objects(reader, rows)
        self._check_events()
        return told

    def _reader(self) -> _core.Reader | None:
        for _ in range(20):
            try:
                return _core.Reader.open(str(self.store))
            except StoreError as error:
                if "no store" in str(error) or "schema version 0" in str(error):
                    return None  # killed before there was one
                if "readonly database" not in str(error):
                    raise
                time.sleep(0.05)  # the killed process is not gone yet, and its index of the log cannot be rebuilt
        raise AssertionError("the store of a killed process cannot be read")

    def _hear(self, told: list[Fact]) -> None:
        once: set[tuple[Any, ...]] = set()
        for word, rest in told:
            if word == "body":
                run_id, label, key, attempt = rest
                step = (run_id, label)
                assert step not in self.done, f"{step} was executed after its recorded success"
                assert (step, attempt) not in once, f"{step}: attempt {attempt} was executed twice in one life"
                once.add((step, attempt))
                self.executions[step] = self.executions.get(step, 0) + 1
                assert self._keys.setdefault(step, key) == key, f"{step}: its idempotency key changed"
                # A body of a run has its run's key, whatever its label.
                assert self._owners.setdefault(key, step) == step, f"{step} has the key of {self._owners[key]}"
            elif word == "durable":
                self._durable[rest[0]] = max(rest[1], self._durable.get(rest[0], 0))
            elif word == "started":
                self._started.add(rest[0])
            elif word == "sent":
                assert not (rest[1] and rest[0] in self._sent), f"{rest[0]} was acknowledged and taken a second time"
                self._sent.add(rest[0])
            elif word == "result":
                assert self.results.setdefault(rest[0], rest[1]) == rest[1], f"{rest[0]}: another result"

    def _check_journal(self, row: _core.RunRow, journal: Journal) -> None:
        before = self.journals.get(row.id, [])
        assert journal[: len(before)] == before, f"{row.id}: what was recorded changed"
        self.journals[row.id] = journal
        entries = [dict(zip(FIELDS, entry, strict=True)) for entry in journal]
        assert [entry["seq"] for entry in entries] == list(range(len(entries))), f"{row.id}: a gap"
        completed: set[int] = set()
        for entry in entries:
            if entry["body"] == "completion":
                assert entry["command"] not in completed, f"{row.id}: entry {entry['command']} ended twice"
                completed.add(entry["command"])
                command = entries[entry["command"]]
                if command["kind"] in BODIES and entry["outcome"] == _core.OUTCOME_VALUE:
                    self.done.add((row.id, decode_call(command["input"])[0][0]))
        ends = [entry["seq"] for entry in entries if entry["body"] == "ended"]
        terminal = row.status in (COMPLETED, FAILED, CANCELLED)
        assert ends == ([len(entries) - 1] if terminal else []), f"{row.id}: status {row.status}, ends {ends}"
        if terminal:
            # The root of a function or method has the label "root" or is its first argument.
            self.done.add((row.id, "root"))
            if row.kind == _core.COMPONENT_OBJECT:
                self.done.add((row.id, decode_call(entries[0]["input"])[0][0]))

    def _check_objects(self, reader: _core.Reader, rows: list[_core.RunRow]) -> None:
        ended = [row for row in rows if row.kind == _core.COMPONENT_OBJECT and row.status == COMPLETED]
        results = sorted(self._result(row.id) for row in ended)
        assert results == list(range(1, len(ended) + 1)), "no serial order of the calls gives these results"
        kept = reader.object_state("Tally\nshared")
        assert (decode(kept)["total"] if kept else 0) == len(ended), "the object's state is not the fold of its calls"

    def _result(self, run_id: str) -> Any:
        """The value that a run, or the last of those it handed over to, ended with; or "cancelled"."""
        end = dict(zip(FIELDS, self.journals[run_id][-1], strict=True))
        assert end["body"] == "ended", "it was acknowledged, and it has not ended"
        if end["outcome"] == _core.OUTCOME_CONTINUED:
            return self._result(end["child_id"])
        return decode(end["payload"]) if end["outcome"] == _core.OUTCOME_VALUE else "cancelled"

    def _check_events(self) -> None:
        consumed = [
            decode(entry["payload"])
            for journal in self.journals.values()
            for entry in (dict(zip(FIELDS, one, strict=True)) for one in journal)
            if entry["body"] == "completion" and entry["outcome"] == _core.OUTCOME_RECEIVED
        ]
        assert len(consumed) == len(set(consumed)), "an event was consumed twice"

    def check_end(self) -> None:
        """After a life without a kill: nothing is left undone, and nothing acknowledged got lost on the way."""
        reader = self._reader()
        assert reader is not None
        for row in _rows(reader):
            cancelled = row.id.startswith("stopped")
            assert row.status == (CANCELLED if cancelled else COMPLETED), f"{row.id}: {row.status} {row.reason}"
        heard = {
            payload
            for run_id, value in self.results.items()
            if run_id.startswith("listens")
            for payload in (value[0], value[2])
        }
        assert self._sent == heard, "an acknowledged event never arrived"
        for (run_id, label), times in self.executions.items():
            assert label != "charge" or times == 1, f"{run_id} charged {times} times"


def _rows(reader: _core.Reader) -> list[_core.RunRow]:
    rows: list[_core.RunRow] = []
    while page := reader.runs(limit=500, before=rows[-1].num if rows else 0):
        rows += page
    return rows


def _entries(reader: _core.Reader, run_id: str) -> list[_core.Entry]:
    entries: list[_core.Entry] = []
    while page := reader.entries(run_id, len(entries), 500):
        entries += page
    return entries


def _plain(entry: _core.Entry) -> tuple[Any, ...]:
    return tuple(getattr(entry, name) for name in FIELDS)
