"""The dialect of Google's Gemini API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from llm.wire.acts import Answer, Call, Failure, Vectors
from llm.wire.dialect import event, torn
from llm.wire.received import Received

_KINDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class GoogleDialect:
    """`Answer.extra["parts"]` are parts to put before the others, as they are; `Answer.extra["blocked"]` is why the
    question was refused; `Answer.extra["error"]` is a Failure told in the middle of a stream.

    A Failure's `code` becomes the reason in its details, its header `retry-after` the delay there.
    """

    def credential(self, request: Received) -> str:
        return request.headers.get("x-goog-api-key", "")

    def asks_for(self, request: Received) -> str:
        kinds = {"streamGenerateContent": "stream", "generateContent": "answer", "batchEmbedContents": "vectors"}
        return kinds.get(request.path.rpartition(":")[2], "")

    def whole(self, request: Received, answer: Answer) -> dict[str, Any]:
        return self._chunk(request, answer, _parts(answer), _finish(answer))

    def pieces(self, request: Received, answer: Answer) -> Iterator[bytes]:
        """Server-sent events, or one JSON array where `alt=sse` was not asked for."""
        chunks = list(self._chunks(request, answer))
        if request.query.get("alt") == "sse" or request.query.get("$alt", "").startswith("sse"):
            yield from map(event, chunks)
            return
        for number, chunk in enumerate(chunks):
            yield (b"[" if number == 0 else b",\r\n") + json.dumps(chunk).encode()
        yield b"]"

    def vectors(self, request: Received, vectors: Vectors) -> dict[str, Any]:
        return {"embeddings": [{"values": list(one)} for one in vectors.vectors]}

    def failure(self, failure: Failure) -> dict[str, Any]:
        details: list[dict[str, Any]] = []
        if failure.code:
            details.append({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": failure.code})
        if "retry-after" in failure.headers:
            delay = f"{failure.headers['retry-after']}s"
            details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
        kind = failure.kind or _KINDS.get(failure.status, "UNKNOWN")
        return {"error": {"code": failure.status, "message": failure.message, "status": kind, "details": details}}

    def _chunks(self, request: Received, answer: Answer) -> Iterator[dict[str, Any]]:
        if blocked := answer.extra.get("blocked"):
            yield {"promptFeedback": {"blockReason": blocked}, "usageMetadata": {"promptTokenCount": answer.input}}
            return
        for part in _parts(answer):
            if set(part) <= {"text", "thought"}:
                for piece in torn(part["text"]):
                    yield self._chunk(request, answer, [{**part, "text": piece}])
            else:
                yield self._chunk(request, answer, [part])
        if (failure := answer.extra.get("error")) is not None:
            yield self.failure(failure)
            return
        yield self._chunk(request, answer, [{"text": ""}], _finish(answer))

    def _chunk(
        self, request: Received, answer: Answer, parts: list[dict[str, Any]], finish: str = ""
    ) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
        if finish:
            candidate["finishReason"] = finish
        if answer.refusal:
            candidate["finishMessage"] = answer.refusal
        model = answer.model or request.path.rpartition("/")[2].partition(":")[0]
        usage = {
            "promptTokenCount": answer.input,
            "candidatesTokenCount": answer.output - answer.reasoning,
            "totalTokenCount": answer.input + answer.output,
            **({"cachedContentTokenCount": answer.cached} if answer.cached else {}),
            **({"thoughtsTokenCount": answer.reasoning} if answer.reasoning else {}),
        }
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model}


def _parts(answer: Answer) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = list(answer.extra.get("parts", ()))
    if answer.thought:
        parts.append({"text": answer.thought, "thought": True})
    if answer.text:
        parts.append({"text": answer.text})
    return parts + [{"functionCall": _call(call)} for call in answer.calls]


def _call(call: Call) -> dict[str, Any]:
    given = json.loads(call.arguments) if isinstance(call.arguments, str) else dict(call.arguments)
    return {"name": call.name, "args": given, **({"id": call.id} if call.id else {})}


def _finish(answer: Answer) -> str:
    return answer.finish or ("SAFETY" if answer.refusal else "STOP")
