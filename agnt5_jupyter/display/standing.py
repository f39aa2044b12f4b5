"""Where a replay stands, in words: frames with their source and locals, state, the entry, what the code did wrong.

It looks and moves nothing; texts are cut, values of state are outlined from what was recorded.
"""

from __future__ import annotations

import inspect
import linecache
import textwrap
from typing import TYPE_CHECKING, Any

from .cellnames import cell_of, with_cells
from .words import entry_detail, long, short

if TYPE_CHECKING:
    from agnt5 import Entry, Journal

    from .trace import Trace

_LINES = 600
_WIDEST = 300
_FRAMES = 200
_VALUE = 400


def standing(replay: Any, trace: Trace, states: States) -> dict[str, Any]:
    """The position of a replay for its views."""
    entry: Entry | None = replay.entry
    divergence = replay.divergence
    blocks: dict[str, Any] = {}
    return {
        "index": replay.index,
        "last": len(replay) - 1,
        "seq": replay.position,
        "frames": _frames(replay, blocks),
        "blocks": blocks,
        "current": _current(replay),
        "state": states.at(replay),
        "why": long(replay.why_no_frames),
        "outcome": long(replay.outcome),
        "divergence": None if divergence is None else long(with_cells(str(divergence))),
        "entry": None if entry is None else entry_words(trace, entry),
    }


def entry_words(trace: Trace, entry: Entry) -> dict[str, Any]:
    """Everything about the entry of a position; a request to cancel has no row, and is told by its kind."""
    if entry.seq in trace.rows:
        return entry_detail(trace, entry)
    return {"seq": entry.seq, "name": "", "path": "", "kind": entry.kind, "state": "done", "began": 0, "plain": True}


def _frames(replay: Any, blocks: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for frame, changed in list(zip(replay.frames, replay.changed_frames, strict=True))[:_FRAMES]:
        place = f"{frame.file}:{frame.first}"
        if place not in blocks:
            blocks[place] = {"first": frame.first, "lines": block(frame)}
        found.append(
            {
                "task": short(frame.task),
                "function": short(frame.function),
                "file": short(file_name(frame.file)),
                "line": frame.line,
                "block": place,
                "locals": [
                    (short(name), long(text[:_VALUE]), name in changed, _was(changed, name))
                    for name, text in frame.locals.items()
                ],
            }
        )
    return found


def _was(changed: dict[str, str | None], name: str) -> str | None:
    """What a name was before; None when it is new, or the same text."""
    text = changed.get(name)
    return None if text is None else long(text[:_VALUE])


def _current(replay: Any) -> int:
    frame = replay.frame
    return next((place for place, one in enumerate(replay.frames) if one is frame), 0)


def block(frame: Any) -> list[str]:
    """The lines of a frame's function; its current line alone when there is no source."""
    lines = linecache.getlines(frame.file)[frame.first - 1 :]
    try:
        found = inspect.getblock(lines)
    except (IndentationError, SyntaxError):
        found = []
    if not 0 <= frame.line - frame.first < len(found):
        return []
    return [short(line, _WIDEST) for line in textwrap.dedent("".join(found)).expandtabs().splitlines()[:_LINES]]


def file_name(path: str) -> str:
    """The last part of a file's name; a cell by its number."""
    return cell_of(path) or path.replace("\\", "/").split("/")[-1]


class States:
    """Which entry set a name of the run's state last, at every position."""

    def __init__(self, journal: Journal, bounds: list[int]) -> None:
        # What the code asked while it took the answer of a position lies before the answer of the next one.
        self._bounds = [*bounds[1:], len(journal.stored) + 1_000_000]
        self._set = [entry for entry in journal if entry.kind in ("state_set", "state_delete")]

    def at(self, replay: Any) -> list[dict[str, Any]]:
        """Names with their values as outlines; what no entry of the run has set (a fork was given it) as text."""
        last: dict[str, Entry] = {}
        for entry in self._set:
            if entry.seq >= self._bounds[replay.index]:
                break
            last[entry.name] = entry
        changed = replay.changed
        found: list[dict[str, Any]] = []
        for name, value in list(replay.state.items())[:200]:
            entry = last.get(name)
            known = entry is not None and entry.kind == "state_set"
            one: dict[str, Any] = {"name": short(name), "changed": f"state.{name}" in changed}
            if entry is not None and known:
                one |= {"seq": entry.seq, "value": entry.outline("input")}
            else:
                one["value"] = {"kind": "other", "line": short(repr(value), 200), "type": ""}
            found.append(one)
        return found
