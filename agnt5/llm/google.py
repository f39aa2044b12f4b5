"""Google's models, over the `google-genai` SDK (extra `google`), or over the older `google-generativeai` where only
that one is installed.

What a request says is in `google_body`; this file asks and reads. It must never keep an SDK's objects.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from contextvars import ContextVar
from importlib.util import find_spec
from typing import Any, cast

from agnt5.errors import ConfigurationError, LLMError
from agnt5.llm import answer_tool, failures, google_body, transport
from agnt5.llm.base import LLM
from agnt5.llm.clients import Clients, sdk
from agnt5.llm.keys import Key
from agnt5.llm.types import Delta, Embedded, Finish, Message, Reply, Request, Text, Usage

_FINISHES: dict[str, Finish] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "refusal",
    "RECITATION": "refusal",
    "BLOCKLIST": "refusal",
    "PROHIBITED_CONTENT": "refusal",
    "SPII": "refusal",
    "MODEL_ARMOR": "refusal",
    "IMAGE_SAFETY": "refusal",
    "IMAGE_PROHIBITED_CONTENT": "refusal",
}
_MALFORMED = {"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"}
_SILENCE = 600_000
"""Milliseconds after which a silent connection is given up."""
_AT_ONCE = 100
"""Texts in one request for embeddings, the most that the API takes."""


class GoogleLLM(LLM):
    """A Gemini model, as in `GoogleLLM("gemini-3.8-flash")`.

    `api_key`: text or an agnt5.Secret, else GOOGLE_API_KEY or GEMINI_API_KEY. `base_url`: another server of this
    protocol. Options of a request are fields of the SDK's GenerateContentConfig, such as `top_p`, `thinking_config` or
    `safety_settings`.
    """

    provider = "google"

    def __init__(self, model: str, *, api_key: Any = None, base_url: str | None = None) -> None:
        super().__init__(model)
        self._key = Key(api_key, "GOOGLE_API_KEY", "GEMINI_API_KEY")
        self._base_url = base_url
        self._clients: Clients[Any] = Clients(self._connect, lambda client: client.close())

    async def _prepare(self, request: Request) -> None:
        await self._clients.here()

    async def _stream(self, request: Request) -> AsyncGenerator[Delta | Reply, None]:
        client = await self._clients.here()
        contents = google_body.contents_of(request, self.model)
        chunks = client.stream(self.model, contents, google_body.config_of(request, self.model))
        answer = _Answer()
        try:
            async for chunk in chunks:
                with failures.reading(self.name):
                    deltas = answer.take(chunk)
                for delta in deltas:
                    yield delta
        finally:
            await chunks.aclose()
        if answer.blocked or answer.finish == "refusal":
            raise failures.declined(self.name, answer.blocked or answer.why or answer.reason)
        if answer.reason in _MALFORMED:
            raise failures.unreadable(self.name, f"{answer.reason}: {answer.why}")
        if not answer.reason:
            raise (
                failures.cut_off(self.name) if answer.begun else failures.unreadable(self.name, "no part of an answer")
            )
        with failures.reading(self.name):
            reply = answer.reply()
        yield reply

    async def _embed(self, texts: list[str], model: str | None) -> Embedded:
        client = await self._clients.here()
        asked = model or self.model
        vectors: list[list[float]] = []
        for start in range(0, len(texts), _AT_ONCE):
            part = texts[start : start + _AT_ONCE]
            found = await client.embed(asked, part)
            if len(found) != len(part):
                raise failures.unreadable(self.name, f"{len(found)} vectors for {len(part)} texts")
            vectors += found
        return Embedded(vectors, model=asked)  # the API does not count the tokens of these

    def _error(self, error: Exception) -> LLMError | None:
        status = getattr(error, "code", None)  # both SDKs have it at their own errors
        if not type(error).__module__.startswith("google.") or not isinstance(status, int):
            return transport.failure(self.name, error)
        said, words, wait = _told(error)
        if "API_KEY_INVALID" in words or "API key not valid" in said:
            status = 401  # said with 400
        response = getattr(error, "response", None)
        headers = {"retry-after": wait} if wait else dict(getattr(response, "headers", None) or {})
        found = failures.refused(self.name, int(status), said, code=words, headers=headers, key_ways=self._key.ways)
        begun = getattr(response, "status_code", status) == 200  # told in the middle of a stream
        found.possibly_billed = found.possibly_billed or begun
        return found

    def _connect(self) -> Any:
        if _installed("google.genai"):
            return _Client(sdk("google.genai", "google"), self._key.need(self.name), self._base_url)
        if _installed("google.generativeai"):
            from agnt5.llm.google_legacy import LegacyClient

            return LegacyClient(self._key.need(self.name), self._base_url)
        raise ConfigurationError('The package google-genai is not installed: pip install "agnt5[google]"')


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # there is no package `google` at all
        return False


_responses: ContextVar[list[Any] | None] = ContextVar("responses of the request that is being made", default=None)


async def _take_note(response: Any) -> None:
    held = _responses.get()
    if held is not None:
        held.append(response)


class _Client:
    """The SDK with what is asked and what comes back in the API's own JSON."""

    def __init__(self, genai: Any, key: str, base_url: str | None) -> None:
        # One attempt: without this the SDK asks again by itself when a connection breaks.
        http: dict[str, Any] = {"base_url": base_url, "timeout": _SILENCE, "retry_options": {"attempts": 1}}
        http["async_client_args"] = {"event_hooks": {"response": [_take_note]}, "follow_redirects": False}
        self._types = genai.types
        self._client = genai.Client(api_key=key, vertexai=False, http_options=http)

    async def stream(
        self, model: str, contents: list[Any], config: dict[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        said = [self._types.Content.model_validate_json(json.dumps(content)) for content in contents]
        try:
            # The SDK calls no functions for us: that is a recorded step of whoever asks.
            told = self._types.GenerateContentConfig(**{"automatic_function_calling": {"disable": True}, **config})
        except ValueError as error:
            raise ConfigurationError(f"The google-genai SDK does not take these options: {error}") from None
        responses: list[Any] = []
        _responses.set(responses)
        try:
            chunks = await self._client.aio.models.generate_content_stream(model=model, contents=said, config=told)
            async for chunk in chunks:
                yield chunk.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"sdk_http_response"})
        finally:
            # The SDK leaves a stream that is not read to its end to the garbage collector, and the loop complains then.
            for response in responses:
                await response.aclose()

    async def embed(self, model: str, texts: list[str]) -> list[list[float]]:
        # As contents of their own: from plain texts some models make one vector for all.
        contents = [self._types.Content(parts=[self._types.Part(text=text)]) for text in texts]
        answer = await self._client.aio.models.embed_content(model=model, contents=contents)
        return [list(one.values or ()) for one in answer.embeddings or ()]

    async def close(self) -> None:
        await self._client.aio.aclose()
        self._client.close()


class _Answer:
    """An answer while it comes in, in the API's own parts."""

    def __init__(self) -> None:
        self.parts: list[dict[str, Any]] = []
        self.model = ""
        self.usage: dict[str, int] = {}
        self.reason = ""
        self.why = ""
        self.blocked = ""
        self.begun = False

    @property
    def finish(self) -> Finish:
        return _FINISHES.get(self.reason, "other")

    def take(self, chunk: Any) -> list[Delta]:
        """One chunk of the stream; the pieces of text and thought in it."""
        self.model = chunk.get("modelVersion") or self.model
        self.usage |= chunk.get("usageMetadata") or {}
        if feedback := chunk.get("promptFeedback"):
            self.blocked = feedback.get("blockReasonMessage") or feedback.get("blockReason") or self.blocked
        if not chunk.get("candidates"):
            return []
        self.begun = True
        candidate: Any = chunk["candidates"][0]
        self.reason = candidate.get("finishReason") or self.reason
        self.why = candidate.get("finishMessage") or self.why
        content: Any = candidate.get("content")
        parts: list[Any] = (content.get("parts") if content else None) or []
        self.parts += parts
        texts = [part for part in parts if part.get("text")]
        return [Delta(thought=part["text"]) if part.get("thought") else Delta(part["text"]) for part in texts]

    def reply(self) -> Reply:
        parts = google_body.merged(self.parts)
        calls = [google_body.call_of(part) for part in parts if "functionCall" in part]
        finish: Finish = "tool_calls" if calls and self.finish == "stop" else self.finish
        message = answer_tool.answer_of(calls)
        if message is not None:
            return Reply(message, self._usage(), model=self.model, finish=answer_tool.ended(finish))
        texts = tuple(Text(part["text"]) for part in parts if part.get("text") and not part.get("thought"))
        content = texts if len(texts) > 1 else "".join(text.text for text in texts)
        message = Message("assistant", content, answer_tool.real(calls), vendor=google_body.vendor_of(parts))
        return Reply(message, self._usage(), model=self.model, finish=finish)

    def _usage(self) -> Usage:
        """The API counts thoughts apart from the rest of the output."""
        thoughts = self.usage.get("thoughtsTokenCount", 0)
        return Usage(
            input=self.usage.get("promptTokenCount", 0) + self.usage.get("toolUsePromptTokenCount", 0),
            output=self.usage.get("candidatesTokenCount", 0) + thoughts,
            cached=self.usage.get("cachedContentTokenCount", 0),
            reasoning=thoughts,
        )


def _told(error: Any) -> tuple[str, str, str]:
    """What an error of the API says: its text, its words for the kind, and seconds to wait."""
    inner = _inner(getattr(error, "details", None))
    if inner is None and getattr(error, "response", None) is not None:
        with contextlib.suppress(Exception):  # the older SDK keeps the body in the response alone, if it has one
            inner = _inner(error.response.json())
    if inner is None:
        return str(getattr(error, "message", None) or error), "", ""
    details: list[Any] = [one for one in inner.get("details") or () if isinstance(one, dict)]
    words = [str(inner.get("status", "")), *(str(one.get("reason", "")) for one in details)]
    wait = next((str(one["retryDelay"]).removesuffix("s") for one in details if "retryDelay" in one), "")
    return str(inner.get("message") or error), " ".join(word for word in words if word), wait


def _inner(body: Any) -> Any:
    """The error in a body, which some answers put into a list; None when it has another form."""
    found = next(iter(cast("list[Any]", body)), None) if isinstance(body, list) else body
    if not isinstance(found, Mapping):
        return None
    inner: Any = cast("Mapping[str, Any]", found).get("error", cast("Any", found))
    return cast("Any", inner) if isinstance(inner, Mapping) and "message" in inner else None
