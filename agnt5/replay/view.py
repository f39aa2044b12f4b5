"""What a replay shows at one position: frames of every task that lives, their locals as texts, state, what changed."""

from __future__ import annotations

import linecache
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from agnt5.entry import Entry, RawBytes
from agnt5.errors import SerializationError
from agnt5.execution.frames import Frame as Suspended
from agnt5.execution.frames import distance, frames, raising
from agnt5.replay.values import Shown

if TYPE_CHECKING:
    from agnt5.execution.flowreplay import FlowReplay

_OURS = 2  # what `distance` says of Python's code and of ours
_HIDDEN = frozenset({"__builtins__", "__annotations__"})


class Frame(NamedTuple):
    """One suspended frame of the user's code. `line` counts from 1, as `first`, where its function begins; `code` is
    that line's text; `locals` are texts, see `agnt5.replay.values`.

    `task` is the asyncio task it belongs to; frames of one task stand from the outermost to the innermost. Where the
    flow failed, its frames are those that the exception passed through.
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
    # What tells values apart whose texts are cut: for each frame, a mark for each name.
    marks: tuple[dict[str, int], ...]
    current: int | None  # index in `frames` of where the code stands that the answer woke
    state: dict[str, Any]
    # The same as it is recorded, which can be compared: NaN equals nothing, and an array answers for each item.
    recorded: dict[str, bytes] = field(default_factory=dict[str, bytes])


def look(replay: FlowReplay, index: int, seq: int, entry: Entry | None) -> Position:
    """The position that a replay stands at."""
    shown = Shown()
    found: list[Frame] = []
    marks: list[dict[str, int]] = []
    current: int | None = None

    def gather() -> None:
        nonlocal current
        for task in replay.tasks():
            before = len(found)
            nearest = _add(task.get_name(), frames(task), shown, found, marks)
            if nearest < _OURS and len(found) > before and (current is None or task is replay.woken):
                current = len(found) - 1
        for error in leaves(replay.failure):
            chain = [frame for frame in raising(error) if distance(frame.filename) < _OURS]
            if chain:
                _add(replay.name, chain, shown, found, marks)
                current = len(found) - 1

    replay.within(gather)
    recorded = replay.state()
    state = {name: _value(replay, payload) for name, payload in recorded.items()}
    return Position(index, seq, entry, tuple(found), tuple(marks), current, state, recorded)


def _value(replay: FlowReplay, payload: bytes) -> Any:
    try:
        return replay.read(payload)
    except SerializationError:
        return RawBytes(payload)


def leaves(error: BaseException | None) -> list[BaseException]:
    """An exception, and those it groups after it."""
    if error is None:
        return []
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return [error, *(leaf for one in cast("tuple[BaseException, ...]", inner) for leaf in leaves(one))]


def _add(task: str, chain: list[Suspended], shown: Shown, found: list[Frame], marks: list[dict[str, int]]) -> int:
    """The frames of one task that are the user's, or those nearest to the user's; returns how near those are."""
    nearest = min((distance(frame.filename) for frame in chain), default=_OURS)
    for frame in chain:
        if distance(frame.filename) != nearest:
            continue
        code = linecache.getline(frame.filename, frame.lineno, frame.frame.f_globals).strip()
        values = {name: value for name, value in frame.frame.f_locals.items() if name not in _HIDDEN}
        texts = {name: shown.text(value) for name, value in values.items()}
        first = frame.frame.f_code.co_firstlineno
        found.append(Frame(task, frame.function, frame.filename, frame.lineno, first, code, texts))
        marks.append({name: shown.mark(value) for name, value in values.items()})
    return nearest


def changed_in(before: Position, now: Position) -> list[dict[str, str | None]]:
    """For each frame of `now`: names whose value differs from the position before, with the text it had there, None
    where the name is new."""
    known = _by_place(before)
    found: list[dict[str, str | None]] = []
    for place, (texts, marks) in _by_place(now).items():
        older, older_marks = known.get(place, ({}, {}))
        found.append(
            {
                name: older.get(name)
                for name in texts
                if older.get(name) != texts[name] or older_marks.get(name) != marks[name]
            }
        )
    return found


def changed(before: Position | None, now: Position) -> set[str]:
    """Names whose value differs from the position before: locals of frames that both have, and new ones."""
    if before is None:
        return set()
    names: set[str] = {name for frame in changed_in(before, now) for name in frame}
    older, newer = before.recorded, now.recorded
    names.update(f"state.{name}" for name in older.keys() | newer.keys() if older.get(name) != newer.get(name))
    return names


def _by_place(position: Position) -> dict[tuple[str, str, int], tuple[dict[str, str], dict[str, int]]]:
    """Locals by task, function, and which call of it this is: a function may call itself."""
    found: dict[tuple[str, str, int], tuple[dict[str, str], dict[str, int]]] = {}
    for frame, marks in zip(position.frames, position.marks, strict=True):
        times = sum(1 for place in found if place[:2] == (frame.task, frame.function))
        found[frame.task, frame.function, times] = (frame.locals, marks)
    return found
