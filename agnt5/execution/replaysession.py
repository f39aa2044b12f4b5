"""Replays a recorded flow against code, for checks: reads a journal, executes nothing, writes nothing.

It stands where the core's session stands, and matches in the same way. What a live run would do past the end of the
journal is never done here.
"""

from __future__ import annotations

import contextvars
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from agnt5 import _core
from agnt5.errors import DivergenceError, RunNotFound
from agnt5.execution.flowattempt import FlowAttempt
from agnt5.execution.ioless import Fenced

if TYPE_CHECKING:
    from agnt5.component import Component

_PAGE = 1000
CANCEL_RUN = _core.OUTCOME_CANCEL_RUN
STATE_SET = _core.COMMAND_STATE_SET
STATE_DELETE = _core.COMMAND_STATE_DELETE
_WORDS = {
    value: name.removeprefix("COMMAND_").lower() for name, value in vars(_core).items() if name.startswith("COMMAND_")
}


def replay(component: Component[..., Any], reader: _core.Reader, run_id: str) -> int:
    """Replay a run's journal and return how many entries matched. DivergenceError where the code asks otherwise."""
    session = ReplaySession(reader, run_id)
    outcome: list[BaseException] = []

    def work() -> None:
        try:
            _drive(component, session)
        except BaseException as error:
            outcome.append(error)

    # A flow loop is never drained inside of a task, and the caller may be one.
    thread = threading.Thread(target=work, name="agnt5-replay")
    thread.start()
    thread.join()
    if outcome:
        raise outcome[0]
    return session.position


def _drive(component: Component[..., Any], session: ReplaySession) -> None:
    attempt = FlowAttempt(_Nobody(), session, component, contextvars.Context())  # type: ignore[arg-type]
    attempt.capture.muted = True
    try:
        attempt.begin()
        while True:
            while not attempt.flow.drain():
                continue
            if attempt.poison is not None:
                raise attempt.poison
            if attempt.root is not None and attempt.root.done():
                session.returned()
                return
            item = session.take()
            if item is None:
                return
            seq, outcome, payload = item
            if outcome == CANCEL_RUN:
                attempt.cancel_body()
            elif (op := attempt.ops.pop(seq, None)) is not None:
                attempt.deliver(op, outcome, payload)
    finally:
        attempt.barrier = True
        attempt.flow.teardown(Fenced("the replay is over"))


class ReplaySession:
    """The script cursor over entries that were read. Only what a flow's replay asks is here."""

    def __init__(self, reader: _core.Reader, run_id: str) -> None:
        entries: list[_core.Entry] = []
        while page := reader.entries(run_id, len(entries), _PAGE):
            entries += page
        if not entries:
            raise RunNotFound(f"No run {run_id} is in this store.", run_id=run_id)
        started = entries[0]
        self.key = 0
        self.run_id = run_id
        self.component = started.component
        self.kind = started.component_kind
        self.object_key = ""
        self.attempt = 1
        self.input = started.input
        self.seed = _core.derive(run_id.encode(), "seed", 32)
        self.python = started.python
        self.code_digest = started.code_digest
        self.replaying = True
        self.now = started.at
        self.length = len(entries)
        self.position = 1
        self._entries = entries
        self._nested = {entry.seq for entry in entries if entry.body == "command" and entry.scope != 0}
        self._state: dict[str, bytes] = {}
        self._names: Counter[str] = Counter()

    def command(
        self,
        kind: int,
        name: str,
        input: bytes = b"",
        *,
        due: int = 0,
        target: str = "",
        child_kind: int = 0,
        at_most_once: bool = False,
        code: bytes = b"",
    ) -> int:
        number = self._names[name]
        self._names[name] += 1
        asked = f"{_WORDS.get(kind, kind)} {name!r}"
        entry = self._next()
        if entry is None:
            raise Fenced("the journal has no more")
        if entry.body != "command":
            raise self._diverged(entry, asked)
        if (entry.kind, entry.name, entry.input, entry.target) != (kind, name, input, target):
            same = entry.kind == kind and entry.name == name
            raise self._diverged(entry, f"{asked} (number {number + 1}){' with another input' if same else ''}")
        self.position += 1
        self._change_state(entry)
        return entry.seq

    def take(self) -> tuple[int, int, bytes] | None:
        entry = self._next()
        if entry is None or entry.body == "ended":
            if entry is not None:
                raise self._diverged(entry, "nothing: the code still waits")
            return None
        if entry.body == "command":
            raise self._diverged(entry, "nothing: the code waits or has returned")
        self.position += 1
        self.now = entry.at
        if entry.body == "cancel_requested":
            return 0, CANCEL_RUN, b""
        return entry.command, entry.outcome, entry.payload

    def returned(self) -> None:
        """The code returned: so must the journal end here, if it ends."""
        entry = self._next()
        if entry is not None and entry.body != "ended":
            raise self._diverged(entry, "the code returned")

    def state(self, name: str) -> bytes | None:
        return self._state.get(name)

    def state_keys(self) -> list[str]:
        return sorted(self._state)

    def path(self, seq: int) -> str:
        return self._entries[seq].path

    def child_id(self, seq: int) -> str:
        return self._entries[seq].child_id

    def idempotency_key(self, seq: int) -> str:
        return f"{self.run_id}:{self.path(seq) if seq else ''}"

    def _next(self) -> _core.Entry | None:
        """The next entry that concerns the script, after taking note of those it passes over."""
        while self.position < len(self._entries):
            entry = self._entries[self.position]
            body = entry.body
            passed = (
                body in ("failed_attempt", "resumed", "forked")
                or (body == "command" and entry.scope != 0)
                or (body == "completion" and entry.command in self._nested)
            )
            if not passed:
                return entry
            self._change_state(entry)
            self.position += 1
        return None

    def _change_state(self, entry: _core.Entry) -> None:
        if entry.body == "command" and entry.kind == STATE_SET:
            self._state[entry.name] = entry.input
        elif entry.body == "command" and entry.kind == STATE_DELETE:
            self._state.pop(entry.name, None)

    def _diverged(self, entry: _core.Entry, actual: str) -> DivergenceError:
        expected = (
            f"{_WORDS.get(entry.kind, entry.kind)} {entry.name!r} (path {entry.path})"
            if entry.body == "command"
            else {"ended": "the end of the run", "completion": f"an answer to entry {entry.command}"}.get(
                entry.body, entry.body
            )
        )
        return DivergenceError(
            f"run {self.run_id}, entry {entry.seq}: the journal holds {expected}, the code asked {actual}.",
            seq=entry.seq,
            path=entry.path,
            expected=expected,
            actual=actual,
        )


class _NoHost:
    def soon(self, *args: Any) -> None:
        """Nothing is driven by itself here."""


class _Nobody:
    """The driver of a replay: no child is started, nobody waits, nothing is committed."""

    host = _NoHost()

    def expect(self, *args: Any) -> None:
        """A recorded child has run already."""

    def schedule(self, attempt: Any) -> None:
        """It is pumped by hand."""

    def emitted(self, *args: Any) -> None:
        """Progress was shown when it happened."""

    def remove(self, attempt: Any) -> None:
        """It was never added."""
