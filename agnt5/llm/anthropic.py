"""Anthropic's models, over the `anthropic` SDK (extra `anthropic`) and its Messages API.

Answers always come as a stream: a long one would sit on a silent connection otherwise, and the SDK refuses those. What
a request says is in `anthropic_body`; this file asks and reads. It must never keep the SDK's objects.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping
from typing import Any, cast

from agnt5.errors import LLMError
from agnt5.llm import answer_tool, failures, transport
from agnt5.llm.anthropic_body import body_of, vendor_of
from agnt5.llm.base import LLM
from agnt5.llm.clients import Clients, http_client, sdk
from agnt5.llm.keys import Key
from agnt5.llm.types import Delta, Finish, Message, Reply, Request, Text, ToolCall, Usage, tool_call

_FINISHES: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}

# The status that a kind of error has when it is told in the middle of a stream, whose own status is 200.
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class AnthropicLLM(LLM):
    """A Claude model, as in `AnthropicLLM("claude-sonnet-5-5")`.

    `api_key`: text or Secret, else ANTHROPIC_API_KEY; sent as the SDK sends keys (`x-api-key`, or since 2.x as bearer).
    `auth_token`: a bearer token instead, else ANTHROPIC_AUTH_TOKEN. `base_url`: another server of this protocol.
    `max_tokens`: the limit of answers that name none; the API demands one. `answer_tool=True` asks for structured
    output by a tool that the model must call, for servers that lack `output_config`. Options of a request are fields of
    the Messages API, such as `thinking`, `top_p` or `stop_sequences`, and `extra_headers` and `extra_query`.
    """

    provider = "anthropic"

    def __init__(
        self,
        model: str,
        *,
        api_key: Any = None,
        auth_token: Any = None,
        base_url: str | None = None,
        max_tokens: int = 8192,
        answer_tool: bool = False,
    ) -> None:
        super().__init__(model)
        self._key = Key(api_key, "ANTHROPIC_API_KEY")
        self._token = Key(auth_token, "ANTHROPIC_AUTH_TOKEN", argument="auth_token")
        self._bearer = auth_token is not None
        # The SDK adds the version, and people copy addresses with it.
        self._base_url = None if base_url is None else base_url.rstrip("/").removesuffix("/v1")
        self._max_tokens = max_tokens
        self._by_tool = answer_tool
        self._clients: Clients[Any] = Clients(self._connect, lambda client: client.close())

    async def _prepare(self, request: Request) -> None:
        await self._clients.here()

    async def _stream(self, request: Request) -> AsyncGenerator[Delta | Reply, None]:
        client = await self._clients.here()
        body = body_of(request, self._max_tokens, by_tool=self._by_tool)
        stream = await client.messages.create(
            model=self.model,
            max_tokens=body.pop("max_tokens"),
            messages=body.pop("messages"),
            stream=True,
            extra_headers=body.pop("extra_headers", None),
            extra_query=body.pop("extra_query", None),
            extra_body=body,  # the SDK's signature lacks some fields that the API has, temperature among them
        )
        answer = _Answer()
        async with stream:
            async for event in stream:
                with failures.reading(self.name):
                    delta = answer.take(event.to_dict(warnings=False))  # of kinds that the SDK does not know
                if delta is not None:
                    yield delta
        if not answer.whole:
            raise (
                failures.cut_off(self.name) if answer.begun else failures.unreadable(self.name, "no event of a message")
            )
        if answer.finish == "refusal":
            raise failures.declined(self.name, answer.why)
        with failures.reading(self.name):
            reply = answer.reply()
        yield reply

    def _error(self, error: Any) -> LLMError | None:
        anthropic = sys.modules.get("anthropic")  # missing while it cannot have raised anything
        if anthropic is None or not isinstance(error, anthropic.APIStatusError):
            return transport.failure(self.name, error)
        status, kind, said = error.status_code, "", error.message
        body: Any = error.body
        if isinstance(body, Mapping):
            inner: Any = cast("Any", body).get("error")
            if isinstance(inner, Mapping):
                kind, said = (str(cast("Any", inner).get(name, "")) for name in ("type", "message"))
            elif inner:
                said = str(inner)
        begun = status < 300
        found = failures.refused(
            self.name,
            _STATUSES.get(kind, 500) if begun else status,
            said,
            code=kind,
            headers=error.response.headers,
            key_ways=self._key.ways,
        )
        found.possibly_billed = found.possibly_billed or begun
        return found

    def _connect(self) -> Any:
        anthropic = sdk("anthropic", "anthropic")
        token = self._token.find() if self._bearer or self._key.find() is None else None
        secrets = {"auth_token": token} if token else {"api_key": self._key.need(self.name)}
        return anthropic.AsyncAnthropic(
            **secrets, base_url=self._base_url, max_retries=0, http_client=http_client(anthropic)
        )


class _Answer:
    """An answer while it comes in: blocks in the API's own form, complete once its last event is taken.

    Servers that speak this protocol leave out what they do not count or number as they like.
    """

    def __init__(self) -> None:
        self.numbered: dict[int, dict[str, Any]] = {}
        self.written: dict[int, str] = {}  # the JSON of a tool's input, by block
        self.begun = False
        self.identity = ""
        self.model = ""
        self.usage: dict[str, Any] = {}
        self.finish: Finish = "other"
        self.why = ""
        self.whole = False

    def take(self, event: Any) -> Delta | None:
        """One event of the stream; the piece of text or thought in it, if any."""
        match event["type"]:
            case "message_start":
                self.begun = True
                self.model = event["message"].get("model") or ""
                self.identity = event["message"].get("id") or ""
                self._count(event["message"].get("usage"))
            case "content_block_start":
                self.numbered[event["index"]] = dict(event["content_block"])
            case "content_block_delta":
                return self._grow(event["index"], event["delta"])
            case "message_delta":
                self.finish = _FINISHES.get(event["delta"].get("stop_reason") or "", "other")
                details: Any = event["delta"].get("stop_details")
                self.why = (details.get("explanation") if details else "") or ""
                self._count(event.get("usage"))
            case "message_stop":
                self.whole = True
            case _:
                return None  # the API adds kinds of events over time
        return None

    def _grow(self, index: int, delta: Any) -> Delta | None:
        block = self.numbered.setdefault(index, {"type": delta["type"].removesuffix("_delta")})
        match delta["type"]:
            case "text_delta":
                block["text"] = (block.get("text") or "") + delta["text"]
                return Delta(delta["text"])
            case "thinking_delta":
                block["thinking"] = (block.get("thinking") or "") + delta["thinking"]
                return Delta(thought=delta["thinking"])
            case "signature_delta":
                block["signature"] = delta["signature"]
            case "input_json_delta":
                self.written[index] = self.written.get(index, "") + delta["partial_json"]
            case "citations_delta":
                block["citations"] = [*(block.get("citations") or []), delta["citation"]]
            case _:
                return None
        return None

    def reply(self) -> Reply:
        blocks = [block for _, block in sorted(self.numbered.items())]
        calls = [self._call(index) for index, block in sorted(self.numbered.items()) if block["type"] == "tool_use"]
        message, finish = answer_tool.answer_of(calls), answer_tool.ended(self.finish)
        if message is None:
            texts = tuple(Text(block["text"]) for block in blocks if block["type"] == "text" and block.get("text"))
            content = texts if len(texts) > 1 else "".join(text.text for text in texts)
            message, finish = (
                Message("assistant", content, answer_tool.real(calls), vendor=vendor_of(blocks)),
                self.finish,
            )
        return Reply(message, self._usage(), model=self.model, finish=finish)

    def _call(self, index: int) -> ToolCall:
        block = self.numbered[index]
        identity = block.get("id") or f"toolu_{self.identity}_{index}"
        return tool_call(identity, block.get("name") or "", self.written.get(index) or block.get("input") or {})

    def _count(self, told: Any) -> None:
        counts: dict[str, Any] = told or {}
        self.usage |= {name: count for name, count in counts.items() if count is not None}

    def _usage(self) -> Usage:
        """The API counts what it wrote to and read from its cache apart from the rest of the input."""
        count = {name: value for name, value in self.usage.items() if isinstance(value, int)}
        cached, written = count.get("cache_read_input_tokens", 0), count.get("cache_creation_input_tokens", 0)
        details: Any = self.usage.get("output_tokens_details")
        return Usage(
            input=count.get("input_tokens", 0) + written + cached,
            output=count.get("output_tokens", 0),
            cached=cached,
            written=written,
            reasoning=details.get("thinking_tokens", 0) if details else 0,
        )
