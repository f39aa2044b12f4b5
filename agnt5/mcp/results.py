"""What an MCP tool answered, as a value that a journal keeps and a model reads.

Structured content is the value as it is. Else the content: one text as a str, several parts as a list of str and of the
dicts that the protocol defines (audio, resources). Where there are pictures, the value is a list of Text and Image,
the parts of a message.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from agnt5.llm.types import Image, Text


def value_of(result: Any) -> Any:
    """The value of a CallToolResult that is no error; None when it holds nothing."""
    parts = [_part(block) for block in result.content]
    structured = result.structured_content
    if structured is not None:
        # The texts repeat the structured content, for clients that know only texts.
        parts = [structured, *(part for part in parts if not isinstance(part, str))]
    if any(isinstance(part, Image) for part in parts):
        return [part if isinstance(part, Image) else Text(_text(part)) for part in parts]
    return parts[0] if len(parts) == 1 else parts or None


def _text(part: Any) -> str:
    return part if isinstance(part, str) else msgspec.json.encode(part).decode()


def text_of(result: Any) -> str:
    """The texts of a result, for an error."""
    return "\n".join(block.text for block in result.content if block.type == "text")


def _part(block: Any) -> Any:
    if block.type == "text":
        return block.text
    if block.type == "image":
        return Image(data=base64.b64decode(block.data), media_type=block.mime_type)
    text = getattr(getattr(block, "resource", None), "text", None)
    if isinstance(text, str):
        return text
    return block.model_dump(mode="json", by_alias=True, exclude_none=True)
