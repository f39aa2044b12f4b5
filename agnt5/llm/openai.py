"""OpenAI, and every server that speaks its chat completions: `base_url` says where.

One adapter over the official SDK, which Azure, Mistral and Together vary. It must never retry, and never ask twice.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import AsyncGenerator, Mapping
from typing import Any, ClassVar, cast

from agnt5.errors import LLMError
from agnt5.llm import chatcompletions, failures, transport
from agnt5.llm.base import LLM
from agnt5.llm.clients import Clients, http_client, sdk
from agnt5.llm.keys import Key
from agnt5.llm.strict import strict_schema
from agnt5.llm.types import Delta, Embedded, Reply, Request, Usage

# Models that think before they answer know the limit of tokens by its newer name only.
_THINKS = re.compile(r"(.*/)?(o\d|gpt-[5-9]|gpt-oss)")
_AT_ONCE = 2048
"""Texts in one request for embeddings, the most that OpenAI takes."""


class OpenAILLM(LLM):
    """A model of OpenAI, or of a compatible server at `base_url` (else OPENAI_BASE_URL), with or without a key.

    `api_key`: text or an agnt5.Secret; without it OPENAI_API_KEY. Options go into the request's body as they are, save
    `extra_headers` and `extra_query`.
    """

    provider = "openai"
    key_variables: ClassVar[tuple[str, ...]] = ("OPENAI_API_KEY",)
    address: ClassVar[str] = ""
    """Where a provider is that is not OpenAI."""
    counts_when_asked: ClassVar[bool] = True
    """Whether a stream tells its tokens only when `stream_options` ask for them."""

    def __init__(self, model: str, *, api_key: Any = None, base_url: str | None = None) -> None:
        super().__init__(model)
        self._key = Key(api_key, *self.key_variables)
        self._base_url = base_url
        self._clients = Clients(self._client, _close)

    # What Azure, Mistral and Together vary

    def _client(self) -> Any:
        elsewhere = self._elsewhere()
        key = self._key.find() if elsewhere else self._key.need(self.name)
        return connect(sdk("openai", "openai"), key, elsewhere or self.address or None, foreign=bool(self.address))

    def _parameters(self, request: Request) -> dict[str, Any]:
        """The request's body, without options and without how it is sent."""
        made: dict[str, Any] = {"model": self.model, "messages": chatcompletions.messages(request.messages)}
        if request.tools:
            made["tools"] = chatcompletions.tools(request)
        if request.schema is not None:
            made["response_format"] = self._response_format(request, request.schema)
        if request.temperature is not None:
            made["temperature"] = request.temperature
        if request.max_tokens is not None:
            made[self._limit_name()] = request.max_tokens
        return made

    def _response_format(self, request: Request, schema: Mapping[str, Any]) -> dict[str, Any]:
        strict = strict_schema(schema)
        named = {
            "name": chatcompletions.schema_name(request),
            "schema": dict(schema) if strict is None else strict,
            "strict": strict is not None,
        }
        return {"type": "json_schema", "json_schema": named}

    def _limit_name(self) -> str:
        """OpenAI's own models know `max_completion_tokens`; other providers and many servers know `max_tokens` only."""
        older = self.address or (self._elsewhere() and not _THINKS.match(self.model))
        return "max_tokens" if older else "max_completion_tokens"

    # What all share

    def _elsewhere(self) -> str:
        """The address of a server that is not the provider's own, and may want no key; "" for that one."""
        return self._base_url or ("" if self.address else os.environ.get("OPENAI_BASE_URL", ""))

    async def _prepare(self, request: Request) -> None:
        await self._clients.here()

    async def _generate(self, request: Request) -> Reply:
        client = await self._clients.here()
        completion = await client.chat.completions.create(**self._sent(request))
        told = getattr(completion, "error", None)
        if told and not getattr(completion, "choices", None):  # some gateways tell every failure with a status of 200
            raise self._told(told, "")
        with failures.reading(self.name):
            return chatcompletions.reply(completion)

    async def _stream(self, request: Request) -> AsyncGenerator[Delta | Reply, None]:
        client = await self._clients.here()
        sent = self._sent(request)
        if self.counts_when_asked:
            sent["stream_options"] = {"include_usage": True}
        assembly = chatcompletions.Assembly()
        async with await client.chat.completions.create(**sent, stream=True) as stream:
            async for chunk in stream:
                with failures.reading(self.name):
                    deltas = list(assembly.add(chunk))
                for delta in deltas:
                    yield delta
        with failures.reading(self.name):
            whole = assembly.reply()
        if whole is not None:
            yield whole

    async def _embed(self, texts: list[str], model: str | None) -> Embedded:
        client = await self._clients.here()
        asked = model or self.model
        vectors: list[list[float]] = []
        counted = Usage()
        for start in range(0, len(texts), _AT_ONCE):
            part = texts[start : start + _AT_ONCE]
            # Not the SDK's base64 by default: compatible servers do not all know it.
            answer = await client.embeddings.create(model=asked, input=part, encoding_format="float")
            data = sorted(getattr(answer, "data", None) or [], key=lambda one: one.index or 0)
            if len(data) != len(part):
                raise chatcompletions.NoAnswer(f"{len(data)} vectors for {len(part)} texts")
            found: list[Any] = [one.embedding for one in data]  # some servers send base64 all the same
            vectors += [cast("list[float]", one) if isinstance(one, list) else [] for one in found]
            counted += chatcompletions.usage(answer)
        return Embedded(vectors, counted, model=asked)

    def _sent(self, request: Request) -> dict[str, Any]:
        """What the SDK's method gets. Options go in by `extra_body`, so that the SDK need not know them."""
        options = dict(request.options)
        headers = dict(options.pop("extra_headers", {}))
        query = dict(options.pop("extra_query", {}))
        body = {**options.pop("extra_body", {}), **options}
        if request.idempotency_key:
            headers.setdefault("Idempotency-Key", request.idempotency_key)
        return {**self._parameters(request), "extra_headers": headers, "extra_query": query, "extra_body": body}

    def _error(self, error: Any) -> LLMError | None:
        if isinstance(error, chatcompletions.NoAnswer):
            return failures.unreadable(self.name, str(error))
        openai = sys.modules.get("openai")
        if openai is None or isinstance(error, openai.APIConnectionError) or not isinstance(error, openai.OpenAIError):
            return transport.failure(self.name, error)
        if isinstance(error, openai.APIStatusError):
            return failures.refused(
                self.name,
                error.status_code,
                _said(error.body) or str(error.message),
                code=_code(error.body),
                headers=error.response.headers,
                key_ways=self._key.ways,
            )
        if isinstance(error, openai.APIResponseValidationError):
            return failures.unreadable(self.name, str(error))
        if isinstance(error, openai.APIError):  # told in the middle of a stream
            return self._told(error.body, str(error.message))
        return failures.refused(self.name, 0, str(error))

    def _told(self, body: Any, said: str) -> LLMError:
        """An error where an answer should be, with a status of 200: its words, or a number in them, say what it is."""
        words = _code(body)
        number = re.search(r"\b[45]\d\d\b", words)  # routers of several providers give the status as the code
        status = int(number[0]) if number else 500
        if "rate_limit" in words:
            status = 429
        elif "invalid_request" in words or "context" in words:
            status = 400
        found = failures.refused(self.name, status, _said(body) or said, code=words, key_ways=self._key.ways)
        found.possibly_billed = True
        return found


def connect(openai: Any, key: str | None, base_url: str | None, *, foreign: bool = False) -> Any:
    """A client without retries. `foreign`: it is not OpenAI's, so its organisation and project are not told."""
    told = {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()} if foreign else {}
    # A server without keys gets this word instead of one: the SDK insists, and would take OPENAI_API_KEY.
    return openai.AsyncOpenAI(
        api_key=key or "none", base_url=base_url, max_retries=0, default_headers=told, http_client=http_client(openai)
    )


async def _close(client: Any) -> None:
    await client.close()


def _said(body: Any) -> str:
    """The provider's own text, out of the different forms that bodies have; "" when there is none."""
    found = body
    for name in ("error", "message", "detail", "msg"):
        while isinstance(found, list) and found:
            found = cast("list[Any]", found)[0]
        inner = _field(found, name)
        found = inner or cast("Any", found)
    return found if isinstance(found, str) else ""


def _code(body: Any) -> str:
    """All words of the error for its kind, the inner ones of Azure too."""
    words = (_field(body, "code"), _field(body, "type"), _field(_field(body, "innererror"), "code"))
    return " ".join(str(word) for word in words if word)


def _field(found: Any, name: str) -> Any:
    return cast("Mapping[str, Any]", found).get(name) if isinstance(found, Mapping) else None
