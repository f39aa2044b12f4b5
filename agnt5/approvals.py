"""What a run asks of people: its open questions, and the words that answer them. The rules are in `agnt5.agent`.

An answer is an event; it reaches the run through whichever process owns the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agnt5.agent import Approval


class Approvals:
    """The part of `Run` that speaks with people."""

    __slots__ = ()
    id: str

    @property
    def approvals(self) -> list[Approval]:
        """The tool calls that wait for a person's word, in this run and in the runs it awaits; oldest first."""
        from agnt5.agent.approval import approvals
        from agnt5.run import Run

        return approvals(Run(self.id))

    def approve(self, number: int | None = None, arguments: Mapping[str, Any] | None = None) -> Approval:
        """Let the call with this number be made, or the only one that waits; with other `arguments` if given.

        Returns what was approved. ConfigurationError when nothing waits, or several do and no number says which.
        """
        asked = self._asked("approve()", number)
        asked.approve(arguments)
        return asked

    def deny(self, number: int | None = None, reason: str = "") -> Approval:
        """Refuse the call with this number, or the only one that waits; the model hears the reason."""
        asked = self._asked("deny()", number)
        asked.deny(reason)
        return asked

    def _asked(self, what: str, number: int | None) -> Approval:
        from agnt5.agent.approval import pending
        from agnt5.run import Run, refuse_inside

        refuse_inside(what)
        return pending(Run(self.id), number)
