"""`ctx.chat` and `ctx.embed`: questions to models as recorded steps.

A conversation grows by a few messages a turn, so a question records only what an earlier one of the same body has not:
`after` names how many messages came before, and their digest. It must never depend on what was recorded by chance: only
on an answered question whose messages and answer are the beginning of this one.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from agnt5.codec import encode
from agnt5.errors import LLMError
from agnt5.execution.current import current
from agnt5.execution.ops import Op
from agnt5.llm.base import LLM, as_texts, make_request, parsed
from agnt5.llm.types import Conversation, Delta, Embedded, Message, Reply, Request, ToolCall, as_reply
from agnt5.retry import ExponentialBackoff
from agnt5.secret import HIDDEN

if TYPE_CHECKING:
    from agnt5.context import Context
    from agnt5.retry import RetryPolicy

# Providers recover in seconds to minutes, and what they say of it (`retry_after`) is heeded in any case.
RETRY = ExponentialBackoff(max_attempts=5, initial=1.0, factor=2.0, max_interval=60.0, jitter=0.2)

# What a rerun compares: the question is in the input, and how it is put to the provider changes with this number only.
_CODE = b"agnt5.chat 1"


# Names of headers and parameters that hold keys and tokens.
_CREDENTIAL = re.compile("auth|cookie|credential|key|password|secret|token", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Streamed:
    """A piece of an answer, emitted while the step `path` receives it. `again`: the first of another try."""

    path: str
    delta: Delta
    again: bool = False


class Conversations:
    """What the chats of one body have recorded: digests of conversations, each with its answer."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, str] = {}  # digest of an answered conversation: digest of the tools it was offered

    def record(self, model: str, request: Request) -> dict[str, Any]:
        """The question as it is recorded: what is known already by its digest, the rest whole."""
        chain = list(links(request.messages))
        tools = _digest(encode(list(request.tools))) if request.tools else ""
        record: dict[str, Any] = {"model": model}
        before = next((n for n in range(len(chain), 0, -1) if chain[n - 1] in self._known), 0)
        if before:
            record["after"] = [before, chain[before - 1]]
        record["messages"] = list(request.messages[before:])
        if tools:
            same = before and self._known[chain[before - 1]] == tools
            record["tools"] = tools if same else list(request.tools)
        if request.schema is not None:
            record["schema"] = request.schema
        for name in ("temperature", "max_tokens"):
            value = getattr(request, name)
            if value is not None:
                record[name] = value
        if request.options:
            record["options"] = _recorded(request.options)
        return record

    def answered(self, request: Request, answer: Message) -> None:
        *_, last = links((*request.messages, answer))
        tools = _digest(encode(list(request.tools))) if request.tools else ""
        self._known[last] = tools


def _recorded(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options without credentials that headers and queries hold as plain text. A Secret stays: it is recorded by
    its name.

    Nothing reads them back: the question is asked with the options themselves. All of them are recorded as the same
    word, so a replay with another token is the same run.
    """

    def shown(name: str, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        held = cast("Mapping[Any, Any]", value).items()
        if name == "http_options":
            return {key: shown("extra_headers" if key == "headers" else key, one) for key, one in held}
        if name not in ("extra_headers", "extra_query"):
            return cast("Any", value)
        return {key: HIDDEN if isinstance(one, str) and _CREDENTIAL.search(str(key)) else one for key, one in held}

    return {name: shown(name, value) for name, value in options.items()}


def links(messages: Sequence[Message]) -> list[str]:
    """For each message, the digest of the conversation up to and including it."""
    found: list[str] = []
    last = ""
    for message in messages:
        last = link(last, message)
        found.append(last)
    return found


def link(last: str, message: Message) -> str:
    """The digest of a conversation, "" for none, with one more message."""
    return _digest(last.encode() + encode(message))


async def chat(
    ctx: Context,
    messages: Conversation,
    *,
    model: Any,
    tools: Sequence[Any] = (),
    response_format: Any = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    timeout: float | None = None,
    retry_policy: RetryPolicy | int | None = None,
    name: str = "chat",
    options: dict[str, Any] | None = None,
) -> Reply:
    request = make_request(messages, tools, response_format, temperature, max_tokens, timeout, options)
    reply = await ask(ctx, ctx.find_llm(model), request, policy=retry_policy, name=name)
    return reply if response_format is None else parsed(reply, response_format)


async def ask(
    ctx: Context, llm: LLM, request: Request, *, policy: RetryPolicy | int | None = None, name: str = "chat"
) -> Reply:
    """A recorded question; the reply is not held against its schema."""
    conversations = ctx.conversations
    record = conversations.record(llm.name, request)
    body = _Question(llm, request).ask
    # A fork may have put a person's words in the model's place.
    reply = as_reply(await ctx.operation(name, record, body, policy=policy, default=RETRY, code=_CODE))
    message = distinct(reply.message, request.messages)
    conversations.answered(request, message)
    return reply if message is reply.message else replace(reply, message=message)


def distinct(answer: Message, earlier: Sequence[Message]) -> Message:
    """The answer with an id for each of its calls that no other call of the conversation has.

    Forks and servers that count from the start in each answer give the same ids again, and results are tied to calls
    by them: some providers refuse such a conversation.
    """
    if not answer.tool_calls:
        return answer
    taken = {call.id for message in earlier for call in message.tool_calls}
    calls: list[ToolCall] = []
    for call in answer.tool_calls:
        names = (f"{call.id}_{number}" for number in count(2))
        free = call.id if call.id not in taken else next(name for name in names if name not in taken)
        taken.add(free)
        calls.append(call if free == call.id else replace(call, id=free))
    return answer if tuple(calls) == answer.tool_calls else replace(answer, tool_calls=tuple(calls))


async def embed(
    ctx: Context,
    texts: str | Sequence[str],
    *,
    model: Any,
    retry_policy: RetryPolicy | int | None = None,
    name: str = "embed",
) -> Any:
    llm = ctx.find_llm(model)
    given = as_texts(texts)
    record = {"model": llm.name, "texts": given}
    vectors = await ctx.operation(
        name, record, _Embedding(llm, given).ask, policy=retry_policy, default=RETRY, code=_CODE
    )
    return vectors[0] if isinstance(texts, str) else vectors


class _Question:
    """The body of a chat step."""

    __slots__ = ("_billed", "_llm", "_request")

    def __init__(self, llm: LLM, request: Request) -> None:
        self._llm = llm
        self._request = request
        self._billed = False  # an earlier attempt may be

    async def ask(self, record: Any) -> Reply:
        op = current.get()
        step = op.step_context() if isinstance(op, Op) else None
        request = self._request
        path = op.path if isinstance(op, Op) else ""
        if step is not None:
            request = replace(request, idempotency_key=step.idempotency_key)
        began = time.monotonic()
        heard: float | None = None
        reply: Reply | None = None
        try:
            async for item in self._llm.answers(request):
                if isinstance(item, Reply):
                    reply = item
                    continue
                again = heard is None and step is not None and step.attempt > 1
                heard = heard if heard is not None else time.monotonic()
                if step is not None:
                    step.emit(Streamed(path, item, again))
        except LLMError as error:
            self._billed = self._billed or error.possibly_billed
            raise
        assert reply is not None, "a stream ends with a reply, or with an error"
        if isinstance(op, Op):
            op.facts = facts(reply, time.monotonic() - began, None if heard is None else heard - began)
            if self._billed or op.seq < op.attempt.base:
                # An earlier attempt failed, or went away, before it heard the answer: the provider may bill both.
                op.facts["possibly_billed"] = True
        return reply


class _Embedding:
    """The body of an embed step."""

    __slots__ = ("_llm", "_texts")

    def __init__(self, llm: LLM, texts: list[str]) -> None:
        self._llm = llm
        self._texts = texts

    async def ask(self, record: Any) -> list[list[float]]:
        began = time.monotonic()
        found = await self._llm.embed(self._texts)
        op = current.get()
        if isinstance(op, Op):
            op.facts = facts(found, time.monotonic() - began, None)
        return found.vectors


def facts(found: Reply | Embedded, seconds: float, first: float | None) -> dict[str, Any]:
    """What is noted beside an answer: model, tokens, cost in US dollars, seconds, seconds to the first piece."""
    noted: dict[str, Any] = {
        "provider": found.provider,
        "model": found.model,
        "tokens": found.usage.total,
        "latency": round(seconds, 4),
    }
    noted |= {f"{name}_tokens": value for name, value in asdict(found.usage).items() if value}
    if found.cost is not None:
        noted["cost"] = found.cost
    if first is not None:
        noted["first_token"] = round(first, 4)
    return noted


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=12).hexdigest()
