"""What a replay shows at one position: frames of every task that lives, their locals as texts, state, what changed."""

from __future__ import annotations

import asyncio
import linecache
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from agnt5.entry import Entry
from agnt5.execution.frames import distance, frames
from agnt5.replay.values import Shown

if TYPE_CHECKING:
    from agnt5.execution.flowreplay import FlowReplay

_HIDDEN = frozenset({"__builtins__", "__annotations__"})


class Frame(NamedTuple):
    """One suspended frame of the user's code. `line` counts from 1, as `first`, where its function begins; `code` is
    that line's text; `locals` are texts, see `agnt5.replay.values`.

    `task` is the asyncio task it belongs to; frames of one task stand from the outermost to the innermost.
    """

    task: str
    function: str
    file: str
    line: int
    first: int
    code: str
    locals: dict[str, str]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}\n    {self.code}"


@dataclass(frozen=True, slots=True)
class Position:
    """A quiescent point: `seq` is the last answer that was delivered (0: the start), `entry` the command it answers."""

    index: int
    seq: int
    entry: Entry | None
    frames: tuple[Frame, ...]
    current: int | None  # index in `frames` of where the code stands that the answer woke
    state: dict[str, Any]


def look(replay: FlowReplay, index: int, seq: int, entry: Entry | None) -> Position:
    """The position that a replay stands at."""
    shown = Shown()
    found: list[Frame] = []
    current: int | None = None

    def gather() -> None:
        nonlocal current
        for task in replay.tasks():
            own = _frames_of(task, shown)
            found.extend(own)
            if own and (current is None or task is replay.woken):
                current = len(found) - 1

    replay.within(gather)
    return Position(index, seq, entry, tuple(found), current, replay.state())


def _frames_of(task: asyncio.Task[Any], shown: Shown) -> list[Frame]:
    chain = frames(task)
    if not chain:
        return []
    nearest = min(distance(frame.filename) for frame in chain)
    found: list[Frame] = []
    for frame in chain:
        if distance(frame.filename) != nearest:
            continue
        code = linecache.getline(frame.filename, frame.lineno, frame.frame.f_globals).strip()
        names = {name: shown.text(value) for name, value in frame.frame.f_locals.items() if name not in _HIDDEN}
        found.append(
            Frame(
                task.get_name(),
                frame.function,
                frame.filename,
                frame.lineno,
                frame.frame.f_code.co_firstlineno,
                code,
                names,
            )
        )
    return found


def changed(before: Position | None, now: Position) -> set[str]:
    """Names whose text differs from the position before: locals of frames that both have, and new ones."""
    if before is None:
        return set()
    known: dict[tuple[str, str], dict[str, str]] = {}
    for frame in before.frames:
        known.setdefault((frame.task, frame.function), frame.locals)
    names: set[str] = set()
    for frame in now.frames:
        older = known.get((frame.task, frame.function), {})
        names.update(name for name, text in frame.locals.items() if older.get(name) != text)
    names.update(f"state.{name}" for name, value in now.state.items() if before.state.get(name, _ABSENT) != value)
    names.update(f"state.{name}" for name in before.state if name not in now.state)
    return names


_ABSENT = object()
