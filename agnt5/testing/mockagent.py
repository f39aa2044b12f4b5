"""An agent that answers from a script, for tests of what calls it. All but its model is the real agent's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from agnt5.agent import Agent
from agnt5.llm import Request, ScriptedLLM

if TYPE_CHECKING:
    from agnt5.llm.scripted import Line


class MockAgent(Agent):
    """`replies`: what its model says, one answer after the other: a text, `{"tool": name, "arguments": {...}}`, an
    error to raise, or a function of the Request. Other settings are an Agent's.

        agent = MockAgent("support", replies=[{"tool": "search", "arguments": {"query": "x"}}, "found"], tools=[search])

    `requests` holds what its model was asked.
    """

    def __init__(
        self,
        name: str,
        replies: Line | Iterable[Line] | Callable[[Request], Any] = (),
        instructions: str = "",
        **settings: Any,
    ) -> None:
        self.script = ScriptedLLM(replies)
        super().__init__(name, instructions, llm=self.script, **settings)

    @property
    def requests(self) -> list[Request]:
        """What its model was asked, in order."""
        return self.script.requests
