"""Language models: one interface, an adapter for each provider, and what goes to a model and comes back.

    from agnt5.llm import LanguageModelType, create_llm

    llm = create_llm(model_type=LanguageModelType.ANTHROPIC, model_name="claude-sonnet-5-5")
    reply = await llm.generate("Say hello.")

This package knows nothing of durability: it asks once and says what came of it.
"""

from __future__ import annotations

from agnt5.llm import recorded
from agnt5.llm.base import LLM
from agnt5.llm.create import LanguageModelType, check_model, create_llm, find_llm
from agnt5.llm.limits import limit_model
from agnt5.llm.prices import Price, set_price
from agnt5.llm.schema import Schema
from agnt5.llm.scripted import ScriptedLLM
from agnt5.llm.types import (
    Delta,
    Embedded,
    Image,
    Message,
    Reply,
    Request,
    Text,
    ToolCall,
    ToolSpec,
    Usage,
    as_message,
    as_messages,
)

__all__ = [
    "LLM",
    "Delta",
    "Embedded",
    "Image",
    "LanguageModelType",
    "Message",
    "Price",
    "Reply",
    "Request",
    "Schema",
    "ScriptedLLM",
    "Text",
    "ToolCall",
    "ToolSpec",
    "Usage",
    "as_message",
    "as_messages",
    "check_model",
    "create_llm",
    "find_llm",
    "limit_model",
    "set_price",
]

recorded.register()
