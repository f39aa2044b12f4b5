"""What an MCP tool answered, as a value that a journal keeps and a model reads.

Structured content is the value as it is. Else the content: one text as a str, several parts as a list of str and Image,
and what is neither (audio, resources) as the dict that the protocol defines.
"""

from __future__ import annotations

import base64
from typing import Any

from agnt5.llm.types import Image


def value_of(result: Any) -> Any:
    """The value of a CallToolResult that is no error; None when it holds nothing."""
    parts = [_part(block) for block in result.content]
    if result.structured_content is not None:
        # The texts repeat the structured content, for clients that know only texts.
        rest = [part for part in parts if not isinstance(part, str)]
        return [result.structured_content, *rest] if rest else result.structured_content
    if not parts:
        return None
    return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else parts


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
