"""What a wait in a notebook says when the run it waits for waits for somebody: an approval, an event, or a run below it
that is paused.

Without it, a cell that blocks on such a run would hang for ever in silence, for the cell that would answer cannot be
run. It only speaks, under IPython and once for each question; it never answers, and never ends the wait.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar, cast

from agnt5 import config
from agnt5.errors import RunNotFound
from agnt5.journal import Journal, short
from agnt5.notebook import under_ipython
from agnt5.runtime import reader as look
from agnt5.types import Status

if TYPE_CHECKING:
    from agnt5 import _core
    from agnt5.entry import Entry
    from agnt5.run import Run

T = TypeVar("T")

PERIOD = 1.0
"""Seconds between two looks."""
_SHARE = 20  # of the waiting time, looking takes at most one part in so many
_APPROVAL = "approval:"


def block(run_id: str, future: Future[T], timeout: float | None) -> T:
    """Wait on this thread; TimeoutError after `timeout` seconds."""
    until = None if timeout is None else time.monotonic() + timeout
    asking = _Asking(run_id)
    while True:
        left = PERIOD if until is None else min(PERIOD, until - time.monotonic())
        try:
            return future.result(max(left, 0))
        except TimeoutError:
            if until is not None and time.monotonic() >= until:
                raise
            asking.look()


async def wait(run_id: str, future: Future[T]) -> T:
    """Wait in a task."""
    ended = asyncio.wrap_future(future)
    if not under_ipython():
        return await ended
    asking = _Asking(run_id)
    try:
        while not (await asyncio.wait({ended}, timeout=PERIOD))[0]:
            asking.look()
    except asyncio.CancelledError:
        ended.cancel()
        raise
    return ended.result()


class _Asking:
    """The questions of one run that have been told during one wait."""

    def __init__(self, run_id: str) -> None:
        from agnt5.run import Run

        self._run = Run(run_id)
        self._told: set[tuple[str, int] | str] = set()
        self._next = 0.0

    def look(self) -> None:
        """Tell what is new. Called from the waiting thread, so what it prints lands in the waiting cell."""
        began = time.monotonic()
        if not under_ipython() or began < self._next or self._run.status is not Status.WAITING:
            return
        for run, entry in questions(self._run):
            if (run.id, entry.seq) not in self._told:
                self._told.add((run.id, entry.seq))
                print(short(sentence(run, entry), 1000), file=sys.stderr, flush=True)
        for paused in paused_below(self._run.id, look()):
            if paused not in self._told:
                self._told.add(paused)
                print(short(paused, 1000), file=sys.stderr, flush=True)
        ended = time.monotonic()
        self._next = ended + (ended - began) * _SHARE


def questions(run: Run) -> Iterator[tuple[Run, Entry]]:
    """The events that this run, and the runs that it awaits, wait for now."""
    from agnt5.run import Run

    for entry in run.journal:
        if entry.ended is not None:
            continue
        if entry.kind == "event":
            yield run, entry
        elif entry.child_id:
            try:
                yield from questions(Run(entry.child_id))
            except RunNotFound:
                continue  # asked, and not begun yet


def paused_below(run_id: str, reader: _core.Reader) -> list[str]:
    """What to know of paused runs that this one, or a run that it awaits, waits for."""
    from agnt5.execution.stops import paused_text

    row = reader.run(run_id)
    if row is None or Status.from_code(row.status).terminal:
        return []
    told: list[str] = []
    for entry in Journal.read(reader, row):
        child = reader.run(entry.child_id) if entry.ended is None and entry.child_id else None
        if child is None:
            continue
        if Status.from_code(child.status) is Status.PAUSED:
            told.append(paused_text(run_id, child.id, child.component, child.reason))
        else:
            told += paused_below(child.id, reader)
    return told


def sentence(run: Run, entry: Entry) -> str:
    """Who waits for what, and how to answer."""
    if entry.name.startswith(_APPROVAL):
        asked, answer = _wanted(entry), f"%agnt5 approve {run.id}` or `%agnt5 deny {run.id}"
    else:
        asked, answer = f"the event {entry.name!r}", f"%agnt5 event {entry.name} --to {run.id}"
    return (
        f"Run {run.id} waits for {asked}. This cell blocks until it is there: interrupt it (the run stays), then "
        f"`{answer}`."
    )


def _wanted(entry: Entry) -> str:
    about = entry.input
    if not isinstance(about, Mapping):
        return "an approval"
    fields = cast("Mapping[str, Any]", about)
    shown = "..."
    if config.settings().outputs == "full":
        shown = ", ".join(f"{name}={value!r}" for name, value in dict(fields.get("arguments") or {}).items())
    return f"your approval: {fields.get('agent')} wants {fields.get('tool')}({shown})"
