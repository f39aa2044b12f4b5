"""`run.replay()`: step through a recorded run, backwards as well as forwards.

The flow's code runs again on recorded answers; no step body runs, nothing is written or sent. What has no code to run
(a function's body does I/O; a stranger's journal is only data) is stepped over its entries, and says why it shows no
frames.
"""

from __future__ import annotations

import difflib
import weakref
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from agnt5.component import FLOW, KIND_NAMES, Component
from agnt5.entry import Entry, failure_line, value_of
from agnt5.errors import AGNT5Error, ConfigurationError, DivergenceError
from agnt5.execution import diverging
from agnt5.execution.kinds import FAILURE, VALUE
from agnt5.journal import Journal, inert, short, told_until
from agnt5.replay import recorded, source
from agnt5.replay.breakpoints import Breakpoints
from agnt5.replay.cast import ABSENT, STOPPED, Cast
from agnt5.replay.values import Shown
from agnt5.replay.view import Frame, Position, changed, changed_in

# Positions before a jump backwards that are looked at on the way, so that the next steps back cost nothing.
_BEHIND = 64
_KEPT = 1024


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
        # By the number of the entry that is answered there.
        self._places = {entry.seq: index for index, entry in enumerate(self._entries) if index}
        self._last = len(self._seqs) - 1
        self._index = 0
        self._seen: OrderedDict[int, Position] = OrderedDict()
        advice = diverging.LOADED if journal.loaded else diverging.REPLAY
        self._cast = None if component is None else Cast(component, journal.recording, advice)
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

    def goto(self, where: int | str | Entry | Callable[[Entry], bool]) -> Replay:
        """To where an entry was answered: the entry itself, its path, or its number, which is the one that journals
        show. What has no answer of its own here (it is open, nested in a function, or needs none) is gone to where it
        was asked.

        `replay.position` is such a number too, so `goto(position)` comes back. Other numbers go to the last position
        that is not after them; there is none before the start or beyond the end. A function of an entry goes on to the
        next position whose entry it says yes to. ConfigurationError for a path that is not there.
        """
        if isinstance(where, str):
            return self._move(self._index_of(self._entry_called(where)))
        if isinstance(where, Entry):
            return self._move(self._index_of(where))
        if callable(where):
            for index in range(self._index + 1, self._last + 1):
                if where(self._entry_at(index)):
                    return self._move(index)
            return self
        entry = self.journal.by_seq.get(where)
        return self._move(self._before(where) if entry is None else self._index_of(entry))

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
        """Number of the answer that was delivered last; 0 at the start. `run.fork(at=...)` with it goes on from here.
        The command that was answered is `entry`, and has a number of its own."""
        return self._seqs[self._index]

    @property
    def index(self) -> int:
        """Which position this is, from 0; `len(replay)` says how many there are."""
        return self._index

    def __len__(self) -> int:
        return self._last + 1

    @property
    def positions(self) -> list[tuple[int, Entry]]:
        """Seq and entry of every position: the answer that is delivered there, and the command that it answers. The
        first is the start."""
        return list(zip(self._seqs[: len(self)], self._entries, strict=False))

    @property
    def at_end(self) -> bool:
        return self._index == self._last

    @property
    def outcome(self) -> str:
        """At the end, in a line, what became of the run; "" elsewhere."""
        if not self.at_end or self.divergence is not None:
            return ""
        last, status = self.journal.stored[-1], self.journal.status
        if last.body != "ended":
            return f"{status}, and recorded until here"
        if last.outcome == FAILURE:
            return f"{status}: {failure_line(last.payload)}"
        value = value_of(last.payload, data_only=self.journal.loaded) if last.outcome == VALUE else None
        return f"{status}: {short(repr(value), 200)}" if value is not None else str(status)

    @property
    def entry(self) -> Entry | None:
        """The command whose answer was delivered last; None at the start."""
        return self._entry_at(self._index) if self._index else None

    @property
    def place(self) -> str:
        """Where it stands, in words. The number in it is the entry's, which `goto` takes."""
        entry = self.entry
        where = "at the start" if entry is None else f"after entry {entry.seq}, {entry.path or entry.kind}"
        return f"{where}: {self._index} of {self._last} {'answer' if self._last == 1 else 'answers'}"

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
    def state_texts(self) -> dict[str, str]:
        """The same as texts, which locals are as well."""
        shown = Shown()
        return {name: shown.text(value) for name, value in self._here.state.items()}

    @property
    def changed(self) -> set[str]:
        """Names whose value differs from the position before; `state.name` for state."""
        if self._index == 0 or self._cast is None:
            return set()
        return changed(self._at(self._index - 1), self._here)

    @property
    def changed_frames(self) -> list[dict[str, str | None]]:
        """The same for each of `frames`: the names, with the text that each had before; None for a name that is new."""
        if self._index == 0 or self._cast is None:
            return [{} for _ in self.frames]
        return changed_in(self._at(self._index - 1), self._here)

    def eval(self, expression: str) -> Any:
        """The value of an expression where the code stands, on a replay made for it and thrown away; a copy, where it
        can be copied. It sees the names of the frames around it, and may touch no file or socket."""
        cast = self._driven("evaluate an expression")
        return cast.evaluate(self._index, source.compiled(expression))

    def trace(self, expression: str) -> Any:
        """The expression at every position: a DataFrame with `seq` and `path` of the entry that was answered there (0
        and "" at the start) and `value`, None where its names do not exist. Values are copies, or texts where one
        cannot be copied. It ends where the code diverges. NameError when its names exist nowhere. Needs pandas."""
        cast = self._driven("trace an expression")
        import pandas  # pyright: ignore[reportMissingTypeStubs]

        values, stopped = cast.trace(self._last, source.compiled(expression))
        if stopped is not None:
            self._diverged(stopped)
        if all(value is ABSENT for value in values):
            raise NameError(f"The names in {expression!r} exist at none of the {len(values)} positions.")
        values = [None if value is ABSENT else value for value in values]
        # An entry is named by its own number, as everywhere: that of its answer is `position`.
        entries = self._entries[: len(values)]
        seqs, paths = [entry.seq for entry in entries], ["", *(entry.path for entry in entries[1:])]
        return pandas.DataFrame({"seq": seqs, "path": paths, "value": pandas.Series(values, dtype=object)})

    def close(self) -> None:
        """Let go of the code. Positions that were looked at stay."""
        if self._cast is not None:
            self._cast.close()

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return inert(f"<Replay of {self.run_id} {self.place}>")

    def __str__(self) -> str:
        lines = [repr(self)[1:-1], self.source.rstrip()]
        if self.frame is None:
            lines += told_until(self.journal, self.entry, self.position)
        lines += [f"  {name} = {text}" for name, text in self.locals.items()]
        lines += [f"  state.{name} = {text}" for name, text in self.state_texts.items()]
        lines.append(self.outcome)
        if self.divergence is not None:
            lines.append(str(self.divergence))
        return inert("\n".join(line for line in lines if line))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self) if cycle else str(self))

    # Inside

    @property
    def _here(self) -> Position:
        return self._at(self._index)

    def _move(self, index: int) -> Replay:
        self._show(min(max(index, 0), self._last))
        return self

    def _index_of(self, entry: Entry) -> int:
        """Where it was answered; else where it was asked: it is open, nested in a function, or needs no answer."""
        found = self._places.get(entry.seq)
        return self._before(entry.seq) if found is None else found

    def _before(self, seq: int) -> int:
        return bisect_right(self._seqs, seq) - 1

    def _entry_called(self, path: str) -> Entry:
        found = next((entry for entry in self.journal if entry.path == path != ""), None)
        if found is None:
            near = difflib.get_close_matches(path, [entry.path for entry in self.journal], 1)
            raise ConfigurationError(
                f"Run {self.run_id} has no entry with the path {path!r}."
                + (
                    f" Did you mean {near[0]!r}?"
                    if near
                    else f" `print(run.journal)` or `agnt5 show {self.run_id}` shows them."
                )
            )
        return found

    def _show(self, index: int) -> None:
        try:
            self._at(index)
        except STOPPED as error:
            self._diverged(error)
            index = min(index, self._last)
        self._index = index

    def _diverged(self, error: AGNT5Error) -> None:
        """From here on the journal cannot be followed; the positions before stay."""
        self.divergence = error if isinstance(error, DivergenceError) else DivergenceError(f"the code stopped: {error}")
        reached = 0 if self._cast is None else max(self._cast.reached, 0)
        self._last = min(self._last, reached)
        self._index = min(self._index, self._last)
        if self._last == 0 and 0 not in self._seen:
            self._seen[0] = Position(0, 0, None, (), (), None, {})

    def _at(self, index: int) -> Position:
        known = self._seen.get(index)
        if known is not None:
            self._seen.move_to_end(index)
            return known
        if self._cast is None:
            entry = self._entry_at(index) if index else None
            state = _state_at(self.journal, self._seqs[index])
            found = [Position(index, self._seqs[index], entry, (), (), None, state)]
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

    def _driven(self, what: str) -> Cast:
        if self._cast is None:
            raise ConfigurationError(f"There is no code to {what} in: {self.why_no_frames}")
        return self._cast


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
    component, why = recorded.choose(journal, code, trust)
    if component is None:
        return Replay(journal, None, why)
    kind = journal.stored[0].component_kind
    was, now = KIND_NAMES.get(kind, f"component of kind {kind}"), KIND_NAMES[component.kind]
    if was != now and FLOW in (kind, component.kind):
        why = f"{component.name} was a {was} when it ran and is a {now} now"
    elif component.kind != FLOW:
        why = f"{component.name} is a {now}: its body may do I/O"
    if why:
        return Replay(journal, None, f"{why}, so its entries are stepped over and no code runs.")
    return Replay(journal, component, "")
