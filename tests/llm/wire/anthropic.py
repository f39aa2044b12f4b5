"""The dialect of Anthropic's Messages API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from llm.wire.acts import Answer, Call, Failure, Vectors
from llm.wire.dialect import event, torn
from llm.wire.received import Received

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class AnthropicDialect:
    """`Answer.extra["blocks"]` are blocks of content to put before the others, as they are; `Answer.extra["error"]` is
    a Failure told in the middle of a stream; `Answer.extra["written"]` are tokens of the input put into the cache."""

    def credential(self, request: Received) -> str:
        return request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")

    def asks_for(self, request: Received) -> str:
        if request.path != "/v1/messages":
            return ""
        return "stream" if request.json.get("stream") else "answer"

    def whole(self, request: Received, answer: Answer) -> dict[str, Any]:
        return {**_message(request, answer), "content": _blocks(answer), **_end(answer), "usage": _usage(answer)}

    def pieces(self, request: Received, answer: Answer) -> Iterator[bytes]:
        def told(kind: str, **fields: Any) -> bytes:
            return event({"type": kind, **fields}, kind)

        begun = {**_usage(answer), "output_tokens": 1}
        message = {**_message(request, answer), "content": [], "stop_reason": None, "stop_sequence": None}
        yield told("message_start", message={**message, "usage": begun})
        yield told("ping")
        for index, block in enumerate(_blocks(answer)):
            empty, deltas = _deltas(block)
            yield told("content_block_start", index=index, content_block=empty)
            for delta in deltas:
                yield told("content_block_delta", index=index, delta=delta)
            yield told("content_block_stop", index=index)
        if (failure := answer.extra.get("error")) is not None:
            yield event(self.failure(failure), "error")
            return
        usage = {"output_tokens": answer.output, **_thinking(answer)}
        yield told("message_delta", delta=_end(answer), usage=usage)
        yield told("message_stop")

    def vectors(self, request: Received, vectors: Vectors) -> dict[str, Any]:
        raise AssertionError("Anthropic has no embeddings")

    def failure(self, failure: Failure) -> dict[str, Any]:
        kind = failure.kind or _KINDS.get(failure.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": failure.message}, "request_id": "req_1"}


def _message(request: Received, answer: Answer) -> dict[str, Any]:
    model = answer.model or request.json["model"]
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": model}


def _blocks(answer: Answer) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = list(answer.extra.get("blocks", ()))
    if answer.thought:
        blocks.append({"type": "thinking", "thinking": answer.thought, "signature": "c2lnbmVk"})
    if answer.text:
        blocks.append({"type": "text", "text": answer.text})
    return blocks + [_tool_use(call) for call in answer.calls]


def _tool_use(call: Call) -> dict[str, Any]:
    given = call.arguments if isinstance(call.arguments, str) else dict(call.arguments)
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": given}


def _deltas(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it starts, and what comes after."""
    match block["type"]:
        case "text":
            return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in torn(block["text"])]
        case "thinking":
            thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in torn(block["thinking"])]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*thoughts, signed]
        case "tool_use":
            given = block["input"] if isinstance(block["input"], str) else json.dumps(block["input"])
            pieces = ["", *torn(given)] if given != "{}" else [""]  # the API sends no JSON for an empty input
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        case _:
            return block, []


def _end(answer: Answer) -> dict[str, Any]:
    if answer.refusal:
        details = {"type": "refusal", "category": None, "explanation": answer.refusal}
        return {"stop_reason": "refusal", "stop_sequence": None, "stop_details": details}
    reason = answer.finish or ("tool_use" if answer.calls else "end_turn")
    return {"stop_reason": reason, "stop_sequence": None}


def _usage(answer: Answer) -> dict[str, Any]:
    written = answer.extra.get("written", 0)
    return {
        "input_tokens": answer.input - answer.cached - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": answer.cached,
        "output_tokens": answer.output,
        **_thinking(answer),
    }


def _thinking(answer: Answer) -> dict[str, Any]:
    return {"output_tokens_details": {"thinking_tokens": answer.reasoning}} if answer.reasoning else {}
