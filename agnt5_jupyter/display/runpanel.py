"""RunPanel: one run, live: what it does now, what it asks of people, what came of it, and the words that steer it.

Every button has a magic that does the same; its tooltip says which.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, cast

import agnt5
from agnt5.agent import Approval, approvals

from . import publish, runpage
from .entries import EntryPanel
from .nested import Nested
from .page import Page
from .panel import Message, in_bulk
from .streams import Spoken, streams
from .totals import Totals
from .words import failure_words, log_lines, long, short

if TYPE_CHECKING:
    from agnt5 import Run

_REPEAT = 1.0
"""Seconds between two tellings of everything while no view has asked: its words may wait behind a cell that blocks."""
_HEAD = 0.2
"""Seconds between two tellings of totals while only totals change."""


class RunPanel(EntryPanel):
    """Shows a run and follows it."""

    module = "run"

    def __init__(self, run: Run) -> None:
        self.run = run
        super().__init__(run, f"Run {run.id}")
        self.totals = Totals()
        self.totals.take(self.trace.entries)
        self.nested = self.list = Nested(self.trace)
        self._told: tuple[str, bool] = ("", False)
        self._told_at = 0.0
        self._spoken = Spoken()
        if self.trace.live or self.nested.live:
            self.follow()

    # What is told

    def first(self) -> Message:
        return Message({"head": self.head(), "spoken": agnt5.visible(self._spoken.text)})

    def head(self) -> dict[str, Any]:
        """Everything but the rows."""
        trace = self.trace
        head: dict[str, Any] = {
            "id": trace.run_id,
            "component": short(trace.component),
            "status": trace.status,
            "created": trace.created,
            "started": trace.started,
            "ended": trace.ended,
            "now": time.time(),
            "reason": long(trace.reason) if trace.status in ("paused", "failed", "cancelled") else "",
            "interrupted": trace.interrupted,
            "waits": [
                {"kind": one.kind, "name": short(one.name), "due": one.due.timestamp() if one.due else None}
                for one in self.totals.waits[:20]
                if not one.name.startswith("approval:")
            ],
            "asks": self._asks(),
            "warnings": [long(one) for one in trace.warnings],
            **self.totals.facts(),
        }
        if not trace.live:
            head |= self._end()
        return head

    def _asks(self) -> list[dict[str, Any]]:
        """Tool calls that wait for a person."""
        if not self.trace.live or not (self.totals.children or self.totals.waits):
            return []
        return [
            {
                "run": one.run_id,
                "number": one.number,
                "agent": short(one.agent),
                "tool": short(one.tool),
                "arguments": runpage.as_json(one.arguments),
            }
            for one in approvals(self.run)
        ]

    def _end(self) -> dict[str, Any]:
        """The result, and what was printed outside of steps."""
        journal = self.run.journal
        failure = journal.failure
        successor = self.run.successor
        return {
            "successor": short(successor.id) if successor else "",
            "result": None if successor else journal.outline(),
            "failure": failure_words(failure) if failure else None,
            "logs": log_lines(journal.logs),
        }

    def look(self) -> bool:
        changed = self.trace.poll()
        self.totals.take(changed)
        for row in (*self.nested.take(changed), *self.nested.poll()):
            self.untold[row.seq] = row
        self._tell_answer()
        self._tell_head(bool(changed))
        more = self.tell_rows()
        if not self.heard and time.monotonic() - self._told_at > _REPEAT:
            self._tell_all()
        if self.trace.live or self.nested.live or more:
            return True
        publish.renew(self.printed(), self.mark)
        return False

    def _tell_head(self, changed: bool) -> None:
        """Tell the head when something in it changed; totals alone only now and then."""
        now = time.monotonic()
        stands = self.trace.status, self.trace.interrupted
        if stands == self._told and not (changed and now - self._told_at > _HEAD):
            return
        self._told = stands
        self._told_at = now
        self.say(Message({"tell": "head", "head": self.head()}))

    def _tell_answer(self) -> None:
        """Tell the pieces of the answer that a model gives now."""
        wanted = {self.run.id, *self.totals.children, *self.nested.run_ids}
        added, begins = self._spoken.take(streams.take(wanted))
        if added:
            self.say(Message({"tell": "answer", "text": agnt5.visible(added), "begins": begins}))

    def _tell_all(self) -> None:
        """For views whose first question waits in the kernel."""
        self._told_at = time.monotonic()
        self.say(Message({"tell": "head", "head": self.head()}))
        entries = self.list.entries
        rows = range(min(len(entries), 500))
        message = self.index.message([entries[row] for row in rows], rows, 0)
        self.say(Message({"tell": "rows", **message.fields}, message.buffers))

    def ask_result(self, path: list[int], start: int = 0) -> Message:
        """More of the result."""
        return in_bulk(self.run.journal.outline(path, start=start))

    def ask_open(self, seq: int) -> Message:
        """Show the steps of the run below an entry too."""
        opened = self.nested.open(seq)
        if opened:
            self.follow()
        return Message({"opened": opened})

    # What people do

    def do_cancel(self) -> Message:
        gone = not self.run.cancel()
        return Message({"said": "It had ended already." if gone else "Asked to stop."})

    def do_pause(self) -> Message:
        self.run.pause("paused in the notebook")
        return Message({"said": "Paused."})

    def do_resume(self) -> Message:
        stood = self.trace.interrupted
        # Whoever opens a store drives what waits in it, so that there may be nothing left to resume.
        went = self.run.resume() or (stood and not self.run.interrupted)
        self.follow()
        return Message({"said": "It goes on." if went else "There was nothing to resume."})

    def do_event(self, name: str, payload: str = "") -> Message:
        """Send an event to this run. The payload is JSON; empty for none."""
        value = _json(payload, "The payload") if payload.strip() else None
        agnt5.send_event(name, value, run=self.run)
        return Message({"said": f"Sent {short(name)}."})

    def do_approve(self, run: str, number: int, arguments: str | None = None) -> Message:
        """Let a tool call be made; `arguments` is a JSON object, None for those that were asked for."""
        given: Any = None if arguments is None else _json(arguments, "The arguments")
        if arguments is not None and not isinstance(given, dict):
            raise agnt5.ConfigurationError("The arguments must be a JSON object.")
        asked = self._asked(run, number)
        asked.approve(cast("dict[str, Any] | None", given))
        return Message({"said": f"Approved {short(asked.tool)}."})

    def do_deny(self, run: str, number: int, reason: str = "") -> Message:
        asked = self._asked(run, number)
        asked.deny(reason)
        return Message({"said": f"Denied {short(asked.tool)}."})

    def _asked(self, run_id: str, number: int) -> Approval:
        for one in approvals(self.run):
            if (one.run_id, one.number) == (run_id, number):
                return one
        raise agnt5.ConfigurationError("This question has been answered already.")

    def page(self) -> Page:
        return runpage.run_page(self.trace, self.nested, self.totals, self.run, self.mark)


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise agnt5.ConfigurationError(f"{what} must be JSON: {error}.") from None
