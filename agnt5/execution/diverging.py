"""What a divergence tells: what was recorded, what the code did instead, where, perhaps why, and what to do now.

It only describes. Recorded values are shown as data: nothing is decoded into a class.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from agnt5.codec.plain import load
from agnt5.codec.preview import preview, render
from agnt5.errors import DivergenceError
from agnt5.execution.code import PYTHON
from agnt5.execution.frames import is_users, text_at

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


def explain(attempt: Attempt, error: DivergenceError, where: str = "") -> DivergenceError:
    """The same divergence as a person needs it; see the top of this module."""
    from agnt5.execution import hints

    lines: list[str] = []
    recorded_on = attempt.session.python
    if recorded_on and recorded_on != PYTHON:
        lines.append(f"This run was recorded on Python {recorded_on} and is replayed on {PYTHON}.")
    raised = _raised_by(attempt)
    expected, actual = _told(error)
    if raised is not None:
        actual = f"the code ended with {type(raised).__name__}: {raised}"
    if error.expected:
        did = actual if actual.startswith("the code ") else f"the code asked for {actual}"
        lines.append(f"at entry {error.seq}: recorded was {expected}, {did}")
    else:
        lines.append(str(error))
    where = where or attempt.where()
    if where and is_users(where):  # an agent's own loop says nothing to who wrote the agent
        text = text_at(where)
        lines.append(f"The code stands at {where}{f': {text}' if text else '.'}")
    hint = hints.hint(attempt.component.fn)
    if hint:
        lines.append(hint)
    advice: str = getattr(attempt, "advice", LIVE)  # a replay's attempt brings its own
    lines.append(advice.replace("{seq}", str(error.seq) if error.seq >= 0 else "..."))
    told = DivergenceError("\n".join(lines))
    told.seq, told.path, told.expected, told.actual = error.seq, error.path, expected, actual
    told.location = where
    return told


def waits_too_early(attempt: Attempt) -> str:
    return (
        f"run {attempt.run_id}: the journal goes on, but the code neither asked the next recorded command nor returned."
    )


def _told(error: DivergenceError) -> tuple[str, str]:
    """Both commands with what they were given, in place of its digest; digests stay when the texts do not differ."""
    recorded, asked = getattr(error, "recorded_input", b""), getattr(error, "asked_input", b"")
    texts = [_given(text, data) for text, data in ((error.expected, recorded), (error.actual, asked))]
    return (texts[0], texts[1]) if texts[0] != texts[1] else (error.expected, error.actual)


def _given(command: str, payload: bytes) -> str:
    head, found, _ = command.rpartition(" (input ")
    if not found or not payload:
        return command
    if not head.startswith(("step", "function", "child run", "object call", "start of run")):
        return f"{head} with {preview(payload, _LONGEST)}"
    try:
        args, kwargs = load(payload)
        texts = [
            *(render(one, _LONGEST) for one in args),
            *(f"{name}={render(one, _LONGEST)}" for name, one in kwargs.items()),
        ]
    except Exception:  # whatever a stranger's bytes are, they are no reason to say less
        return command
    given = f"({', '.join(texts)})"
    return f"{head} with {given if len(given) <= 2 * _LONGEST else given[: 2 * _LONGEST] + '…'}"


def _raised_by(attempt: Attempt) -> BaseException | None:
    root: Any = getattr(attempt, "root", None)  # a flow's body is a task
    if not isinstance(root, asyncio.Task) or not root.done() or root.cancelled():
        return None
    return root.exception()
