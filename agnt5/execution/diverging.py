"""What a divergence tells: what was recorded, what the code did instead, where, perhaps why, and what to do now.

It only describes. Recorded values are shown as data: nothing is decoded into a class.
"""

from __future__ import annotations

import asyncio
from textwrap import indent
from typing import TYPE_CHECKING, Any

from agnt5.codec.preview import preview, preview_call
from agnt5.errors import DivergenceError
from agnt5.execution.code import PYTHON
from agnt5.execution.frames import distance, is_users, raising, text_at

if TYPE_CHECKING:
    from agnt5.execution.attempt import Attempt

# What to do about it; `{seq}` is the entry where code and journal part.
LIVE = (
    "Nothing was written. Restore the code and `run.resume()`; or go on with the code as it was, "
    "`run.resume(code='recorded')`; or let the new code go on in a run of its own: "
    "`run.fork(at={seq})` from here, `run.rerun()` from the start; or `run.cancel()` this one."
)
REPLAY = (
    'Nothing was written. `run.replay(code="recorded")` shows the code as it was. The new code can go on in a run of '
    "its own: `run.fork(at={seq})` from here, `run.rerun()` from the start."
)
LOADED = (
    "Nothing was written. `journal.replay(trust=True)` shows the code as it was, if you trust where the file "
    "comes from. Only runs of this store can be forked."
)
FORK = (
    "No fork was made. Fork at entry {seq} or before, where the new code still asks what is recorded, `run.rerun()` "
    "from the start, or restore the code."
)
_LONGEST = 120
# Characters of arguments in which a difference is seen without help, and lines that tell it.
_GLANCE = 60
_SHOWN = 4
# How the core tells what a command was given, and the commands that are given arguments.
_DIGEST = " (input "
_CALLS = ("step", "function", "child run", "object call", "start of run")


def explain(attempt: Attempt, error: DivergenceError, where: str = "") -> DivergenceError:
    """The same divergence as a person needs it; see the top of this module."""
    from agnt5.execution import hints

    lines: list[str] = []
    recorded_on = attempt.session.python
    if recorded_on and recorded_on != PYTHON:
        lines.append(f"This run was recorded on Python {recorded_on} and is replayed on {PYTHON}.")
    raised = _raised_by(attempt)
    expected, actual, differs = _told(error)
    if raised is not None:
        actual = f"the code ended with {type(raised).__name__}: {raised}"
    if error.expected:
        did = actual if actual.startswith("the code ") else f"the code asked for {actual}"
        lines.append(f"at entry {error.seq}: recorded was {expected}, {did}")
        lines += [indent(differs, "  ")] if differs else []
    else:
        lines.append(str(error))
    where = users_place(attempt, where, raised)
    if where:
        text = text_at(where)
        lines.append(f"The code stands at {where}{f': {text}' if text else '.'}")
    hint = hints.hint(attempt.component.fn)
    if hint:
        lines.append(hint)
    advice: str = getattr(attempt, "advice", LIVE)  # a replay's attempt brings its own
    lines.append(advice.replace("{seq}", str(error.seq) if error.seq >= 0 else "..."))
    told = DivergenceError("\n".join(lines))
    told.seq, told.path, told.expected, told.actual = error.seq, error.path, expected, actual
    told.differs, told.location = differs, where
    return told


def users_place(attempt: Attempt, where: str, raised: BaseException | None = None) -> str:
    """The user's line that is meant: where the code raised, else `where` it asked, else where its body waits for what
    asked, as for a branch of a `gather`. "" when none is theirs: an agent's own loop says nothing to who wrote it."""
    if raised is not None:
        passed = [frame for frame in raising(raised) if distance(frame.filename) == 0]
        return f"{passed[-1].filename}:{passed[-1].lineno} in {passed[-1].function}" if passed else ""
    return next((one for one in (where, attempt.where()) if one and is_users(one)), "")


def waits_too_early(attempt: Attempt) -> str:
    return (
        f"run {attempt.run_id}: the journal goes on, but the code neither asked the next recorded command nor returned."
    )


def _told(error: DivergenceError) -> tuple[str, str, str]:
    """Both commands with what they were given, in place of its digest; and what differs in it, where that takes more
    than a glance."""
    recorded, asked = getattr(error, "recorded_input", b""), getattr(error, "asked_input", b"")
    expected, actual = (text.rpartition(_DIGEST)[0] or text for text in (error.expected, error.actual))
    given = _given(expected, recorded), _given(actual, asked)
    if expected != actual or error.expected == error.actual:
        return *given, ""
    # A large input lies elsewhere, and is not read for a message.
    differs = _differs(expected, recorded, asked) if recorded and asked else ""
    if given[0] == given[1] or not differs:
        other = "arguments" if expected.startswith(_CALLS) else "value"
        return expected, f"{actual} with other {other}", differs
    return *given, differs if max(map(len, given)) > len(expected) + _GLANCE else ""


def _differs(command: str, recorded: bytes, asked: bytes) -> str:
    from agnt5.codec.changes import argument_changes, changes

    calls = command.startswith(_CALLS)
    found = argument_changes(recorded, asked) if calls else changes(recorded, asked, "value")
    lines = [line for change in found for line in str(change).splitlines()]
    more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join([*lines[:_SHOWN], *more])


def _given(head: str, payload: bytes) -> str:
    if not payload:
        return head
    given = preview_call(payload, 2 * _LONGEST) if head.startswith(_CALLS) else preview(payload, _LONGEST)
    return f"{head} with {given}"


def _raised_by(attempt: Attempt) -> BaseException | None:
    root: Any = getattr(attempt, "root", None)  # a flow's body is a task
    if not isinstance(root, asyncio.Task) or not root.done() or root.cancelled():
        return None
    return root.exception()
