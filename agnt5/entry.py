"""One command of a run and what became of it, as people read it.

Values are decoded when asked, and one that cannot be decoded here is shown as it lies. Reading never runs code.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from agnt5.codec import decode, decode_call, outline, outline_call, preview, preview_call, read_failure, visible
from agnt5.errors import SerializationError

if TYPE_CHECKING:
    from agnt5 import _core
    from agnt5.codec import Failure

# Kinds whose input is the arguments of a call.
_CALLS = ("step", "call", "child", "object", "start")


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

    __slots__ = (
        *("_command", "_completed_shift", "_completion", "_data", "_kind", "_shift"),
        *("depth", "failed_tries", "shared", "unclaimed"),
    )

    def __init__(self, command: _core.Entry, kind: str, depth: int, *, shift: int = 0, data_only: bool = False) -> None:
        self._command = command
        self._completion: _core.Entry | None = None
        self._kind = kind
        # Microseconds by which the recorded times are behind: a fork's clock goes on where what it shares ends.
        self._shift = self._completed_shift = shift
        # From a stranger's file: no class of this program is made of it.
        self._data = data_only
        self.depth = depth
        self.failed_tries: list[FailedTry] = []
        # Only an earlier attempt of the function around it asked this; it stays on record.
        self.unclaimed = False
        # Whether a fork shares it with the run that it was made of: asked and answered there, at the time it tells.
        self.shared = False

    def completed_by(self, completion: _core.Entry, shift: int = 0) -> None:
        self._completion = completion
        self._completed_shift = shift

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
    def asks(self) -> str:
        """Component or kind of object that is asked to run; "" for what runs in its own run. Of a join, the run."""
        return self._command.target

    @property
    def input(self) -> Any:
        """Arguments of a body, the value that was set or sent, or None."""
        if not self._command.input:
            return None
        if self._kind in _CALLS:
            return arguments(self._command.input, data_only=self._data)
        return value_of(self._command.input, data_only=self._data)

    @property
    def output(self) -> Any:
        """What it gave, or None."""
        from agnt5.execution.kinds import RECEIVED, VALUE

        done = self._completion
        if done is None or done.outcome not in (VALUE, RECEIVED) or not done.payload:
            return None
        return value_of(done.payload, data_only=self._data)

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
    def state(self) -> str:
        """running, retrying, done, failed, "timed out" or cancelled."""
        from agnt5.execution.kinds import CANCELLED, FAILURE, IMMEDIATE, TIMED_OUT

        done = self._completion
        if done is None:
            return "done" if self._command.kind in IMMEDIATE else "retrying" if self.failed_tries else "running"
        return {FAILURE: "failed", TIMED_OUT: "timed out", CANCELLED: "cancelled"}.get(done.outcome, "done")

    @property
    def failure(self) -> Failure | None:
        """How it failed: class, message, traceback, cause. None when it did not."""
        return read_failure(self.stored_output) if self.state == "failed" else None

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
        if done is not None and done.began:
            return moment(done.began + self._completed_shift)
        return moment(self._command.at + self._shift)

    @property
    def asked(self) -> datetime:
        """When it was asked, before its first attempt."""
        return moment(self._command.at + self._shift)

    @property
    def answered(self) -> int:
        """Seq of its completion, 0 while it has none."""
        return 0 if self._completion is None else self._completion.seq

    @property
    def ended(self) -> datetime | None:
        from agnt5.execution.kinds import IMMEDIATE

        if self._completion is None:
            return moment(self._command.at + self._shift) if self._command.kind in IMMEDIATE else None
        return moment(self._completion.at + self._completed_shift)

    @property
    def span(self) -> tuple[int, int | None]:
        """`started` and `ended` in microseconds since 1970: for who reads tens of thousands."""
        from agnt5.execution.kinds import IMMEDIATE

        command, done = self._command, self._completion
        asked = command.at + self._shift
        if done is None:
            return asked, asked if command.kind in IMMEDIATE else None
        return (done.began + self._completed_shift if done.began else asked), done.at + self._completed_shift

    @property
    def due(self) -> datetime | None:
        """When a sleep ends or a wait gives up."""
        return moment(self._command.due + self._shift) if self._command.due else None

    @property
    def child_id(self) -> str:
        """Id of the run that it made or awaits, or ""."""
        return self._command.child_id

    def outline(self, side: str = "output", path: Sequence[int] = (), **shown: int) -> dict[str, Any]:
        """Its "input" or "output" as a tree for people, without building a value; see `agnt5.codec.outline`."""
        if side == "input" and self._kind in _CALLS:
            return outline_call(self._command.input, path, **shown)
        return outline(self._command.input if side == "input" else self.stored_output, path, **shown)

    def line(self, side: str = "output", limit: int = 120) -> str:
        """Its "input" or "output" in a line of at most `limit` characters, credentials masked; "" when it has none."""
        if self.fingerprint.startswith(b"agnt5.chat "):
            from agnt5.conversation import chat_line

            said = chat_line(self, side)
            if said is not None:
                shown = visible(said[: limit * 2])
                return shown if len(shown) <= limit else shown[: limit - 1] + "…"
        if side != "input":
            return preview(self.stored_output, limit) if self.state == "done" and self.stored_output else ""
        given = self._command.input
        return "" if not given else preview_call(given, limit) if self._kind in _CALLS else preview(given, limit)

    def to_json(self, side: str = "output") -> str:
        """Its "input" or "output" as JSON that a person may edit and `from_json` reads; "" when it has none. What JSON
        lacks stands in the codec's marks, like {"~tuple": [1, 2]}."""
        return edited_text(self._command.input if side == "input" else self.stored_output)

    def from_json(self, text: str) -> Any:
        """The value that such a text stands for. SerializationError when it stands for none."""
        return decode(edited_bytes(text), classes=not self._data)

    @property
    def stored_input(self) -> bytes:
        """The bytes of its input, as the codec wrote them."""
        return self._command.input

    @property
    def stored_output(self) -> bytes:
        """The bytes of its answer, value or failure; b"" when there is none."""
        return b"" if self._completion is None else self._completion.payload

    @property
    def noted(self) -> bool:
        """Whether `meta` holds anything."""
        return self._completion is not None and bool(self._completion.meta)

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
        if self._completion is None or not self._completion.meta:
            return {}
        try:
            found: Any = json.loads(self._completion.meta)
        except ValueError:
            return {}
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}

    def __repr__(self) -> str:
        return f"<Entry {self.seq} {self.kind} {self.path}>"


def edited_text(payload: bytes) -> str:
    """Recorded bytes as indented JSON in which every character can be seen."""
    if not payload:
        return ""
    text = json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    return "".join(c if c == "\n" or c.isprintable() else json.dumps(c)[1:-1] for c in text)


def edited_bytes(text: str) -> bytes:
    """Such a text as the codec writes it: without the spaces that hide its marks. SerializationError when it is no
    JSON."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise SerializationError(f"This is no JSON: {error}.") from None


def _digest(payload: bytes) -> bytes:
    from agnt5.execution.kinds import digest

    return digest(payload)


def value_of(payload: bytes, *, data_only: bool = False) -> Any:
    """A recorded value, or RawBytes when this program lacks what it takes to rebuild it."""
    try:
        return decode(payload, classes=not data_only)
    except SerializationError:
        return RawBytes(payload)


def arguments(payload: bytes, *, data_only: bool = False) -> Arguments:
    """Recorded arguments; RawBytes and nothing when they cannot be rebuilt here."""
    if not payload:
        return Arguments((), {})
    try:
        args, kwargs = decode_call(payload, classes=not data_only)
    except SerializationError:
        return Arguments((RawBytes(payload),), {})
    return Arguments(tuple(args), kwargs)


def failure_line(payload: bytes) -> str:
    """`Class: message` of a failure document."""
    try:
        failure = read_failure(payload)
    except SerializationError:
        return f"a failure that cannot be read ({len(payload)} bytes)"
    return f"{failure.name}: {failure.message}" if failure.message else failure.name


def log_lines(logs: bytes) -> list[tuple[str, datetime, str]]:
    if not logs:
        return []
    try:
        return [(str(stream), moment(int(at)), str(text)) for stream, at, text in json.loads(logs)]
    except (ValueError, TypeError, OverflowError):  # a stranger's file
        return [("unreadable", moment(0), logs.decode("utf-8", "backslashreplace"))]


def moment(microseconds: int) -> datetime:
    """UTC; the nearest time that a datetime can hold, for a stranger's file may say anything."""
    return datetime.fromtimestamp(min(max(microseconds, _FIRST), _LAST) / 1e6, UTC)


# The years 1 and 9999, in microseconds since 1970.
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_000_000


def failed_try(stored: _core.Entry, shift: int = 0) -> FailedTry:
    retry_at = moment(stored.retry_at + shift) if stored.retry_at else None
    return FailedTry(moment(stored.at + shift), failure_line(stored.payload), retry_at, log_lines(stored.logs))
