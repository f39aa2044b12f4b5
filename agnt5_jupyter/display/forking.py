"""Forks from where a replay stands: what may be changed there, what would run, and the fork itself.

A change comes as text from a person. Nothing runs before it was read as the value that it stands for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import agnt5

from .words import short

if TYPE_CHECKING:
    from agnt5 import Run

_LONGEST = 200_000
_COMMANDS = 200


class Draft(NamedTuple):
    """What a person wants changed: `how` is answer (another one), fail (an error with this text), input (of the run),
    or nothing (go on from here)."""

    how: str
    text: str = ""


def draft(replay: Any) -> dict[str, Any]:
    """What can be changed where the replay stands, as JSON to begin with; or why it cannot be edited."""
    found: dict[str, Any] = {"at": replay.position, "changes": [], "path": "", "text": "", "why": ""}
    if replay.journal.loaded:
        return found | {"why": "A journal that was loaded is a picture. Only a run of this store can be forked."}
    if replay.index == 0:
        return found | {"changes": ["input", "nothing"], **_text(replay.journal.input_json)}
    entry = replay.entry
    if not entry.path:  # a request to cancel
        return found | {"changes": ["nothing"]}
    found |= {"path": short(entry.path, 300), "changes": ["answer", "fail", "nothing"]}
    return found | (_text(entry.to_json()) if entry.state == "done" else {"text": "null"})


def _text(text: str) -> dict[str, Any]:
    if len(text) > _LONGEST:
        return {"text": "", "why": f"It is too long to be edited here ({len(text):,} characters); write a new one."}
    if agnt5.visible(text) != text:
        return {"text": "", "why": "It seems to hold a credential, so it is not shown; write a new one."}
    return {"text": text, "why": ""}


def plan(replay: Any, wanted: Draft, *, recorded: bool = False) -> dict[str, Any]:
    """What would be shared and what would run. `recorded`: driven by the code as it was recorded."""
    run, how = _asked(replay, wanted, recorded)
    found = run.plan_fork(**how)
    running = {command.seq for command in found.in_flight}
    lines = [("in flight", one) for one in found.in_flight]
    lines += [("later", one) for one in found.later if one.seq not in running]
    return {
        "shared": found.shared,
        "commands": [
            ("given" if one.path in found.given else what, one.kind, short(one.path)) for what, one in lines[:_COMMANDS]
        ],
        "more": max(len(lines) - _COMMANDS, 0),
    }


def fork(replay: Any, wanted: Draft, *, recorded: bool = False) -> Run:
    run, how = _asked(replay, wanted, recorded)
    return run.fork(**how)


def _asked(replay: Any, wanted: Draft, recorded: bool) -> tuple[Run, dict[str, Any]]:
    """The run, and the arguments of `fork`."""
    run = agnt5.get_run(replay.run_id)
    return run, {**_change(replay, wanted), **({"code": "recorded"} if recorded else {})}


def _change(replay: Any, wanted: Draft) -> dict[str, Any]:
    entry = replay.entry
    if wanted.how == "nothing":
        return {"at": replay.position}
    if wanted.how == "input":
        return {"input": replay.journal.input_from_json(wanted.text)}
    if entry is None or not entry.path:
        raise agnt5.ConfigurationError("There is no answer here that could be changed: step to one.")
    if wanted.how == "fail":
        return {"fail": {entry.path: RuntimeError(wanted.text or "it failed by a person's word")}}
    return {"outputs": {entry.path: entry.from_json(wanted.text)}}
