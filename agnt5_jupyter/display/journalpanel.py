"""JournalPanel: all entries of a run, or of a loaded journal, as a table or tree with search and details.

It follows a run that goes on; a journal that was loaded is a picture.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from . import publish
from .entries import EntryPanel
from .journalpage import journal_page
from .page import Page
from .panel import Message
from .words import short

if TYPE_CHECKING:
    from agnt5 import Journal, Run


class JournalPanel(EntryPanel):
    """Shows a journal."""

    module = "journal"

    def __init__(self, source: Run | Journal) -> None:
        super().__init__(source, "Journal")
        self._told = ""
        if self.trace.live:
            self.follow()

    def first(self) -> Message:
        return Message({"head": self.head()})

    def head(self) -> dict[str, Any]:
        trace = self.trace
        return {
            "id": trace.run_id,
            "component": short(trace.component),
            "status": trace.status,
            "created": trace.created,
            "started": trace.started,
            "ended": trace.ended,
            "live": trace.live,
            "now": time.time(),
        }

    def look(self) -> bool:
        self.gather()
        more = self.tell_rows()
        if self.trace.status != self._told:
            self._told = self.trace.status
            self.say(Message({"tell": "head", "head": self.head()}))
        if self.trace.live or more:
            return True
        publish.renew(self.printed(), self.mark)
        return False

    def page(self) -> Page:
        return journal_page(self.trace, self.mark)
