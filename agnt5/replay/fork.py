"""`run.fork(...)`: a new run that shares the beginning of another and goes on from there.

The older run stays as it is. What the fork changes lies after the cut; an answer before it cannot be changed, because
code has acted on it already.
"""

from __future__ import annotations

import base64
import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from agnt5.codec import encode, encode_call, encode_failure
from agnt5.component import FLOW, Component, component_of
from agnt5.entry import Arguments, Entry
from agnt5.errors import ConfigurationError
from agnt5.execution.diverging import FORK
from agnt5.execution.flowreplay import replay
from agnt5.execution.kinds import COMMAND_WORDS, FAILURE, IMMEDIATE, VALUE, new_run_id
from agnt5.journal import Journal, inert
from agnt5.replay.recorded import RECORDED, recorded
from agnt5.replay.source import changed_names
from agnt5.run import Run
from agnt5.runtime import ask_owner, owner_or_reader
from agnt5.runtime import reader as look

_IMMEDIATE = {COMMAND_WORDS[kind] for kind in IMMEDIATE}
_WORDS = {VALUE: "value", FAILURE: "failure"}


class Command(NamedTuple):
    """A command at or after the cut of a fork. `scope` is the seq of the call it is nested in, 0 for the run's own."""

    seq: int
    scope: int
    kind: str
    path: str


class ForkPlan(NamedTuple):
    """What a fork at one place would do. What is stored before `cut` is shared.

    `at`, `place`: where, as the number that was given or implied, and in words; `shared`: how many entries, as the
    journal shows them, the fork has in common with the older run. `in_flight`: asked before the cut and not answered
    there; done again, or answered as then with `inflight="reuse"`.
    `later`: what the older run did after the cut and the fork will do anew, if its code still asks for it. `given`:
    paths of those that do not run, because `outputs` or `fail` answer them.
    """

    at: int
    cut: int
    in_flight: list[Command]
    later: list[Command]
    given: tuple[str, ...] = ()
    shared: int = 0
    place: str = ""

    def __str__(self) -> str:
        many = f"{self.shared} entries are" if self.shared > 1 else "one entry is"
        lines = [f"forks {self.place}: {many if self.shared else 'nothing but the start is'} shared"]
        asked = {command.seq for command in self.in_flight}
        told = [("in flight", command) for command in self.in_flight]
        told += [("runs again", command) for command in self.later if command.seq not in asked]
        for what, command in told:
            what = "given" if command.path in self.given else what
            lines.append(f"  {what:<10}  {command.kind:<8} {command.path}")
        return inert("\n".join(lines))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self) if cycle else str(self))


def plan_fork(
    run: Run,
    at: int | str | Entry | None = None,
    *,
    input: Any = None,
    outputs: Mapping[str, Any] | None = None,
    fail: Mapping[str, Any] | None = None,
    code: Component[..., Any] | Callable[..., Any] | None = None,
) -> ForkPlan:
    """Where `run.fork` with these arguments would cut, and what would run live. Nothing is written.

    ConfigurationError when a path names nothing that lies at or after the cut, or there is no such entry.
    """
    reader = look()
    journal = run.journal
    changed = [*(outputs or ()), *(fail or ())]
    if not all(isinstance(one, Mapping) for one in (outputs or {}, fail or {})) or not all(
        isinstance(path, str) for path in changed
    ):
        raise ConfigurationError("`outputs=` and `fail=` are given by path: {'fetch#2': value}.")
    seq = 0 if input is not None else _place(journal, at, changed)
    if input is not None and at not in (None, 0):
        raise ConfigurationError("Another input belongs to a fork from the start: leave `at` out, or the input.")
    cut, in_flight, later = reader.fork_plan(run.id, seq, code is not None or _has_changed(run))
    if input is not None:
        cut, in_flight = 1, []
    shared = sum(entry.seq < cut for entry in journal)
    flight, after = ([_command(one) for one in found] for found in (in_flight, later))
    known = {command.path for command in (*flight, *after)}
    silent = _below_given([*flight, *after], changed)
    flight, after = ([one for one in found if one.seq not in silent] for found in (flight, after))
    plan = ForkPlan(seq, cut, flight, after, tuple(changed), shared, _in_words(journal, seq))
    for path in changed:
        if path not in known and code is None and journal.status.terminal:
            raise ConfigurationError(_no_such_path(run, path, plan))
    return plan


def fork(
    run: Run,
    at: int | str | Entry | None = None,
    *,
    input: Any = None,
    outputs: Mapping[str, Any] | None = None,
    fail: Mapping[str, Any] | None = None,
    state: Mapping[str, Any] | None = None,
    inflight: Literal["rerun", "reuse"] = "rerun",
    objects: Literal["overlay", "live"] = "overlay",
    code: Component[..., Any] | Callable[..., Any] | None = None,
    run_id: str | None = None,
) -> Run:
    """Start the fork; see `Run.fork`."""
    if inflight not in ("rerun", "reuse"):
        raise ConfigurationError(f'inflight is "rerun" or "reuse", not {inflight!r}.')
    if objects not in ("overlay", "live"):
        raise ConfigurationError(f'objects is "overlay" or "live", not {objects!r}.')
    plan = plan_fork(run, at, input=input, outputs=outputs, fail=fail, code=code)
    twice = sorted({*(outputs or ())} & {*(fail or ())})
    if twice:
        raise ConfigurationError(f"{twice[0]!r} cannot both give a value and fail.")
    answers = {path: (VALUE, encode(value)) for path, value in (outputs or {}).items()}
    answers |= {
        path: (FAILURE, encode_failure(_error(path, error), attempts=1)) for path, error in (fail or {}).items()
    }
    changes = {name: encode(value) if value is not None else None for name, value in (state or {}).items()}
    given = None if input is None else encode_call(*call_of(input))
    runtime, _ = owner_or_reader()
    if runtime is None:
        refuse_code_elsewhere(code)
        return ask_for(
            "fork",
            run.id,
            run_id,
            at=plan.at,
            input=text_of(given),
            outcomes={path: {_WORDS[kind]: text_of(data)} for path, (kind, data) in answers.items()},
            state={name: text_of(data) for name, data in changes.items()},
            reuse=inflight == "reuse",
            overlay=objects == "overlay",
        )
    component = component_for(run, code)
    other_code = code is not None or _has_changed(run)
    if other_code and input is None and component.kind == FLOW:
        # Told here, where the person is, and not by a fork that stops at its first command.
        replay(component, runtime.reader.recording(run.id), plan.cut, FORK)
    identity = runtime.fork(
        component,
        run.id,
        plan.at,
        run_id=run_id,
        input=given,
        answers=answers,
        state=changes,
        other_code=other_code,
        reuse=inflight == "reuse",
        overlay=objects == "overlay",
    )
    return Run(identity)


def ask_for(what: str, origin: str, run_id: str | None, **request: Any) -> Run:
    """Have the process that owns the store make a run out of an older one; its code drives it."""
    identity = run_id or new_run_id()
    ask_owner({"do": what, "run_id": identity, "origin_id": origin, **request})
    return Run(identity)


def refuse_code_elsewhere(code: Any) -> None:
    if code is not None:
        raise ConfigurationError(
            "Another process owns the store and drives its runs with the code that it has, so `code=` cannot be used "
            "from here."
        )


def text_of(data: bytes | None) -> str | None:
    """Bytes as a request to the owner holds them."""
    return None if data is None else base64.b64encode(data).decode()


def _has_changed(run: Run) -> bool:
    """Whether the code that would go on differs from the code that was recorded."""
    from agnt5 import registry
    from agnt5.execution.code import snapshot

    component = registry.find(run.component)
    started = look().entries(run.id, 0, 1)[0]
    return component is not None and bool(changed_names(started.code, snapshot(component).source_json))


def call_of(input: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments out of what stands for an input: `Arguments`, a tuple that is spread, or one argument."""
    if isinstance(input, Arguments):
        return input.args, input.kwargs
    if isinstance(input, tuple):
        return input, {}
    return (input,), {}


def _place(journal: Journal, at: int | str | Entry | None, changed: list[str]) -> int:
    """The entry to fork at: given, found by its path, or the first command whose answer is to change."""
    run_id = journal.run_id
    shows = f"`print(run.journal)` or `agnt5 show {run_id}` shows them."
    if isinstance(at, Entry):
        at = at.seq
    if isinstance(at, int):
        if at < 0:
            raise ConfigurationError(f"`at=` is the number of an entry, from 0, or its path; it is {at}.")
        if at > journal.stored[-1].seq:
            last = journal[-1] if len(journal) else None
            until = (
                "it has none yet." if last is None else f"its last is {last.seq} ({last.path or last.kind}). {shows}"
            )
            raise ConfigurationError(f"Run {run_id} has no entry {at}: {until}")
        return at
    by_path = {entry.path: entry.seq for entry in reversed(journal)}
    if isinstance(at, str):
        if at not in by_path:
            raise ConfigurationError(f"Run {run_id} has no entry with the path {at!r}.{_near(at, by_path)} {shows}")
        return by_path[at]
    found = [by_path[path] for path in changed if path in by_path]
    if not found:
        first = changed[0] if changed else ""
        unknown = f"Run {run_id} asked for nothing with the path {first!r}.{_near(first, by_path)} " if first else ""
        raise ConfigurationError(
            f"{unknown}Say where to fork: `at=` an entry's number or path, or `outputs=`, `fail=` or `input=` that "
            "imply it."
        )
    return min(found)


def _in_words(journal: Journal, seq: int) -> str:
    """Where a fork at this number begins, told by numbers that the journal shows."""
    if seq == 0:
        return "at the start"
    asked = journal.by_seq.get(seq)
    if asked is not None:
        return f"at entry {seq}, {asked.path or asked.kind}"
    # What `replay.position` gives: the number of an answer.
    answered = journal.by_seq.get(journal.stored[seq].command)
    return f"at {seq}" if answered is None else f"after entry {answered.seq}, {answered.path or answered.kind}"


def component_for(run: Run, code: Any) -> Component[..., Any]:
    """The code that a run made of this one is driven with: what is registered, or another version of it."""
    from agnt5 import registry

    name = run.component
    if code is None:
        component = registry.find(name)
        if component is None:
            raise ConfigurationError(
                f"Nothing is called {name!r} in this process. Define it, or give `code=`, and fork again."
            )
        return component
    if code == RECORDED:
        return recorded(run.journal)
    component = component_of(code)
    if component is None or component.name != name:
        raise ConfigurationError(
            f"`code=` must be another version of {name!r}, a component with this name, or {RECORDED!r}; it is {code!r}."
        )
    return component


def _command(found: tuple[int, int, int, str]) -> Command:
    seq, scope, kind, path = found
    return Command(seq, scope, COMMAND_WORDS.get(kind, str(kind)), path)


def _below_given(commands: list[Command], given: list[str]) -> set[int]:
    """Numbers of those that nobody asks: a call whose answer is given does not run, nor does anything in it."""
    given_seqs = {one.seq for one in commands if one.path in given}
    scopes = {one.seq: one.scope for one in commands}
    silent: set[int] = set()
    for seq in sorted(scopes):  # a call has a lower number than what is nested in it
        if scopes[seq] in silent or scopes[seq] in given_seqs:
            silent.add(seq)
    return silent


def _error(path: str, error: Any) -> BaseException:
    if isinstance(error, type) and issubclass(error, Exception):
        try:
            return error()
        except Exception as refused:
            raise ConfigurationError(
                f"What {path!r} is to fail with cannot be made of its class alone ({refused}): give an instance."
            ) from None
    if isinstance(error, Exception):
        return error
    raise ConfigurationError(f"What {path!r} is to fail with is an Exception, not {error!r}.")


def _no_such_path(run: Run, path: str, plan: ForkPlan) -> str:
    entries = {entry.path: entry for entry in reversed(run.journal)}
    found = entries.get(path)
    if found is not None and found.kind in _IMMEDIATE:
        return f"{path!r} ({found.kind}) waits for no answer that could be changed; `state=` changes state."
    if found is not None and found.seq < plan.cut:
        return (
            f"{path!r} (entry {found.seq}) was answered before this fork begins: fork at entry {found.seq} or earlier."
        )
    known = [command.path for command in (*plan.in_flight, *plan.later)]
    return f"Run {run.id} asked for nothing with the path {path!r} after this fork begins.{_near(path, known)}"


def _near(path: str, known: Iterable[str]) -> str:
    # The first of its name has no number.
    bare = path.removesuffix("#1")
    near = [bare] if bare != path and bare in known else difflib.get_close_matches(path, known, 1)
    return f" Did you mean {near[0]!r}?" if near else ""
