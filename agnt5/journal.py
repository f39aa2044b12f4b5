"""A run's journal as people read it: one entry per command, with what became of it.

It is folded from the stored entries and is a picture of the moment; reading it never runs code. Values are decoded when
asked, and one that cannot be decoded here is shown as it lies.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from agnt5.codec import decode, decode_call, read_failure
from agnt5.errors import SerializationError

if TYPE_CHECKING:
    from agnt5 import _core
    from agnt5.component import Component
    from agnt5.replay.replay import Replay

_WIDEST = 40


class Arguments(NamedTuple):
    """What a body was called with."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __str__(self) -> str:
        shown = [repr(value) for value in self.args] + [f"{name}={value!r}" for name, value in self.kwargs.items()]
        return f"({', '.join(shown)})"


class RawBytes(bytes):
    """Recorded bytes that this program cannot turn back into the value they were."""

    def __repr__(self) -> str:
        return f"<raw {self.decode('utf-8', 'backslashreplace')}>"


class FailedTry(NamedTuple):
    """One attempt that failed and was tried again."""

    at: datetime
    error: str
    retry_at: datetime | None
    logs: list[tuple[str, datetime, str]]


class Entry:
    """One command and its completion. `ended` is None while it is under way; times are UTC."""

    __slots__ = ("_command", "_completion", "_kind", "depth", "failed_tries")

    def __init__(self, command: _core.Entry, kind: str, depth: int) -> None:
        self._command = command
        self._completion: _core.Entry | None = None
        self._kind = kind
        self.depth = depth
        self.failed_tries: list[FailedTry] = []

    def completed_by(self, completion: _core.Entry) -> None:
        self._completion = completion

    @property
    def seq(self) -> int:
        return self._command.seq

    @property
    def scope(self) -> int:
        """Seq of the call it is nested in; 0 for the run's own."""
        return self._command.scope

    @property
    def path(self) -> str:
        return self._command.path

    @property
    def kind(self) -> str:
        """step, call, child, object, sleep, event, state_set/get/delete, send_event, cancel, start or join."""
        return self._kind

    @property
    def name(self) -> str:
        return self._command.name

    @property
    def input(self) -> Any:
        """Arguments of a body, the value that was set or sent, or None."""
        if not self._command.input:
            return None
        if self._kind in ("step", "call", "child", "object", "start"):
            return arguments(self._command.input)
        return value_of(self._command.input)

    @property
    def output(self) -> Any:
        """What it gave, or None."""
        from agnt5.execution.kinds import RECEIVED, VALUE

        done = self._completion
        if done is None or done.outcome not in (VALUE, RECEIVED) or not done.payload:
            return None
        return value_of(done.payload)

    @property
    def error(self) -> str | None:
        """`Class: message` when it failed, timed out or was cancelled."""
        from agnt5.execution.kinds import CANCELLED, FAILURE, TIMED_OUT

        done = self._completion
        if done is None:
            return None
        if done.outcome == FAILURE:
            return failure_line(done.payload)
        return {TIMED_OUT: "timed out", CANCELLED: "cancelled"}.get(done.outcome)

    @property
    def attempts(self) -> int:
        """How often its code was tried until now, 0 for what is no code."""
        if self._completion is not None:
            return self._completion.attempts
        return len(self.failed_tries)

    @property
    def started(self) -> datetime:
        """When the last attempt's code began, or when it was asked."""
        done = self._completion
        return moment(done.began if done is not None and done.began else self._command.at)

    @property
    def ended(self) -> datetime | None:
        from agnt5.execution.kinds import IMMEDIATE

        if self._completion is None:
            return moment(self._command.at) if self._command.kind in IMMEDIATE else None
        return moment(self._completion.at)

    @property
    def due(self) -> datetime | None:
        """When a sleep ends or a wait gives up."""
        return moment(self._command.due) if self._command.due else None

    @property
    def child_id(self) -> str:
        """Id of the run that it made or awaits, or ""."""
        return self._command.child_id

    @property
    def digest(self) -> bytes:
        """What its input is compared by."""
        return _digest(self._command.input)

    @property
    def fingerprint(self) -> bytes:
        """What the code that it ran, or would have run, is compared by; b"" when that is not known."""
        return self._command.step_code

    @property
    def reused(self) -> int:
        """Seq of the entry of an older run whose answer this is; 0 when it is its own."""
        return 0 if self._completion is None else self._completion.reused

    @property
    def given(self) -> bool:
        """Whether its answer is a person's word."""
        return self._completion is not None and self._completion.given

    @property
    def logs(self) -> list[tuple[str, datetime, str]]:
        """What the code printed or logged: (stream, when, text)."""
        return [] if self._completion is None else log_lines(self._completion.logs)

    @property
    def meta(self) -> dict[str, Any]:
        """Tokens, cost, model and the like, when the step noted them."""
        return json.loads(self._completion.meta) if self._completion is not None and self._completion.meta else {}

    def __repr__(self) -> str:
        return f"<Entry {self.seq} {self.kind} {self.path}>"


class Journal(Sequence[Entry]):
    """The entries of one run, in order of their commands. `str(journal)` is a table."""

    # What the store or a file holds, completions and marks included: replays and comparisons read these.
    stored: list[_core.Entry]
    recording: _core.Recording

    def __init__(self, run_id: str, entries: list[Entry]) -> None:
        self.run_id = run_id
        # Whether it came from a file: then it is only data.
        self.loaded = False
        self.warnings: list[str] = []
        self.logs: list[tuple[str, datetime, str]] = []
        self._entries = entries

    @classmethod
    def read(cls, reader: _core.Reader, row: _core.RunRow) -> Journal:
        """Fold what is stored of this run."""
        return cls.of(reader.recording(row.id))

    @classmethod
    def of(cls, recording: _core.Recording) -> Journal:
        """One entry per command out of the stored ones."""
        from agnt5.execution.kinds import COMMAND_WORDS

        stored = recording.entries()
        journal = cls(stored[0].run_id, [])
        journal.stored = stored
        journal.recording = recording
        by_seq: dict[int, Entry] = {}
        for one in stored:
            if one.body == "command":
                parent = by_seq.get(one.scope)
                depth = 0 if parent is None else parent.depth + 1
                entry = Entry(one, COMMAND_WORDS.get(one.kind, str(one.kind)), depth)
                by_seq[one.seq] = entry
                journal._entries.append(entry)
            elif one.body == "completion":
                if (found := by_seq.get(one.command)) is not None:
                    found.completed_by(one)
            elif one.body == "failed_attempt":
                if (found := by_seq.get(one.command)) is not None:
                    found.failed_tries.append(_failed_try(one))
            elif one.body == "ended":
                journal.warnings = list(one.warnings)
                journal.logs = log_lines(one.logs)
        return journal

    @property
    def component(self) -> str:
        """The component whose run this is."""
        return self.stored[0].component

    def replay(
        self, code: Component[..., Any] | Callable[..., Any] | str | None = None, *, trust: bool = False
    ) -> Replay:
        """Step through it; see `Run.replay`. A loaded journal runs no code unless `code` is given, or `trust` says to
        run the code that it brings."""
        from agnt5.replay.replay import replay_of

        return replay_of(self, code, trust)

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

    def find(self, path: str) -> Entry:
        """The entry with this path. KeyError when there is none."""
        for entry in self._entries:
            if entry.path == path:
                return entry
        raise KeyError(path)

    def to_pandas(self) -> Any:
        """A DataFrame with a row per entry; needs pandas (`pip install agnt5[data]`)."""
        import pandas  # pyright: ignore[reportMissingTypeStubs]

        names = ("seq", "path", "kind", "name", "input", "output", "error", "attempts", "started", "ended", "depth")
        rows = [{name: getattr(entry, name) for name in names} for entry in self._entries]
        return pandas.DataFrame(rows, columns=names)

    def __str__(self) -> str:
        heads = ("seq", "kind", "path", "input", "output", "tries", "took")
        rows = [heads, *(_cells(entry) for entry in self._entries)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
        lines = [
            "  ".join(
                cell.rjust(width) if column in (0, 5, 6) else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join(lines + [f"warning: {_short(text, 120)}" for text in self.warnings])

    def __repr__(self) -> str:
        return f"<Journal of {self.run_id}: {len(self)} entries>"


def _digest(payload: bytes) -> bytes:
    from agnt5.execution.kinds import digest

    return digest(payload)


def value_of(payload: bytes) -> Any:
    """A recorded value, or RawBytes when this program lacks what it takes to rebuild it."""
    try:
        return decode(payload)
    except SerializationError:
        return RawBytes(payload)


def arguments(payload: bytes) -> Arguments:
    """Recorded arguments; RawBytes and nothing when they cannot be rebuilt here."""
    if not payload:
        return Arguments((), {})
    try:
        args, kwargs = decode_call(payload)
    except SerializationError:
        return Arguments((RawBytes(payload),), {})
    return Arguments(tuple(args), kwargs)


def failure_line(payload: bytes) -> str:
    """`Class: message` of a failure document."""
    failure = read_failure(payload)
    return f"{failure.name}: {failure.message}" if failure.message else failure.name


def log_lines(logs: bytes) -> list[tuple[str, datetime, str]]:
    return [(stream, moment(at), text) for stream, at, text in json.loads(logs)] if logs else []


def moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


def _failed_try(stored: _core.Entry) -> FailedTry:
    retry_at = moment(stored.retry_at) if stored.retry_at else None
    return FailedTry(moment(stored.at), failure_line(stored.payload), retry_at, log_lines(stored.logs))


def _cells(entry: Entry) -> tuple[str, ...]:
    took = "" if entry.ended is None else _took(entry.ended - entry.started)
    given, output = entry.input, entry.output
    asked = "" if given is None else str(given) if isinstance(given, Arguments) else repr(given)
    if entry.error:
        came = f"! {entry.error}"
    elif entry.ended is None:
        came = "..."
    else:
        came = "" if output is None else repr(output)
    tries = str(entry.attempts) if entry.kind in ("step", "call") else ""
    path = "  " * entry.depth + (entry.path or entry.name)
    return (str(entry.seq), entry.kind, _short(path), _short(asked), _short(came), tries, took)


def _took(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _short(text: str, widest: int = _WIDEST) -> str:
    """On one line, and with nothing in it that a terminal would obey."""
    flat = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[: widest * 4])
    return flat if len(flat) <= widest else flat[: widest - 1] + "…"
