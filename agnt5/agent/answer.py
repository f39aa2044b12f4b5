"""What an agent's run gives: the text of its last message, and how it came to it."""

from __future__ import annotations

from typing import Any

from agnt5.codec import register_type
from agnt5.llm.types import Message, ToolCall, Usage

_FIELDS = ("messages", "usage", "cost", "run_id", "agent", "output")


class Answer(str):
    """The text itself, with `.messages` (of this run, without the instructions), `.tool_calls`, `.usage`, `.cost` in US
    dollars (None when a model's price is not known), `.run_id`, `.agent` (who answered, after handoffs) and `.output`
    (the value, when the agent has an `output_type`)."""

    __slots__ = _FIELDS

    messages: list[Message]
    usage: Usage
    cost: float | None
    run_id: str
    agent: str
    output: Any

    def __new__(
        cls,
        text: str,
        *,
        messages: list[Message] | None = None,
        usage: Usage | None = None,
        cost: float | None = None,
        run_id: str = "",
        agent: str = "",
        output: Any = None,
    ) -> Answer:
        made = super().__new__(cls, text)
        made.messages = messages or []
        made.usage = usage or Usage()
        made.cost = cost
        made.run_id = run_id
        made.agent = agent
        made.output = output
        return made

    @property
    def tool_calls(self) -> list[ToolCall]:
        """All tools that were called, in order."""
        return [call for message in self.messages for call in message.tool_calls]


def _write(answer: Answer) -> dict[str, Any]:
    return {"text": str.__str__(answer), **{name: getattr(answer, name) for name in _FIELDS}}


def _read(form: dict[str, Any]) -> Answer:
    return Answer(form["text"], **{name: form[name] for name in _FIELDS if name in form})


register_type(Answer, _write, _read, name="agnt5:Answer")
