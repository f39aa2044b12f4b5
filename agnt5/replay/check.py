"""`agnt5.check()`: which recorded runs does the code of now still replay?

Each run's flow is driven by its journal until it ends, waits for what is not recorded yet, or asks otherwise. No step
body runs and nothing is written.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from textwrap import indent
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

from agnt5 import registry
from agnt5.component import FLOW, Component, component_of
from agnt5.errors import ConfigurationError, DivergenceError
from agnt5.execution.diverging import users_place
from agnt5.execution.flowreplay import FlowReplay, on_own_thread
from agnt5.execution.frames import caller, text_at
from agnt5.journal import inert
from agnt5.replay import recorded
from agnt5.runtime import reader as look

if TYPE_CHECKING:
    from agnt5 import _core

_ALL = 1_000_000
# Runs that the text tells about one by one.
_TOLD = 20

Verdict = Literal["compatible", "diverges", "cannot replay"]


class Checked(NamedTuple):
    """What became of one run. `seq` and `path` are those of the recorded command where the code asks otherwise;
    `recorded` and `asked` say what stands there and what the code did instead, each with its line; `differs` what
    differs in the arguments, when both are the same call."""

    run_id: str
    component: str
    verdict: Verdict
    seq: int = 0
    path: str = ""
    recorded: str = ""
    asked: str = ""
    reason: str = ""
    differs: str = ""

    def __str__(self) -> str:
        lines = [f"{self.run_id} {self.component}: {self.verdict}"]
        if self.verdict == "diverges":
            lines[0] += f" at entry {self.seq}" if self.seq else ""
            lines += _with_code("recorded", self.recorded) + _with_code("now", self.asked)
            lines += [indent(self.differs, " " * 16)] if self.differs else []
        elif self.reason:
            lines[0] += f": {self.reason.splitlines()[0]}"
        return inert("\n".join(lines))


class Report(Sequence[Checked]):
    """What `agnt5.check()` found, newest run first. `str` is for people, `to_dict` for programs.

    `unchecked`: how many runs were left when the time was over; `memos`: how many are runs of functions and methods,
    which look their results up and never diverge; `unclean`: how many were left out because their code had been warned
    of, or stopped, when they ran.
    """

    def __init__(self, found: list[Checked], unchecked: int, memos: int, unclean: int = 0) -> None:
        self.unchecked = unchecked
        self.memos = memos
        self.unclean = unclean
        self._found = found

    @property
    def ok(self) -> bool:
        """Whether every run that was looked at replays."""
        return all(one.verdict == "compatible" for one in self._found)

    @property
    def compatible(self) -> list[Checked]:
        return [one for one in self._found if one.verdict == "compatible"]

    @property
    def diverging(self) -> list[Checked]:
        return [one for one in self._found if one.verdict == "diverges"]

    @property
    def impossible(self) -> list[Checked]:
        """Those that cannot be replayed, each with its `reason`."""
        return [one for one in self._found if one.verdict == "cannot replay"]

    @overload
    def __getitem__(self, index: int) -> Checked: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Checked]: ...
    def __getitem__(self, index: int | slice) -> Checked | Sequence[Checked]:
        return self._found[index]

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Checked]:
        return iter(self._found)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "ok": self.ok,
            "compatible": len(self.compatible),
            "diverging": [one._asdict() for one in self.diverging],
            "impossible": [one._asdict() for one in self.impossible],
            "unchecked": self.unchecked,
            "memos": self.memos,
            "unclean": self.unclean,
        }

    def __str__(self) -> str:
        lines = [
            f"{name}: {fine} of {count} recorded {'run replays' if count == 1 else 'runs replay'}"
            for name, fine, count in self._counts()
        ]
        bad = [*self.diverging, *self.impossible]
        lines += [str(one) for one in bad[:_TOLD]]
        if len(bad) > _TOLD:
            lines.append(f"... and {len(bad) - _TOLD} more")
        if self.unchecked:
            lines.append(f"not all checked: {self.unchecked} older runs are left")
        if self.unclean:
            lines.append(f"not checked: {self.unclean} runs whose code was warned of when they ran")
        if not self._found and not self.unclean and not self.unchecked:
            lines.append("no recorded runs of flows")
        return inert("\n".join(lines))

    def __repr__(self) -> str:
        return f"<Report: {len(self.compatible)} of {len(self)} runs replay>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self) if cycle else str(self))

    def _counts(self) -> list[tuple[str, int, int]]:
        runs = Counter(one.component for one in self._found)
        fine = Counter(one.component for one in self.compatible)
        return [(name, fine[name], count) for name, count in runs.items()]


def check(
    component: Component[..., Any] | Callable[..., Any] | str | None = None,
    *,
    last: int | None = None,
    seconds: float | None = None,
    clean: bool = False,
) -> Report:
    """Replay recorded runs against the code of now: which still replay, which diverge, and where.

    `component`: one flow or its name; default: all. `last`: only so many runs of each, the newest. `seconds`: look at
    no further run after this time. `clean`: leave out runs whose code was warned of, or was stopped for I/O in a flow,
    when they ran: for checks that nobody asked for. Runs that have not ended are replayed as far as they are recorded.

    ConfigurationError when nothing has this name, or it is no flow.
    """
    code = {} if component is None or isinstance(component, str) else {flow_of(component).name: flow_of(component)}
    name = component if isinstance(component, str) else next(iter(code), "")
    if isinstance(component, str):
        known = registry.find(component)
        if known is None:
            raise ConfigurationError(f"Nothing is called {component!r} in this process.")
        code[component] = flow_of(known)
    return check_runs(look(), name, code, last=last, seconds=seconds, clean=clean)


def check_runs(
    reader: _core.Reader,
    name: str = "",
    code: dict[str, Component[..., Any]] | None = None,
    *,
    last: int | None = None,
    seconds: float | None = None,
    clean: bool = False,
) -> Report:
    """The same for the runs of one store. `code`: components to try in place of those that are registered."""
    until = time.monotonic() + seconds if seconds is not None else float("inf")
    found: list[Checked] = []
    left = memos = unclean = 0
    seen: Counter[str] = Counter()

    def work() -> None:
        nonlocal left, memos, unclean
        for row in reader.runs(component=name, limit=_ALL):
            seen[row.component] += 1
            if last is not None and seen[row.component] > last:
                continue
            if row.kind != FLOW:
                memos += 1
            elif time.monotonic() > until:
                left += 1
            elif clean and not _was_clean(reader, row):
                unclean += 1
            else:
                component = (code or {}).get(row.component) or registry.find(row.component)
                checked = _checked(reader, row, component, until)
                if checked is None:
                    left += 1
                else:
                    found.append(checked)

    on_own_thread(work)
    return Report(found, left, memos, unclean)


# What says that a flow's code did not keep to itself while it ran: it would do so again in a replay.
_STOPPED = ("FlowIOError", "FlowSpinError", "DivergenceError")


def _was_clean(reader: _core.Reader, row: _core.RunRow) -> bool:
    if row.reason.startswith(_STOPPED):
        return False
    ended = reader.ending(row.id) if row.ended else None
    return ended is None or not ended.warnings


def _checked(
    reader: _core.Reader, row: _core.RunRow, component: Component[..., Any] | None, until: float = float("inf")
) -> Checked | None:
    """The verdict, or None when the time was over first."""
    if component is None:
        reason = f"nothing is called {row.component!r} in this process: define or import it"
        return Checked(row.id, row.component, "cannot replay", reason=reason)
    if component.kind != FLOW:
        reason = f"{row.component!r} was a flow when it ran, and is none any more"
        return Checked(row.id, row.component, "cannot replay", reason=reason)
    try:
        recording = reader.recording(row.id)
        if not _drive(component, recording, until):
            return None
    except DivergenceError as error:
        recorded = error.expected or "nothing more"
        if where := _recorded_at(reader, row, error.seq):
            recorded += f" at {where}"
        asked = error.actual or "it returned" if error.seq >= 0 else str(error).splitlines()[0]
        asked += f" at {error.location}" if error.location else ""
        return Checked(
            row.id,
            row.component,
            "diverges",
            max(error.seq, 0),
            *(error.path, recorded, asked, str(error), error.differs),
        )
    except Exception as error:
        return Checked(row.id, row.component, "cannot replay", reason=f"{type(error).__name__}: {error}")
    return Checked(row.id, row.component, "compatible")


# Answers between two looks at the clock.
_STRIDE = 200


def _drive(component: Component[..., Any], recording: _core.Recording, until: float) -> bool:
    """Replay it to its end; False when the time was over first."""
    replay = FlowReplay(component, recording)
    try:
        replay.begin()
        while replay.forward(_STRIDE) == _STRIDE:
            if time.monotonic() > until:
                return False
    finally:
        replay.close()
    return True


def _recorded_at(reader: _core.Reader, row: _core.RunRow, seq: int) -> str:
    """`file:line in function` where the code as it was recorded asked this command; "" when that cannot be told."""
    from agnt5.journal import Journal

    if seq < 0:
        return ""
    try:
        component = recorded.recorded(Journal.read(reader, row), decorated=False)
        replay = _Watched(component, reader.recording(row.id), seq)
    except Exception:  # the recorded source may need what is gone by now
        return ""
    try:
        replay.begin()
        while not replay.place and replay.advance() is not None:
            continue
    except Exception:  # as above
        return replay.place
    finally:
        replay.close()
    return replay.place


class _Watched(FlowReplay):
    """Notes where the code stands when it asks one command."""

    def __init__(self, component: Component[..., Any], recording: _core.Recording, seq: int) -> None:
        super().__init__(component, recording)
        self.place = ""
        ask = self._session.command

        def command(*args: Any, **kwargs: Any) -> int:
            asked = ask(*args, **kwargs)
            if asked == seq:
                self.place = users_place(self._attempt, caller(2))
            return asked

        self._session.command = command


def _with_code(what: str, told: str) -> list[str]:
    lines = [f"    {what + ':':<9} {told}"]
    if text := text_at(told.rpartition(" at ")[2]):
        lines.append(f"    {'':9}   {text}")
    return lines


def flow_of(target: Component[..., Any] | Callable[..., Any]) -> Component[..., Any]:
    """The flow that is meant. ConfigurationError for what is none."""
    component = component_of(target)
    if component is None or component.kind != FLOW:
        raise ConfigurationError(f"{target!r} is no flow; only flows are replayed command by command.")
    return component
