"""`run.rerun(...)`: the same component again, with results of the older run wherever place, arguments and code are the
same; and `run.reused`, which says what was taken over and why the rest was not.
"""

from __future__ import annotations

import difflib
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, NamedTuple, overload

from agnt5 import registry
from agnt5.codec import encode_call
from agnt5.component import Component
from agnt5.entry import Entry
from agnt5.errors import ConfigurationError, RunNotFound
from agnt5.execution.fingerprint import fingerprint, own_classes_in
from agnt5.execution.reach import Reach, is_own, names_reached
from agnt5.journal import Journal, inert, short
from agnt5.replay.diff import asked_otherwise
from agnt5.replay.fork import ask_for, call_of, component_for, refuse_code_elsewhere, text_of
from agnt5.replay.source import changed_names
from agnt5.run import Run
from agnt5.runtime import owner_or_reader

_LOCAL = ("step", "call")
# As the core has it: a function that did one of these is never reused whole.
_REACHES_OUT = ("state_set", "state_delete", "state_get", "send_event", "object")
_STATE_KEYS = "state.keys"
_CHILDREN = ("child", "start")


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
    if names:
        _refuse_unknown(run, names)
    runtime, _ = owner_or_reader()
    if runtime is None:
        refuse_code_elsewhere(code)
        given = None if input is None else encode_call(*call_of(input))
        return ask_for("rerun", run.id, run_id, input=text_of(given), always=names)
    component = component_for(run, code)
    payload = encode_call(*call_of(run.input if input is None else input))
    return Run(runtime.start(component, payload, run_id=run_id, rerun_of=run.id, always=names))


def _refuse_unknown(run: Run, names: list[str]) -> None:
    """A misspelt name would reuse what was to be executed. What only the code of now asks for is executed anyway."""
    known = {entry.name for entry in _asked(run) if entry.kind in _LOCAL}
    for name in names:
        if name not in known:
            bare = name.partition("#")[0].rpartition("/")[2]
            near = [bare] if bare in known else difflib.get_close_matches(name, known, 1)
            raise ConfigurationError(
                f"`always=` takes names of steps and functions, and run {run.id} has none that is called {name!r}."
                + (f" Did you mean {near[0]!r}?" if near else "")
            )


def _asked(run: Run) -> Iterator[Entry]:
    """The entries of a run and of its child runs."""
    for entry in run.journal:
        yield entry
        if entry.child_id and entry.kind in _CHILDREN:
            with suppress(RunNotFound):
                yield from _asked(Run(entry.child_id))


class Executed(NamedTuple):
    """A step that was executed although it is part of a rerun, and why."""

    entry: Entry
    reason: str


class Child(NamedTuple):
    """A child run of a rerun, and what that took over."""

    entry: Entry
    reused: Reused


class Reused(Sequence[Entry]):
    """The entries of a rerun that were answered from the older run; `len` is how many. `str` tells about all steps,
    those of child runs too.

    `executed`: the other steps, each with its reason. `late`: entries that were reused after something had been
    executed: what they stand for may have been another thing by then. `children`: the entries of child runs, each with
    the same for that run; a child that the older run did not have is no rerun, and has no `older_id`.
    """

    def __init__(
        self, run_id: str, older_id: str, entries: list[Entry], executed: list[Executed], children: list[Child]
    ) -> None:
        self.run_id = run_id
        self.older_id = older_id
        self.executed = executed
        self.children = children
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

    @property
    def totals(self) -> tuple[int, int]:
        """How many results were reused and how many steps executed, in child runs too."""
        below = [one.reused.totals for one in self.children]
        return len(self) + sum(one for one, _ in below), len(self.executed) + sum(two for _, two in below)

    def __str__(self) -> str:
        if not self.older_id:
            return f"{self.run_id} is no rerun"
        of = f" of {self.older_id} and its child runs" if self.children else f" of {self.older_id}"
        return inert("\n".join([_counted(self.totals, of), *self._lines("  ")]))

    def _lines(self, indent: str) -> list[str]:
        late = {entry.seq for entry in self.late}
        told = [
            (entry.seq, [f"{indent}reused    {entry.path}{'  (after a step was executed)' * (entry.seq in late)}"])
            for entry in self
        ]
        told += [(one.entry.seq, [f"{indent}executed  {one.entry.path}: {one.reason}"]) for one in self.executed]
        for entry, child in self.children:
            what = _counted(child.totals) if child.older_id else "run anew"
            told.append((entry.seq, [f"{indent}child     {entry.path}: {what}", *child._lines(f"{indent}  ")]))
        return [line for _, lines in sorted(told) for line in lines]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "older": self.older_id or None,
            "reused": [{"seq": entry.seq, "path": entry.path} for entry in self],
            "late": [entry.path for entry in self.late],
            "executed": [{"seq": one.entry.seq, "path": one.entry.path, "reason": one.reason} for one in self.executed],
            "children": [
                {"seq": entry.seq, "path": entry.path, "run": child.run_id, **child.to_dict()}
                for entry, child in self.children
            ],
        }

    def __repr__(self) -> str:
        return f"<Reused of {self.run_id}: {len(self)} reused, {len(self.executed)} executed>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self) if cycle else str(self))


def _counted(totals: tuple[int, int], of: str = "") -> str:
    results, steps = totals
    return (
        f"{results} {'result' if results == 1 else 'results'}{of} reused, "
        f"{steps} {'step' if steps == 1 else 'steps'} executed"
    )


def reused(run: Run) -> Reused:
    """What a rerun took over. Empty for a run that is no rerun."""
    journal = run.journal
    started = journal.stored[0]
    if not started.rerun_of:
        return Reused(run.id, "", [], [], [])
    older: Journal | None
    try:
        older = Run(started.rerun_of).journal
    except RunNotFound:
        older = None
    explain = _Reasons(journal, older, set(started.always))
    taken: list[Entry] = []
    executed: list[Executed] = []
    children: list[Child] = []
    for entry in journal:
        if entry.child_id and entry.kind in _CHILDREN:
            with suppress(RunNotFound):
                children.append(Child(entry, reused(Run(entry.child_id))))
        if entry.kind not in _LOCAL:
            continue
        if entry.reused:
            taken.append(entry)
        else:
            executed.append(Executed(entry, explain(entry)))
    return Reused(run.id, started.rerun_of, taken, executed, children)


_NEVER = "the older run never asked for it"


class _Reasons:
    """Why a step was not answered from the older run.

    Each executed step is compared with one of the older run's that has its place and name and was not taken over: one
    with the same arguments, else the first that is left. The older run never asked for a step that finds none, as when
    it failed before.
    """

    def __init__(self, journal: Journal, older: Journal | None, always: set[str]) -> None:
        self._always = always
        self._older = older
        self._component = journal.component
        self._changed = set() if older is None else changed_names(older.stored[0].code, journal.stored[0].code)
        there, own = {} if older is None else _placed(older), _placed(journal)
        self._places = {entry.seq: place for place, entries in own.items() for entry in entries}
        self._taken: _Placed = defaultdict(list)
        self._twins: dict[int, Entry] = {}
        for place, entries in own.items():
            taken = {entry.reused for entry in entries}
            left = [one for one in there.get(place, ()) if one.seq not in taken]
            self._pair([entry for entry in entries if not entry.reused], left)
            self._taken[place] = [one for one in there.get(place, ()) if one.seq in taken]

    def _pair(self, executed: list[Entry], left: list[Entry]) -> None:
        by_digest: dict[bytes, deque[Entry]] = defaultdict(deque)
        for one in left:
            by_digest[one.digest].append(one)
        alone: list[Entry] = []
        for entry in executed:
            alike = by_digest[entry.digest]
            if alike:
                self._twins[entry.seq] = alike.popleft()
            else:
                alone.append(entry)
        found = {one.seq for one in self._twins.values()}
        rest = [one for one in left if one.seq not in found]
        self._twins |= {entry.seq: one for entry, one in zip(alone, rest, strict=False)}

    def __call__(self, entry: Entry) -> str:
        if entry.name in self._always:
            return "always executed, as asked"
        if self._older is None:
            return "the older run was deleted"
        twin = self._twins.get(entry.seq)
        if twin is None:
            taken = self._taken[self._places[entry.seq]]
            same = any(one.digest == entry.digest and one.fingerprint == entry.fingerprint for one in taken)
            return "called more often than in the older run" if same else _NEVER
        if not entry.fingerprint:
            return self._uncomparable(entry)
        if not twin.fingerprint:
            return (
                "what its code reached could not be compared when the older run asked for it, as when it imports a "
                "module that was not loaded yet"
            )
        if twin.fingerprint != entry.fingerprint:
            return self._other_code(entry)
        if twin.digest != entry.digest:
            return _other_arguments(twin, entry)
        if twin.error is not None:
            return f"it failed there: {twin.error}"
        if self._reached_out(twin):
            return "it reads or changes what others do too (state, objects, events): it runs, and its steps are reused"
        return "it was not finished there"  # not when this run looked, though it may be by now

    def _reached_out(self, call: Entry) -> bool:
        """Whether a function of the older run did what its result does not tell."""
        below = {call.seq}
        for entry in self._older or ():
            if entry.scope in below:
                if entry.kind in _REACHES_OUT or entry.name == _STATE_KEYS:
                    return True
                below.add(entry.seq)
        return False

    def _uncomparable(self, entry: Entry) -> str:
        """As the code is now: what it reached then is not recorded."""
        fn = self._code_of(entry)
        code = [fn, *own_classes_in(entry.stored_input)]
        reason = next((found for one in code if one is not None and (found := fingerprint(one).reason)), "")
        return reason or "what its code reaches cannot be compared; `agnt5.replay.why_not(fn)` names the value"

    def _other_code(self, entry: Entry) -> str:
        if entry.name in self._changed:
            return "its code changed"
        fn = self._code_of(entry)
        # What a method or closure reaches is not known by its name: nothing is said to be the reason that may not be.
        names = sorted(self._changed & names_reached(fn)) if fn is not None else []
        if names:
            return f"what it uses changed: {', '.join(names)}"
        others = f" ({', '.join(sorted(self._changed))} changed since)" if self._changed else ""
        return f"a value that it reads, something that it calls or a class of its arguments changed{others}"

    def _code_of(self, entry: Entry) -> Any:
        """What the entry's step would run now, None when that cannot be told."""
        return (registry.find(entry.name) if entry.kind == "call" else None) or self._steps.get(entry.name)

    @cached_property
    def _steps(self) -> dict[str, Any]:
        component = registry.find(self._component)
        if component is None:
            return {}
        return {one.__name__: one for one in Reach(component.fn, is_own).functions.values()}


def _other_arguments(twin: Entry, entry: Entry) -> str:
    told = asked_otherwise(twin, entry)
    first = f": {short(str(told[0]), 200)}" if told else ""
    return f"its arguments changed{first}{', and more' if len(told) > 1 else ''}"


_Placed = dict[tuple[str, str, str], list[Entry]]


def _placed(journal: Journal) -> _Placed:
    """Steps and functions by what they are compared by: the call they are nested in, kind and name; in order."""
    paths = {entry.seq: entry.path for entry in journal}
    found: _Placed = defaultdict(list)
    for entry in journal:
        if entry.kind in _LOCAL:
            found[paths.get(entry.scope, ""), entry.kind, entry.name].append(entry)
    return found


def why_not(fn: Callable[..., Any]) -> str | None:
    """Why results of this step can never be reused: the value that it reaches and that cannot be compared. None: they
    can."""
    return fingerprint(fn).reason or None


__all__ = ["Child", "Executed", "Reused", "rerun", "reused", "why_not"]
