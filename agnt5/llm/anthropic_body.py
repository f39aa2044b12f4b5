"""What a request says in Anthropic's Messages API, and what of an answer has to be sent back unchanged.

Plain data only; nothing here may need the SDK installed, except to narrow a schema.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from typing import Any, cast

from agnt5.llm.answer_tool import answer_tool
from agnt5.llm.kept import worth_keeping, woven
from agnt5.llm.types import Image, Message, Part, Request, Text, ToolSpec

_OUTPUT = 8192
_TAKEN_ID = re.compile("[a-zA-Z0-9_-]+")


def body_of(request: Request, max_tokens: int, *, by_tool: bool = False) -> dict[str, Any]:
    """The fields of a request, `model` and `stream` aside. `max_tokens`: when the request has no limit of its own."""
    options = {**request.options, **request.options.get("extra_body", {})}
    options.pop("extra_body", None)
    thinking: dict[str, Any] = options.get("thinking", {})
    budget: int = thinking.get("budget_tokens", 0)
    body: dict[str, Any] = {
        "max_tokens": request.max_tokens or (max_tokens if budget < max_tokens else budget + _OUTPUT),
        "messages": _turns(request.turns),
    }
    if request.system:
        body["system"] = request.system
    if request.temperature is not None:
        body["temperature"] = request.temperature
    tools = [_tool(tool) for tool in request.tools]
    if request.schema is not None:
        if by_tool or _is_open(request.schema):
            tools.append(_tool(answer_tool(request.schema)))
            # A model that thinks may be told to use a tool, but not forced to.
            body["tool_choice"] = {"type": "auto" if thinking.get("type") in ("enabled", "adaptive") else "any"}
        else:
            body["output_config"] = {**options.pop("output_config", {}), "format": _format(request.schema)}
    if tools:
        body["tools"] = tools + list(options.pop("tools", ()))
    return {**body, **options}


def vendor_of(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """What the next request has to repeat of an answer's blocks: signed thoughts, results of the API's own tools."""
    places = {"text": "text", "tool_use": "call"}
    kept = worth_keeping([places.get(block["type"], block) for block in blocks if block.get("text", "?")])
    return {"anthropic": kept} if kept else {}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    told = {"description": tool.description} if tool.description else {}
    return {"name": tool.name, **told, "input_schema": tool.parameters}


def _turns(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Messages of alternating roles: the API wants all results of tools, and what is said after them, in one."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        blocks = {"assistant": _assistant, "tool": _result}.get(message.role, _user)(message)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks or role == "user":  # an assistant that said nothing is refused by the API
            turns.append({"role": role, "content": blocks})
    return turns


def _user(message: Message) -> list[dict[str, Any]]:
    return [_part(part) for part in message.parts]


def _result(message: Message) -> list[dict[str, Any]]:
    content = message.content if isinstance(message.content, str) else [_part(part) for part in message.content]
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": _id(message.tool_call_id), "content": content}
    return [{**result, "is_error": True} if message.failed else result]


def _assistant(message: Message) -> list[dict[str, Any]]:
    texts = [_part(part) for part in message.parts]
    calls: list[dict[str, Any]] = [
        {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": call.arguments}
        for call in message.tool_calls
    ]
    return woven(message.vendor.get("anthropic", ()), texts, calls)


def _id(given: str) -> str:
    """An id that the API takes. Those of other models that it would refuse become one, always the same."""
    return given if _TAKEN_ID.fullmatch(given) else f"toolu_{hashlib.sha256(given.encode()).hexdigest()[:24]}"


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    return {"type": "image", "source": _source(part)}


def _source(image: Image) -> dict[str, Any]:
    if image.url:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": image.media_type, "data": base64.b64encode(image.data).decode()}


def _format(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema in the part of JSON schema that the API takes; the rest of it goes into descriptions."""
    from anthropic import transform_schema

    return {"type": "json_schema", "schema": transform_schema(schema)}


def _is_open(schema: Any) -> bool:
    """Whether it has places for anything, or for keys that it does not name, or is recursive: the API takes no such."""
    definitions = schema.get("$defs", {})

    def open_at(found: Any, seen: tuple[str, ...]) -> bool:
        if not isinstance(found, dict):
            return found is True
        at = cast("dict[str, Any]", found)
        if "$ref" in at:
            name = at["$ref"].rpartition("/")[2]
            return name in seen or open_at(definitions.get(name), (*seen, name))
        several = next((at[word] for word in ("anyOf", "oneOf", "allOf") if word in at), None)
        if several is not None:
            return any(open_at(one, seen) for one in several)
        if "enum" in at or "const" in at:
            return False
        match at.get("type"):
            case "object":
                named, more = at.get("properties", {}), at.get("additionalProperties")
                if more not in (None, False) or (more is None and not named):
                    return True
                return any(open_at(one, seen) for one in named.values())
            case "array":
                inner = [*at.get("prefixItems", ()), *([at["items"]] if "items" in at else ())]
                return not inner or any(open_at(one, seen) for one in inner)
            case str():
                return False
            case _:
                return True  # no type, or several: anything goes here

    return open_at(schema, ())
