"""TreePanel: a run's family as lanes that branch off where forks were cut; two of them can be compared.

It follows members that go on; opening one or comparing two shows other panels inside of this one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import agnt5

from . import publish
from .family import Family, Member
from .page import Page
from .panel import Message, Panel, in_bulk
from .treepage import tree_page

if TYPE_CHECKING:
    from agnt5 import Run

_EVERY = 1.0
"""Seconds between two looks at the store; at least ten times what a look took, for other panels are followed too."""


class TreePanel(Panel):
    """Shows forks and reruns."""

    module = "tree"
    aside = frozenset({"hello", "open", "compare"})

    def __init__(self, run: Run) -> None:
        self.run = run
        self.family = Family(run)
        self.members: list[Member] = self.family.members()
        self.inner: list[Panel] = []
        self._next = time.monotonic() + _EVERY
        super().__init__(f"Forks of {run.id}")
        if self.live:
            self.follow()

    @property
    def live(self) -> bool:
        """Whether a member goes on, so that there may be news."""
        return any(not agnt5.Status(one.status).terminal for one in self.members)

    def first(self) -> Message:
        """The family as it is now."""
        with self.lock:
            self.members = self.family.members()
        if self.live:
            self.follow()
        return self._message()

    def _message(self, **fields: Any) -> Message:
        found = {"members": [one._asdict() for one in self.members], "chosen": self.run.id, "more": self.family.more}
        return in_bulk(found, **fields)

    def look(self) -> bool:
        began = time.monotonic()
        if began < self._next:
            return True
        before = self.members
        self.members = self.family.members()
        self._next = time.monotonic() + max(_EVERY, 10 * (time.monotonic() - began))
        if self.members != before:
            self.say(self._message(tell="members"))
        if self.live:
            return True
        publish.renew(self.printed(), self.mark)
        return False

    def do_open(self, run: str) -> Message:
        """Show the panel of a run."""
        from .runpanel import RunPanel

        return self._inside(RunPanel(agnt5.get_run(run)))

    def do_compare(self, old: str, new: str) -> Message:
        from .diffpanel import DiffPanel

        return self._inside(DiffPanel(agnt5.get_run(old).diff(agnt5.get_run(new))))

    def _inside(self, panel: Panel) -> Message:
        for one in self.inner:
            one.close()
        self.inner = [panel]
        return Message({"model": panel.model_id})

    def close(self) -> None:
        for one in self.inner:
            one.close()
        super().close()

    def page(self) -> Page:
        return tree_page(self.members, self.run.id, self.mark)
