"""The model behind an adapter: checks the question, keeps to the limits, asks, prices the answer.

An adapter is a subclass that turns a Request into its provider's call and the answer into a Reply. It must never retry:
who asks decides that, durably.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

from agnt5.errors import ConfigurationError, LLMError, OutputInvalid
from agnt5.llm import failures, limits, prices
from agnt5.llm.schema import Schema
from agnt5.llm.sendable import joined, sendable, whole
from agnt5.llm.types import Conversation, Delta, Embedded, Message, Reply, Request, ToolSpec, as_messages


class LLM:
    """One model of one provider. `name` is `provider/model`. Making one never touches the network."""

    provider: str = ""
    """Its name in `provider/model`, errors and prices."""

    def __init__(self, model: str) -> None:
        if not model:
            raise ConfigurationError(f"{type(self).__name__} needs the name of a model, as in model_name='...'.")
        self.model = model

    @property
    def name(self) -> str:
        return f"{self.provider}/{self.model}"

    async def generate(
        self,
        messages: Conversation,
        *,
        tools: Sequence[Any] = (),
        response_format: Any = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        timeout: float | None = None,
        **options: Any,
    ) -> Reply:
        """One answer. LLMError (see its tree) when there is none; OutputInvalid when it breaks `response_format`.

        `response_format`: a dataclass, TypedDict, pydantic model, other type, or JSON schema; `reply.output` is the
        validated value. `timeout`: seconds. Other names go to the provider as they are.
        """
        request = make_request(messages, tools, response_format, temperature, max_tokens, timeout, options)
        reply = await self.answer(request)
        return reply if response_format is None else parsed(reply, response_format)

    async def stream(
        self,
        messages: Conversation,
        *,
        tools: Sequence[Any] = (),
        response_format: Any = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        timeout: float | None = None,
        **options: Any,
    ) -> AsyncIterator[Delta | Reply]:
        """The pieces of an answer as they come, and at last the whole Reply."""
        request = make_request(messages, tools, response_format, temperature, max_tokens, timeout, options)
        async for item in self.answers(request):
            if isinstance(item, Reply) and response_format is not None:
                item = parsed(item, response_format)
            yield item

    async def embed(self, texts: str | Sequence[str], *, model: str | None = None) -> Embedded:
        """Vectors of texts, in order."""
        given = [whole(text) for text in as_texts(texts)]
        if not given:
            return Embedded([], model=model or self.model, provider=self.provider)
        async with limits.turn(self.name):
            found = await self._guarded(self._embed(given, model), None)
            if not all(found.vectors):
                raise failures.unreadable(self.name, "a vector without numbers")
        return replace(found, provider=self.provider, cost=prices.cost(self.provider, found.model, found.usage))

    # What the durable layer asks

    async def answer(self, request: Request) -> Reply:
        """One whole answer to a request, within the limits of this model."""
        request = sendable(request)
        async with limits.turn(self.name):
            await self._guarded(self._prepare(request), None)
            return self._priced(await self._guarded(self._generate(request), request.timeout))

    async def answers(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Pieces, then the whole Reply; an error when the stream ends without one."""
        whole: Reply | None = None
        request = sendable(request)
        async with limits.turn(self.name):
            await self._guarded(self._prepare(request), None)
            # From here: waiting for a turn is no fault of the provider's, and nothing has left yet.
            until = None if request.timeout is None else asyncio.get_running_loop().time() + request.timeout
            stream = self._stream(request)
            try:
                while True:
                    left = None if until is None else max(0.0, until - asyncio.get_running_loop().time())
                    try:
                        item = await self._guarded(anext(stream), left, request.timeout)
                    except StopAsyncIteration:
                        break
                    if isinstance(item, Reply):
                        item = whole = self._priced(item)
                    yield item
            finally:
                await stream.aclose()
        if whole is None:
            raise failures.cut_off(self.name)

    # What an adapter does

    async def _prepare(self, request: Request) -> None:
        """Get ready to ask, outside of the time limit: what takes long here (an import, a start) has sent nothing."""

    async def _generate(self, request: Request) -> Reply:
        """Ask for a whole answer. The default collects the stream."""
        whole: Reply | None = None
        async for item in self._stream(request):
            if isinstance(item, Reply):
                whole = item
        if whole is None:
            raise failures.cut_off(self.name)
        return whole

    def _stream(self, request: Request) -> AsyncGenerator[Delta | Reply, None]:
        """Pieces as they come; the last one is the Reply."""
        raise ConfigurationError(f"{self.name} cannot stream.")

    async def _embed(self, texts: list[str], model: str | None) -> Embedded:
        raise ConfigurationError(
            f"{self.name} makes no embeddings. Name a model of a provider that does, as in "
            f"`model='openai/text-embedding-3-small'`."
        )

    def _error(self, error: Exception) -> LLMError | None:
        """What an exception of the provider's SDK means; None for one that is none of its business."""
        return None

    # Inside

    async def _guarded(self, work: Any, timeout: float | None, whole: float | None = None) -> Any:
        """Await the adapter's work: time limit, and the provider's exceptions as ours."""
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                return await work
        except StopAsyncIteration:
            raise
        except LLMError as error:
            failure = self._signed(error)
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                failure = failures.too_slow(self.name, whole or timeout)
            else:
                found = self._error(error)
                if found is None:
                    raise
                failure = self._signed(found)
        limits.heed(self.name, failure)
        # Out here, and with neither cause nor context: an SDK's errors quote keys, and hold requests with them.
        failure.__cause__ = failure.__context__ = None
        raise failure

    def _signed(self, error: LLMError) -> LLMError:
        error.provider = error.provider or self.provider
        error.model = error.model or self.model
        return error

    def _priced(self, reply: Reply) -> Reply:
        """The reply with its price. ContentRefused for one that is a refusal, so that nobody takes it for an answer."""
        if reply.finish == "refusal":
            raise failures.declined(self.name, reply.text)
        model = reply.model or self.model
        cost = prices.cost(self.provider, model, reply.usage)
        if cost is None and model != self.model:
            cost = prices.cost(self.provider, self.model, reply.usage)
        return replace(reply, message=joined(reply.message), provider=self.provider, model=model, cost=cost)

    def __repr__(self) -> str:
        return f"<LLM {self.name}>"


def as_texts(given: Any) -> list[str]:
    """A text or several, as a list. ConfigurationError for anything else."""
    texts: list[Any] = [given]
    if isinstance(given, Iterable) and not isinstance(given, str):
        texts = list(cast("Iterable[Any]", given))
    for text in texts:
        if not isinstance(text, str):
            raise ConfigurationError(f"What is embedded is a text or a list of texts, not {type(text).__name__}.")
    return texts


def make_request(
    messages: Conversation,
    tools: Sequence[Any] = (),
    response_format: Any = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    timeout: float | None = None,
    options: dict[str, Any] | None = None,
) -> Request:
    """A checked Request from what people write. Tools: ToolSpec, or anything whose `spec` is one."""
    if max_tokens is not None and (isinstance(max_tokens, bool) or max_tokens < 1):
        raise ConfigurationError(f"max_tokens is a whole number from 1, not {max_tokens!r}.")
    if timeout is not None and not timeout > 0:
        raise ConfigurationError(f"timeout is in seconds and above 0, not {timeout!r}.")
    schema = None if response_format is None else Schema.of(response_format)
    return Request(
        messages=as_messages(messages),
        tools=tuple(as_spec(tool) for tool in tools),
        schema=None if schema is None else schema.json_schema,
        schema_name="" if schema is None else schema.name,
        temperature=temperature,
        max_tokens=max_tokens,
        timeout=timeout,
        options=options or {},
    )


def as_spec(tool: Any) -> ToolSpec:
    found = tool if isinstance(tool, ToolSpec) else getattr(tool, "spec", None)
    if not isinstance(found, ToolSpec):
        raise ConfigurationError(f"{tool!r} is no tool: decorate the function with @tool, or give Tool(...).")
    return found


def parsed(reply: Reply, response_format: Any) -> Reply:
    """The same reply with its validated `output`. OutputInvalid when the text breaks the format."""
    if reply.tool_calls:
        return reply
    try:
        return replace(reply, output=Schema.of(response_format).parse(reply.text))
    except OutputInvalid as error:
        if reply.finish != "length":
            raise
        raise OutputInvalid(
            f"The answer was cut off after {reply.usage.output} tokens, before it was whole: raise max_tokens=, or ask "
            f"for less. {error}",
            text=reply.text,
        ) from None


def assistant(text: str, calls: Sequence[Any] = (), vendor: dict[str, Any] | None = None) -> Message:
    """The message of an answer."""
    return Message("assistant", text, tuple(calls), vendor=vendor or {})
