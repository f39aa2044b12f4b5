"""The dialect of OpenAI's chat completions, which Azure, Mistral, Together and local servers speak too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from llm.wire.acts import Answer, Call, Failure, Vectors
from llm.wire.dialect import event, torn
from llm.wire.received import Received

_KINDS = {401: "invalid_request_error", 429: "requests", 500: "server_error"}
_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}


class OpenAIDialect:
    def credential(self, request: Received) -> str:
        return request.headers.get("api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")

    def asks_for(self, request: Received) -> str:
        if request.path.endswith("/chat/completions"):
            return "stream" if request.json.get("stream") else "answer"
        return "vectors" if request.path.endswith("/embeddings") else ""

    def whole(self, request: Received, answer: Answer) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text or None, **answer.extra}
        message["refusal"] = answer.refusal or None
        if answer.thought:
            message["reasoning_content"] = answer.thought
        if answer.calls:
            message["tool_calls"] = [_call(call) for call in answer.calls]
        choice = {"index": 0, "message": message, "finish_reason": _finish(answer), "logprobs": None}
        return {**_head(request, answer, "chat.completion"), "choices": [choice], "usage": _usage(answer)}

    def pieces(self, request: Received, answer: Answer) -> Iterator[bytes]:
        head = _head(request, answer, "chat.completion.chunk")

        def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
            return event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

        yield chunk({"role": "assistant", "content": "", **answer.extra})
        for piece in torn(answer.thought):
            yield chunk({"reasoning_content": piece})
        for piece in torn(answer.text):
            yield chunk({"content": piece})
        for piece in torn(answer.refusal):
            yield chunk({"refusal": piece})
        for index, call in enumerate(answer.calls):
            begun = _call(call)
            arguments = begun["function"].pop("arguments")
            yield chunk({"tool_calls": [{"index": index, **begun, "function": {**begun["function"], "arguments": ""}}]})
            for piece in torn(arguments):
                yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
        yield chunk({}, _finish(answer))
        if (request.json.get("stream_options") or {}).get("include_usage"):
            yield event({**head, "choices": [], "usage": _usage(answer)})
        yield event("[DONE]")

    def vectors(self, request: Received, vectors: Vectors) -> dict[str, Any]:
        data = [{"object": "embedding", "index": at, "embedding": list(one)} for at, one in enumerate(vectors.vectors)]
        usage = {"prompt_tokens": vectors.input, "total_tokens": vectors.input}
        return {"object": "list", "data": data, "model": request.json["model"], "usage": usage}

    def failure(self, failure: Failure) -> dict[str, Any]:
        return {
            "error": {
                "message": failure.message,
                "type": failure.kind or _KINDS.get(failure.status, "invalid_request_error"),
                "param": None,
                "code": failure.code or _CODES.get(failure.status),
            }
        }


def _head(request: Received, answer: Answer, kind: str) -> dict[str, Any]:
    model = answer.model or request.json.get("model", "unknown")
    return {"id": "chatcmpl-1", "object": kind, "created": 1_780_000_000, "model": model}


def _call(call: Call) -> dict[str, Any]:
    arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(dict(call.arguments))
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _finish(answer: Answer) -> str:
    return answer.finish or ("tool_calls" if answer.calls else "stop")


def _usage(answer: Answer) -> dict[str, Any]:
    return {
        "prompt_tokens": answer.input,
        "completion_tokens": answer.output,
        "total_tokens": answer.input + answer.output,
        "prompt_tokens_details": {"cached_tokens": answer.cached, "cache_write_tokens": answer.written},
        "completion_tokens_details": {"reasoning_tokens": answer.reasoning},
    }
