"""ReplayPanel: walk through a recorded run, stop where it matters, and fork it from there with something changed.

It moves the Replay that it was given, which may move by code as well; a run is made only when a person asks for a fork.
"""

from __future__ import annotations

import time
from array import array
from typing import TYPE_CHECKING, Any

import agnt5

from . import publish
from .entries import EntryPanel
from .forking import Draft, draft, fork, plan
from .memorylog import MemoryLog
from .page import Page
from .panel import Message, in_bulk
from .replaypage import replay_page
from .standing import States, standing
from .words import short

if TYPE_CHECKING:
    from agnt5 import Entry

_STILL = 1.0
"""Seconds without a move after which the static page is renewed."""


class Stop:
    """A breakpoint at one entry: a name or a path may be that of others too."""

    def __init__(self, entry: Entry) -> None:
        self.seq = entry.seq
        self.name = entry.path or entry.kind

    def __call__(self, entry: Entry) -> bool:
        return entry.seq == self.seq

    def __repr__(self) -> str:
        return f"{self.name} (entry {self.seq})"


class ReplayPanel(EntryPanel):
    """Shows a replay, and moves it."""

    module = "replay"
    aside = frozenset({"hello", "walk", "recorded", "move", "run", "stop", "clear", "draft", "plan", "fork"})

    def __init__(self, replay: Any) -> None:
        super().__init__(replay.journal, f"Replay of {replay.run_id}")
        self._recorded = False
        self._take(replay)
        self._memory = MemoryLog(replay.journal)
        self._moved = 0.0
        self._at = -1
        self.inner: list[Any] = []

    def _take(self, replay: Any) -> None:
        """Walk with this one from now on."""
        self.replay = replay
        positions = replay.positions
        self._entries: list[Entry] = [entry for _, entry in positions]
        self._places = {entry.seq: place for place, entry in enumerate(self._entries)}
        self._states = States(replay.journal, [seq for seq, _ in positions])

    def first(self) -> Message:
        self.follow()  # code may move it too, and the static page follows
        return Message({})

    def ask_walk(self) -> Message:
        """The head, where it stands, and the seq of the entry of every position (4 bytes each, 0 for the start)."""
        places = array("I", (entry.seq for entry in self._entries))
        places[0] = 0
        head = {
            "id": self.replay.run_id,
            "component": short(self.trace.component),
            "status": self.trace.status,
            "memory": len(self._memory),
            "recorded": self._recorded,
            "forks": not self.replay.journal.loaded,
        }
        message = in_bulk(self._here(), head=head)
        return Message(message.fields, [*message.buffers, places.tobytes()])

    def _here(self) -> dict[str, Any]:
        found = standing(self.replay, self.trace, self._states)
        found["memory"] = self._memory.at(self.replay.position) if len(self._memory) else None
        found["stops"] = self._stops()
        self._at = self.replay.index
        return found

    def _stops(self) -> dict[str, Any]:
        stops = self.replay.breakpoints
        if not len(stops):
            return {"names": [], "places": []}
        last = len(self.replay)
        places = [place for place, entry in enumerate(self._entries[:last]) if place and stops.match(entry)]
        return {"names": [short(name) for name in stops], "places": places}

    def _tell(self) -> None:
        message = in_bulk(self._here(), tell="at")
        self.say(message)
        self._moved = time.monotonic()
        self.follow()

    def look(self) -> bool:
        """Follow moves that code makes; renew the static page once nobody moves."""
        if self.heard:  # all that looks at the replay does so at the desk
            if self.replay.index != self._at:
                self.desk.put(self._moved_by_code)
            elif self._moved and time.monotonic() - self._moved > _STILL:
                self._moved = 0.0
                self.desk.put(lambda: publish.renew(self.printed(), self.mark))
        return self.views > 0 or bool(self._moved)

    def _moved_by_code(self) -> None:
        if self.replay.index != self._at:
            self._tell()

    # What people do

    def do_move(self, to: int) -> None:
        self.replay.step(to - self.replay.index)
        self._tell()

    def do_run(self) -> None:
        """To the next breakpoint, or to the end."""
        self.replay.run_to_end()
        self._tell()

    def do_stop(self, seq: int, on: bool) -> None:
        """Stop at an entry, or no longer."""
        stop = Stop(self._entries[self._places[seq]])
        if on:
            self.replay.breakpoints.add(stop)
        else:
            self.replay.breakpoints.remove(repr(stop))
        self._tell()

    def do_clear(self, name: str = "") -> None:
        """Let go of the breakpoint of this name, or of all."""
        if name:
            self.replay.breakpoints.remove(next(one for one in self.replay.breakpoints if short(one) == name))
        else:
            self.replay.breakpoints.clear()
        self._tell()

    def do_recorded(self) -> None:
        """Walk the code as it was recorded, from the start: a person asks for it, so what the journal holds may run."""
        stops = self.replay.breakpoints
        self._take(agnt5.get_run(self.replay.run_id).replay(code="recorded"))
        self.replay.breakpoints = stops
        self._recorded = True
        self.say(Message({"tell": "anew"}))

    # Forks

    def ask_draft(self) -> Message:
        """What could be changed here."""
        return in_bulk(draft(self.replay))

    def ask_plan(self, change: dict[str, Any]) -> Message:
        """What a fork would do; nothing is made."""
        return in_bulk(plan(self.replay, Draft(**change), recorded=self._recorded))

    def do_fork(self, change: dict[str, Any]) -> Message:
        from .runpanel import RunPanel

        run = fork(self.replay, Draft(**change), recorded=self._recorded)
        panel = RunPanel(run)
        self.inner.append(panel)
        return Message({"id": run.id, "component": short(run.component), "model": panel.model_id})

    def close(self) -> None:
        for panel in self.inner:
            panel.close()
        self.inner.clear()
        super().close()

    def page(self) -> Page:
        return replay_page(self.replay, self.trace, self.mark)
