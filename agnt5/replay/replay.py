"""`run.replay()`: step through a recorded run, backwards as well as forwards.

The flow's code runs again on recorded answers; no step body runs, nothing is written or sent. What has no code to run
(a function's body does I/O; a stranger's journal is only data) is stepped over its entries, and says why it shows no
frames.
"""

from __future__ import annotations

import weakref
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agnt5.component import FLOW, KIND_NAMES, Component
from agnt5.entry import Entry
from agnt5.errors import ConfigurationError, DivergenceError
from agnt5.execution.flowreplay import FlowReplay
from agnt5.journal import Journal
from agnt5.replay import source
from agnt5.replay.breakpoints import Breakpoints
from agnt5.replay.stage import Stage
from agnt5.replay.view import Frame, Position, changed, look

if TYPE_CHECKING:
    from agnt5 import _core

# Positions before a jump backwards that are looked at on the way, so that the next steps back cost nothing.
_BEHIND = 64
_KEPT = 1024
# Replays left standing where they were, to go on from when somebody jumps to and fro.
_PARKED = 3


class Replay:
    """One walk through one run. Positions are quiescent points: the start, and after each answer that the code got.

    `component`: the code to drive; None steps over entries only, and `why_no_frames` says why. Made by `run.replay()`
    and `journal.replay()`. `close()` ends it; so does letting go of it.
    """

    def __init__(self, journal: Journal, component: Component[..., Any] | None, why_no_frames: str = "") -> None:
        self.run_id = journal.run_id
        self.journal = journal
        self.breakpoints = Breakpoints()
        self.why_no_frames = why_no_frames
        self.divergence: DivergenceError | None = None
        self._seqs, self._entries = _positions(journal, scripts_only=component is not None)
        self._last = len(self._seqs) - 1
        self._index = 0
        self._seen: OrderedDict[int, Position] = OrderedDict()
        self._cast = None if component is None else _Cast(component, journal.recording)
        if self._cast is not None:
            weakref.finalize(self, self._cast.leave)
        self._show(0)

    # Moving

    def step(self, n: int = 1) -> Replay:
        """Deliver `n` more answers; stops at the end."""
        return self._move(self._index + n)

    def back(self, n: int = 1) -> Replay:
        """`n` answers fewer; stops at the start."""
        return self._move(self._index - n)

    def goto(self, where: int | Callable[[Entry], bool]) -> Replay:
        """The last position that is not after this entry; or the next one whose entry answers a question with yes."""
        if callable(where):
            for index in range(self._index + 1, self._last + 1):
                if where(self._entry_at(index)):
                    return self._move(index)
            return self
        return self._move(bisect_right(self._seqs, where) - 1)

    def run_to_end(self) -> Replay:
        """Forward to the next breakpoint, or to the end."""
        if len(self.breakpoints):
            for index in range(self._index + 1, self._last + 1):
                if self.breakpoints.match(self._entry_at(index)):
                    return self._move(index)
        return self._move(self._last)

    def reset(self) -> Replay:
        return self._move(0)

    # Looking

    @property
    def position(self) -> int:
        """Seq of the last entry that was delivered; 0 at the start. What `run.fork(at=...)` takes."""
        return self._seqs[self._index]

    @property
    def index(self) -> int:
        """Which position this is, from 0; `len(replay)` says how many there are."""
        return self._index

    def __len__(self) -> int:
        return self._last + 1

    @property
    def at_end(self) -> bool:
        return self._index == self._last

    @property
    def entry(self) -> Entry | None:
        """The command whose answer was delivered last; None at the start."""
        return self._entry_at(self._index) if self._index else None

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The user's suspended frames of all tasks, each task from its outermost to its innermost."""
        return self._here.frames

    @property
    def frame(self) -> Frame | None:
        """Where the code stands that the last answer woke; None without frames, and at the end."""
        here = self._here
        return None if here.current is None else here.frames[here.current]

    @property
    def locals(self) -> dict[str, str]:
        """Names of that frame, as texts."""
        return {} if self.frame is None else dict(self.frame.locals)

    @property
    def source(self) -> str:
        """The function of that frame, its current line marked; why there is none otherwise."""
        return self.why_no_frames if self.frame is None else source.marked(self.frame)

    @property
    def state(self) -> dict[str, Any]:
        """Execution-scoped state (`ctx.state`) here."""
        return dict(self._here.state)

    @property
    def changed(self) -> set[str]:
        """Names whose value differs from the position before; `state.name` for state."""
        if self._index == 0 or self._cast is None:
            return set()
        return changed(self._at(self._index - 1), self._here)

    def eval(self, expression: str) -> Any:
        """The value of an expression in the frame where the code stands, on a replay made for it and thrown away."""
        cast = self._driven("evaluate an expression")
        return cast.evaluate(self._index, expression)

    def trace(self, expression: str) -> Any:
        """The expression at every position: a DataFrame with `seq`, `path`, `value`; None where its names do not exist.
        Values are copies, or texts where one cannot be copied. Needs pandas."""
        cast = self._driven("trace an expression")
        import pandas  # pyright: ignore[reportMissingTypeStubs]

        values = cast.trace(self._last, expression)
        paths = ["", *(self._entry_at(index).path for index in range(1, len(values)))]
        columns = {"seq": self._seqs[: len(values)], "path": paths, "value": pandas.Series(values, dtype=object)}
        return pandas.DataFrame(columns)

    def close(self) -> None:
        """Let go of the code. Positions that were looked at stay."""
        if self._cast is not None:
            self._cast.close()

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        entry = self.entry
        at = f" after {entry.path or entry.name}" if entry is not None else ""
        return f"<Replay of {self.run_id}: position {self._index} of {self._last}{at}>"

    def __str__(self) -> str:
        lines = [repr(self)[1:-1], self.source.rstrip()]
        lines += [f"  {name} = {text}" for name, text in self.locals.items()]
        lines += [f"  state.{name} = {value!r}" for name, value in self.state.items()]
        if self.divergence is not None:
            lines.append(str(self.divergence))
        return "\n".join(line for line in lines if line)

    # Inside

    @property
    def _here(self) -> Position:
        return self._at(self._index)

    def _move(self, index: int) -> Replay:
        self._show(min(max(index, 0), self._last))
        return self

    def _show(self, index: int) -> None:
        try:
            self._at(index)
        except DivergenceError as error:
            self._diverged(error)
            index = min(index, self._last)
        self._index = index

    def _diverged(self, error: DivergenceError) -> None:
        """From here on the journal cannot be followed; the positions before stay."""
        self.divergence = error
        reached = 0 if self._cast is None else max(self._cast.reached, 0)
        self._last = min(self._last, reached)
        self._index = min(self._index, self._last)
        if self._last == 0 and 0 not in self._seen:
            self._seen[0] = Position(0, 0, None, (), None, {})

    def _at(self, index: int) -> Position:
        known = self._seen.get(index)
        if known is not None:
            self._seen.move_to_end(index)
            return known
        if self._cast is None:
            entry = self._entry_at(index) if index else None
            found = [Position(index, self._seqs[index], entry, (), None, _state_at(self.journal, self._seqs[index]))]
        else:
            behind = _BEHIND if index < self._index else 1
            found = self._cast.look(max(0, index - behind), index, self._seqs, self._entry_or_none)
        for one in found:
            self._seen[one.index] = one
        while len(self._seen) > _KEPT:
            self._seen.popitem(last=False)
        return found[-1]

    def _entry_at(self, index: int) -> Entry:
        return self._entries[index]

    def _entry_or_none(self, index: int) -> Entry | None:
        return self._entries[index] if index else None

    def _driven(self, what: str) -> _Cast:
        if self._cast is None:
            raise ConfigurationError(f"There is no code to {what} in: {self.why_no_frames}")
        return self._cast


class _Cast:
    """The replays of one walk, on their stage. Every method may be called from any thread."""

    def __init__(self, component: Component[..., Any], recording: _core.Recording) -> None:
        self._component = component
        self._recording = recording
        self._stage = Stage()
        self._standing: list[tuple[int, FlowReplay]] = []
        # The furthest position at which a replay stood whole.
        self.reached = -1

    def look(self, first: int, last: int, seqs: list[int], entry: Callable[[int], Entry | None]) -> list[Position]:
        """The positions from `first` to `last`."""

        def job() -> list[Position]:
            at, replay = self._take(first)
            found: list[Position] = []
            try:
                while True:
                    found.append(look(replay, at, seqs[at], entry(at)))
                    if at == last:
                        break
                    at = self._on(replay, at)
            except BaseException:
                replay.close()
                raise
            self._park(at, replay)
            return found

        return self._stage.call(job)

    def evaluate(self, index: int, expression: str) -> Any:
        def job() -> Any:
            _, replay = self._fresh(index)
            try:
                return replay.within(lambda: source.evaluate(replay, expression))
            finally:
                replay.close()

        return self._stage.call(job)

    def trace(self, last: int, expression: str) -> list[Any]:
        def job() -> list[Any]:
            at, replay = self._fresh(0)
            values: list[Any] = []
            try:
                while True:
                    values.append(replay.within(lambda: source.snapshot(replay, expression)))
                    if at == last:
                        return values
                    at = self._on(replay, at)
            finally:
                replay.close()

        return self._stage.call(job)

    def close(self) -> None:
        self._stage.call(self._close)

    def leave(self) -> None:
        self._stage.leave(self._close)

    def _take(self, index: int) -> tuple[int, FlowReplay]:
        """A replay that stands at this position: the nearest one before it goes on, or a new one begins."""
        best = max((one for one in self._standing if one[0] <= index), key=lambda one: one[0], default=None)
        if best is None:
            return self._fresh(index)
        self._standing.remove(best)
        at, replay = best
        return self._forward(at, replay, index)

    def _fresh(self, index: int) -> tuple[int, FlowReplay]:
        replay = FlowReplay(self._component, self._recording)
        try:
            replay.begin()
        except BaseException:
            replay.close()
            raise
        self.reached = max(self.reached, 0)
        return self._forward(0, replay, index)

    def _forward(self, at: int, replay: FlowReplay, index: int) -> tuple[int, FlowReplay]:
        if index - at > 1:
            try:
                at += replay.forward(index - at - 1)
            except BaseException:
                self._stumbled(replay)
                raise
            self.reached = max(self.reached, at)
        while at < index:
            at = self._on(replay, at)
        return at, replay

    def _on(self, replay: FlowReplay, at: int) -> int:
        try:
            if replay.advance() is None:
                raise DivergenceError(f"the journal has no answer after position {at}.")
        except BaseException:
            self._stumbled(replay)
            raise
        self.reached = max(self.reached, at + 1)
        return at + 1

    def _stumbled(self, replay: FlowReplay) -> None:
        self.reached = max(self.reached, replay.delivered - 1)
        replay.close()

    def _park(self, at: int, replay: FlowReplay) -> None:
        self._standing.append((at, replay))
        while len(self._standing) > _PARKED:
            self._standing.pop(0)[1].close()

    def _close(self) -> None:
        while self._standing:
            self._standing.pop()[1].close()


def _positions(journal: Journal, *, scripts_only: bool) -> tuple[list[int], list[Entry]]:
    """Seqs of the answers that make positions, and the entries they answer; the start comes first."""
    by_seq = {entry.seq: entry for entry in journal}
    first = Entry(journal.stored[0], "start", 0)
    seqs, entries = [0], [first]
    for one in journal.stored:
        if one.body == "cancel_requested":
            seqs.append(one.seq)
            entries.append(Entry(one, "cancel", 0))
            continue
        entry = by_seq.get(one.command) if one.body == "completion" else None
        if entry is not None and (entry.scope == 0 or not scripts_only):
            seqs.append(one.seq)
            entries.append(entry)
    return seqs, entries


def _state_at(journal: Journal, seq: int) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for entry in journal:
        if entry.seq > seq:
            break
        if entry.kind == "state_set":
            state[entry.name] = entry.input
        elif entry.kind == "state_delete":
            state.pop(entry.name, None)
    return state


def replay_of(
    journal: Journal, code: Component[..., Any] | Callable[..., Any] | str | None = None, trust: bool = False
) -> Replay:
    """A replay of a journal; see `Run.replay` and `Journal.replay`."""
    component, why = source.choose(journal, code, trust)
    if component is not None and component.kind != FLOW:
        kind = KIND_NAMES[component.kind]
        why = f"{component.name} is a {kind}: its body may do I/O, so its entries are stepped over and no code runs."
        component = None
    return Replay(journal, component, why)
