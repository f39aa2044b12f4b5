"""What a request says in Google's Gemini API, and what of an answer has to be sent back unchanged.

Plain data in the API's JSON form, which both of Google's SDKs read; nothing here may need one of them installed.
"""

from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from agnt5.llm.answer_tool import answer_tool
from agnt5.llm.kept import PLACE, worth_keeping, woven
from agnt5.llm.types import Image, Message, Part, Request, Text, ToolCall, ToolSpec, tool_call

# Google documents this value for calls whose signature is missing because another model made them.
_UNSIGNED = base64.b64encode(b"skip_thought_signature_validator").decode()
_OURS = "agnt5-"  # the beginning of ids that were made here, because the API gave none
# Generations that take no schema beside tools, and do not ask for signatures.
_EARLIER = re.compile(r"(models/)?gemini-[12]\b")


def contents_of(request: Request, model: str) -> list[dict[str, Any]]:
    """The turns of the conversation, with alternating roles."""
    names = {call.id: call.name for message in request.turns for call in message.tool_calls}
    contents: list[dict[str, Any]] = []
    for message in request.turns:
        if message.role == "assistant":
            role, parts = "model", _model(message, signed=not _EARLIER.match(model))
        elif message.role == "tool":
            role, parts = "user", [_response(message, message.name or names.get(message.tool_call_id, ""))]
        else:
            role, parts = "user", [_part(part) for part in message.parts]
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        elif parts:
            contents.append({"role": role, "parts": parts})
    return contents


def config_of(request: Request, model: str) -> dict[str, Any]:
    """Everything but the conversation, in the flat form of the SDK's `GenerateContentConfig`."""
    config: dict[str, Any] = {}
    if request.system:
        config["system_instruction"] = request.system
    if request.temperature is not None:
        config["temperature"] = request.temperature
    if request.max_tokens is not None:
        config["max_output_tokens"] = request.max_tokens
    tools = list(request.tools)
    if request.schema is not None and tools and _EARLIER.match(model):
        tools.append(answer_tool(request.schema))
        config["tool_config"] = {"function_calling_config": {"mode": "ANY"}}
    elif request.schema is not None:
        config |= {"response_mime_type": "application/json", "response_json_schema": request.schema}
    declared = [{"function_declarations": [_declaration(tool) for tool in tools]}] if tools else []
    options = dict(request.options)
    if declared or options.get("tools"):
        config["tools"] = [*declared, *options.pop("tools", ())]
    return {**config, **options}


def call_of(part: dict[str, Any]) -> ToolCall:
    call = part["functionCall"]
    return tool_call(call.get("id") or f"{_OURS}{uuid4().hex[:12]}", call.get("name") or "", call.get("args") or {})


def vendor_of(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """What the next request has to repeat of an answer's parts: their signatures, and parts of the API's own tools.

    Texts of thoughts are not sent back; only their signatures count.
    """
    items: list[Any] = []
    for part in parts:
        signed = {"thoughtSignature": part["thoughtSignature"]} if "thoughtSignature" in part else {}
        place = "call" if "functionCall" in part else "text" if part.get("text") and not part.get("thought") else ""
        if place:
            items.append({PLACE: place, **signed} if signed else place)
        elif signed and "text" in part:
            items.append({"text": "", **signed})
        elif part and "text" not in part:  # an empty one is of a kind that the SDK does not know
            items.append(part)
    kept = worth_keeping(items)
    return {"google": kept} if kept else {}


def _model(message: Message, *, signed: bool) -> list[dict[str, Any]]:
    texts = [_part(part) for part in message.parts]
    calls: list[dict[str, Any]] = [{"functionCall": _call(call)} for call in message.tool_calls]
    kept = message.vendor.get("google", ())
    if calls and signed and not kept:
        calls[0]["thoughtSignature"] = _UNSIGNED
    return woven(kept, texts, calls)


def _call(call: ToolCall) -> dict[str, Any]:
    return {"name": call.name, "args": call.arguments, **_id(call.id)}


def _response(message: Message, name: str) -> dict[str, Any]:
    """The result of a call. Pictures in it go along as parts of the response."""
    response: dict[str, Any] = {
        "name": name,
        "response": {"error" if message.failed else "output": message.text},
        **_id(message.tool_call_id),
    }
    pictures = [_part(part) for part in message.parts if isinstance(part, Image)]
    return {"functionResponse": {**response, "parts": pictures} if pictures else response}


def _id(given: str) -> dict[str, str]:
    return {"id": given} if given and not given.startswith(_OURS) else {}


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"text": part.text}
    if part.url:
        kind = mimetypes.guess_type(part.url)[0] or part.media_type
        return {"fileData": {"fileUri": part.url, "mimeType": kind}}
    return {"inlineData": {"mimeType": part.media_type, "data": base64.b64encode(part.data).decode()}}


def _declaration(tool: ToolSpec) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "parameters_json_schema": tool.parameters}


def merged(parts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Parts of a stream, pieces of one text joined. A part with a signature stays apart, as the API demands."""
    joined: list[dict[str, Any]] = []
    for part in parts:
        last = joined[-1] if joined else {}
        plain = set(part) <= {"text", "thought"} and set(last) <= {"text", "thought"}
        if last and plain and bool(part.get("thought")) == bool(last.get("thought")):
            joined[-1] = {**last, "text": last.get("text", "") + part.get("text", "")}
        elif part:
            joined.append(dict(part))
    return joined
