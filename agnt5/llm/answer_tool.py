"""A structured answer by way of a tool that the model has to call, for models and schemas that allow no other way.

What comes back looks like any structured answer: JSON text and no call. Nothing here may know a provider.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from agnt5.llm.types import Finish, Message, ToolCall, ToolSpec

NAME = "give_answer"


def answer_tool(schema: dict[str, Any]) -> ToolSpec:
    """The tool whose arguments are the answer."""
    return ToolSpec(NAME, "Give the final answer. Call it once, when nothing else is left to do.", schema)


def answer_of(calls: Sequence[ToolCall]) -> Message | None:
    """The answer in these calls as a message; None when there is none, or another tool is to be called first."""
    if not calls or any(call.name != NAME for call in calls):
        return None
    given = calls[0]
    return Message("assistant", given.malformed or msgspec.json.encode(given.arguments).decode())


def real(calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
    """The calls of tools that exist: an answer before their results is premature."""
    return tuple(call for call in calls if call.name != NAME)


def ended(finish: Finish) -> Finish:
    """Why an answer that came as a call ended."""
    return "stop" if finish == "tool_calls" else finish
