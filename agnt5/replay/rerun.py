"""`run.rerun(...)`: the same component again, with results of the older run wherever place, arguments and code are the
same; and `run.reused`, which says what was taken over and why the rest was not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, overload

from agnt5 import registry
from agnt5.codec import encode_call
from agnt5.component import Component
from agnt5.entry import Entry
from agnt5.errors import RunNotFound
from agnt5.execution.fingerprint import fingerprint
from agnt5.execution.reach import Reach, is_own
from agnt5.journal import Journal, inert
from agnt5.replay.fork import ask_for, call_of, component_for, refuse_code_elsewhere, text_of
from agnt5.replay.source import sources
from agnt5.run import Run
from agnt5.runtime import owner_or_reader

_LOCAL = ("step", "call")


def rerun(
    run: Run,
    input: Any = None,
    *,
    always: Iterable[str] = (),
    code: Component[..., Any] | Callable[..., Any] | None = None,
    run_id: str | None = None,
) -> Run:
    """Start the rerun; see `Run.rerun`."""
    names = [always] if isinstance(always, str) else [*always]
    runtime, _ = owner_or_reader()
    if runtime is None:
        refuse_code_elsewhere(code)
        given = None if input is None else encode_call(*call_of(input))
        return ask_for("rerun", run.id, run_id, input=text_of(given), always=names)
    component = component_for(run, code)
    payload = encode_call(*call_of(run.input if input is None else input))
    return Run(runtime.start(component, payload, run_id=run_id, rerun_of=run.id, always=names))


class Executed(NamedTuple):
    """A step that was executed although it is part of a rerun, and why."""

    entry: Entry
    reason: str


class Reused(Sequence[Entry]):
    """The entries of a rerun that were answered from the older run; `len` is how many. `str` tells about all steps.

    `executed`: the other steps, each with its reason. `late`: entries that were reused after something had been
    executed: what they stand for may have been another thing by then.
    """

    def __init__(self, run_id: str, older_id: str, entries: list[Entry], executed: list[Executed]) -> None:
        self.run_id = run_id
        self.older_id = older_id
        self.executed = executed
        first = min((one.entry.seq for one in executed), default=None)
        self.late = [entry for entry in entries if first is not None and entry.seq > first]
        self._entries = entries

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __str__(self) -> str:
        if not self.older_id:
            return f"{self.run_id} is no rerun"
        late = {entry.seq for entry in self.late}
        results = f"{len(self)} {'result' if len(self) == 1 else 'results'}"
        steps = f"{len(self.executed)} {'step' if len(self.executed) == 1 else 'steps'}"
        lines = [f"{results} of {self.older_id} reused, {steps} executed"]
        told = [
            (entry.seq, f"  reused    {entry.path}{'  (after a step was executed)' * (entry.seq in late)}")
            for entry in self
        ]
        told += [(one.entry.seq, f"  executed  {one.entry.path}: {one.reason}") for one in self.executed]
        return inert("\n".join(lines + [line for _, line in sorted(told)]))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "older": self.older_id or None,
            "reused": [{"seq": entry.seq, "path": entry.path} for entry in self],
            "late": [entry.path for entry in self.late],
            "executed": [{"seq": one.entry.seq, "path": one.entry.path, "reason": one.reason} for one in self.executed],
        }

    def __repr__(self) -> str:
        return f"<Reused of {self.run_id}: {len(self)} reused, {len(self.executed)} executed>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self) if cycle else str(self))


def reused(run: Run) -> Reused:
    """What a rerun took over. Empty for a run that is no rerun."""
    journal = run.journal
    started = journal.stored[0]
    if not started.rerun_of:
        return Reused(run.id, "", [], [])
    older: Journal | None
    try:
        older = Run(started.rerun_of).journal
    except RunNotFound:
        older = None
    explain = _Reasons(journal, older, set(started.always))
    taken: list[Entry] = []
    executed: list[Executed] = []
    for entry in journal:
        if entry.kind not in _LOCAL:
            continue
        if entry.reused:
            taken.append(entry)
        else:
            executed.append(Executed(entry, explain(entry)))
    return Reused(run.id, started.rerun_of, taken, executed)


class _Reasons:
    """Why a step was not answered from the older run."""

    def __init__(self, journal: Journal, older: Journal | None, always: set[str]) -> None:
        self._always = always
        self._older = older
        self._component = journal.component
        self._paths = {entry.seq: entry.path for entry in journal}
        self._functions = set() if older is None else _changed_functions(older, journal)
        self._there: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        if older is not None:
            paths = {entry.seq: entry.path for entry in older}
            for entry in older:
                if entry.kind in _LOCAL:
                    self._there[paths.get(entry.scope, ""), entry.name].append(entry)

    def __call__(self, entry: Entry) -> str:
        if entry.name in self._always:
            return "always executed, as asked"
        if self._older is None:
            return "the older run was deleted"
        there = self._there[self._paths.get(entry.scope, ""), entry.name]
        if not there:
            return "not in the older run"
        code, given = entry.fingerprint, entry.digest
        if not code:
            return self._uncomparable(entry)
        same = [one for one in there if one.fingerprint == code]
        if not same:
            return self._changed(entry.name)
        alike = [one for one in same if one.digest == given]
        if not alike:
            return "its arguments changed"
        if all(one.error is not None for one in alike):
            return f"it failed there: {alike[0].error}"
        if all(one.ended is None for one in alike):
            return "it was not finished there"
        return "called more often than in the older run"

    def _uncomparable(self, entry: Entry) -> str:
        """As the code is now: what it reached then is not recorded."""
        fn = registry.find(entry.name) if entry.kind == "call" else self._steps().get(entry.name)
        reason = fingerprint(fn).reason if fn is not None else ""
        return reason or "what its code reaches cannot be compared; `agnt5.replay.why_not(fn)` names the value"

    def _steps(self) -> dict[str, Any]:
        component = registry.find(self._component)
        if component is None:
            return {}
        return {one.__name__: one for one in Reach(component.fn, is_own).functions.values()}

    def _changed(self, name: str) -> str:
        if name in self._functions:
            return "its code changed"
        others = f" ({', '.join(sorted(self._functions))} changed since)" if self._functions else ""
        return f"a value that it reads or something that it calls changed{others}"


def why_not(fn: Callable[..., Any]) -> str | None:
    """Why results of this step can never be reused: the value that it reaches and that cannot be compared. None: they
    can."""
    return fingerprint(fn).reason or None


def _changed_functions(older: Journal, journal: Journal) -> set[str]:
    """Functions whose recorded source differs."""
    old, new = sources(older.stored[0].code), sources(journal.stored[0].code)
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


__all__ = ["Executed", "Reused", "rerun", "reused", "why_not"]
