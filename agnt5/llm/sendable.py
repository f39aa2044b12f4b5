"""A request as it can be sent: secrets among its options revealed, and halves of characters replaced.

UTF-8 cannot carry halves and no provider takes them; models and terminals do write them, and a conversation that holds
one would never get another answer. The record keeps what was said, and secrets by name; only what leaves is changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from agnt5.llm.types import Message, Part, Request, Text, ToolCall
from agnt5.secret import Secret

_HALF = re.compile("[\ud800-\udfff]")


def sendable(request: Request) -> Request:
    """The same request, the very object where there is nothing to mend."""
    messages = tuple(map(_message, request.messages))
    options = _revealed(request.options) if request.options else request.options
    same = all(one is other for one, other in zip(messages, request.messages, strict=True))
    return request if same and options == request.options else replace(request, messages=messages, options=options)


def joined(message: Message) -> Message:
    """An answer whose halves of characters, told in two pieces of a stream, are one again. Lone ones stay as told."""
    content = message.content
    if isinstance(content, str):
        return replace(message, content=_whole(content, "surrogatepass")) if _broken(content) else message
    if not any(isinstance(part, Text) and _broken(part.text) for part in content):
        return message
    parts = (Text(_whole(part.text, "surrogatepass")) if isinstance(part, Text) else part for part in content)
    return replace(message, content=tuple(parts))


def _revealed(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: _revealed(inner) for key, inner in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_revealed(one) for one in cast("list[Any]", value)]
    return value


def _message(message: Message) -> Message:
    content = message.content
    texts = [content] if isinstance(content, str) else [part.text for part in content if isinstance(part, Text)]
    if not any(map(_broken, texts)) and not any(map(_broken_call, message.tool_calls)):
        return message
    mended = whole(content) if isinstance(content, str) else tuple(map(_part, content))
    return replace(message, content=mended, tool_calls=tuple(map(_call, message.tool_calls)))


def _part(part: Part) -> Part:
    return Text(whole(part.text)) if isinstance(part, Text) else part


def _call(call: ToolCall) -> ToolCall:
    return replace(call, arguments=_value(call.arguments), malformed=whole(call.malformed))


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, Mapping):
        return {_value(key): _value(inner) for key, inner in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list):
        return [_value(one) for one in cast("list[Any]", value)]
    return value


def _broken_call(call: ToolCall) -> bool:
    return _broken(call.malformed) or _value(call.arguments) != call.arguments


def _broken(text: str) -> bool:
    return not text.isascii() and _HALF.search(text) is not None


def whole(text: str) -> str:
    """The text with its halves of characters joined where they are neighbours, and replaced where they are alone."""
    return _whole(text, "replace") if _broken(text) else text


def _whole(text: str, lone: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", lone)
