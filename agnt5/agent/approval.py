"""Approvals: a run that waits for a person's word before a tool is called, and how the word reaches it.

The question is a recorded wait for an event; the word is that event's payload. Any process that reaches the store can
give it: a cell, a button, the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from agnt5.errors import ConfigurationError, RunNotFound

if TYPE_CHECKING:
    from agnt5.entry import Entry
    from agnt5.journal import Journal
    from agnt5.run import Run

PREFIX = "approval:"

_YES = ("approve", "approved", "yes", "y", "ok", "true", "allow")
_NO = ("deny", "denied", "no", "n", "false", "reject")


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word. `arguments`: the ones to call the tool with instead."""

    approved: bool
    reason: str = ""
    arguments: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """A tool call that waits for a person. `number` counts the questions of one run, from 1; `event` is the name of the
    event that answers it."""

    run_id: str
    number: int
    agent: str
    tool: str
    arguments: dict[str, Any]
    event: str

    def approve(self, arguments: Mapping[str, Any] | None = None) -> None:
        """Let the tool be called, with other `arguments` if given."""
        self._answer(approving(arguments))

    def deny(self, reason: str = "") -> None:
        """Refuse; the model hears the reason."""
        self._answer(denying(reason))

    def _answer(self, payload: dict[str, Any]) -> None:
        from agnt5.run import send_event

        send_event(self.event, payload, run=self.run_id)

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return f"{self.number}: {self.agent} wants {self.tool}({shown})"


def approving(arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The payload that lets a tool be called, perhaps with other arguments."""
    if arguments is None:
        return {"approve": True}
    if not isinstance(cast("Any", arguments), Mapping):
        raise ConfigurationError(f"arguments= are values by name, as in {{'amount': 5}}, not {arguments!r}.")
    return {"approve": True, "arguments": dict(arguments)}


def denying(reason: str = "") -> dict[str, Any]:
    """The payload that refuses."""
    return {"approve": False, "reason": reason}


def event_name(run_id: str, number: int) -> str:
    return f"{PREFIX}{run_id}:{number}"


def decision_of(payload: Any) -> Decision | None:
    """The word in an event's payload, however it was written; None when it is no word at all.

    Who does not clearly say yes has approved nothing: a form that sends the text "no", or edited arguments that are no
    object, must never let a tool be called.
    """
    if not isinstance(payload, Mapping):
        said = _said(payload)
        return None if said is None else Decision(said)
    given = cast("Mapping[str, Any]", payload)
    denied = given.get("deny", False)
    if denied is not False:
        return Decision(False, denied if isinstance(denied, str) else str(given.get("reason", "")))
    arguments = given.get("arguments")
    if arguments is None and not {"approve", "deny"} & given.keys():
        return None
    said = _said(given.get("approve", True))
    if said is None or (said and not isinstance(arguments, Mapping | None)):
        return None
    edited = dict(cast("Mapping[str, Any]", arguments)) if said and arguments is not None else None
    return Decision(said, str(given.get("reason", "")), edited)


def _said(word: Any) -> bool | None:
    """Yes, no, or neither."""
    if isinstance(word, bool):
        return word
    spoken = word.strip().lower() if isinstance(word, str) else ""
    return True if spoken in _YES else False if spoken in _NO else None


def approvals(run: Run) -> list[Approval]:
    """The questions that wait for a person in this run and in runs that it awaits, oldest first."""
    from agnt5.run import Run

    return questions(run.journal, lambda child_id: Run(child_id).journal)


def questions(journal: Journal, journal_of: Callable[[str], Journal]) -> list[Approval]:
    """The open questions of a run and, by `journal_of`, of the runs that it awaits."""
    found: list[Approval] = []
    for entry in journal:
        if entry.ended is not None:
            continue
        if entry.kind == "event" and entry.name.startswith(PREFIX):
            asked = _question(journal.run_id, entry)
            if asked is not None:
                found.append(asked)
        elif entry.child_id:
            try:
                found.extend(questions(journal_of(entry.child_id), journal_of))
            except RunNotFound:
                continue  # asked, and not begun yet
    return found


def _question(run_id: str, entry: Entry) -> Approval | None:
    about = entry.input
    number = entry.name.rpartition(":")[2]
    if not isinstance(about, Mapping) or not number.isdecimal():
        return None  # an event of somebody's own with such a name
    fields = cast("Mapping[str, Any]", about)
    arguments = dict(fields.get("arguments", {}))
    return Approval(run_id, int(number), str(fields["agent"]), str(fields["tool"]), arguments, entry.name)


def pending(run: Run, number: int | None) -> Approval:
    """The question with this number, or the only one. ConfigurationError when there is none, or no telling which."""
    return choose(run.id, run.status, approvals(run), number)


def choose(run_id: str, status: str, waiting: list[Approval], number: int | None) -> Approval:
    """As `pending`, among given questions."""
    chosen = [one for one in waiting if number is None or one.number == number]
    if len(chosen) == 1:
        return chosen[0]
    if not waiting:
        raise ConfigurationError(f"Run {run_id} waits for no approval: it is {status}.")
    shown = "; ".join(str(one) if one.run_id == run_id else f"{one} (in run {one.run_id})" for one in waiting)
    if len(chosen) > 1 and number is not None:
        raise ConfigurationError(f"Several runs below {run_id} ask a question {number}; answer in theirs: {shown}.")
    if number is not None:
        raise ConfigurationError(f"Run {run_id} asks no question {number} now; say which by its number: {shown}.")
    raise ConfigurationError(f"Run {run_id} waits for {len(waiting)} approvals; say which by its number: {shown}.")
