"""A model that answers from a script: for tests, demonstrations and documentation. It never leaves the process.

What it was asked is kept in `requests`, so a test can look at it. It must behave as an adapter does, limits included.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, cast

from agnt5.errors import ConfigurationError
from agnt5.llm.base import LLM
from agnt5.llm.types import Delta, Embedded, Message, Reply, Request, ToolCall, Usage, as_reply

Line: TypeAlias = "str | Reply | Message | ToolCall | list[ToolCall] | BaseException | dict[str, Any]"
"""One answer: a text, a call or calls of tools, `{"tool": name, "arguments": {...}}`, a message, a Reply, or an error
to raise."""


class ScriptedLLM(LLM):
    """Answers with the lines of `replies`, one a request, or with what a function of the Request gives. A single line
    may stand without a list.

    When the lines are used up, ConfigurationError says so, unless `repeat=True` begins again. `delay`: seconds before
    each answer. Usage is counted in words, so that budgets can be tried.
    """

    provider = "scripted"

    def __init__(
        self,
        replies: Line | Iterable[Line] | Callable[[Request], Any] = (),
        *,
        model: str = "script",
        delay: float = 0.0,
        repeat: bool = False,
    ) -> None:
        super().__init__(model)
        self._function = replies if callable(replies) else None
        if isinstance(replies, str | Mapping | Reply | Message | ToolCall | BaseException):
            replies = [cast("Line", replies)]
        if not callable(replies) and not isinstance(replies, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                f"The replies of a {type(self).__name__} are a line, a list of them, or a function of the Request; not "
                f"{replies!r}."
            )
        self._lines: list[Line] = [] if callable(replies) else list(replies)
        self._repeat = repeat
        self._delay = delay
        self._next = 0
        self.requests: list[Request] = []

    async def _generate(self, request: Request) -> Reply:
        self.requests.append(request)
        if self._delay:
            await asyncio.sleep(self._delay)
        line = await self._line(request)
        if isinstance(line, BaseException):
            raise line
        if isinstance(line, Reply):
            return line
        if isinstance(line, dict) and "tool" in line:
            line = {"id": f"call_{len(self.requests)}", **cast("dict[str, Any]", line)}
        reply = as_reply(line)
        usage = Usage(sum(_words(one) for one in request.messages), _words(reply.message))
        return replace(reply, usage=usage, model=self.model)

    async def _stream(self, request: Request) -> AsyncGenerator[Delta | Reply, None]:
        reply = await self._generate(request)
        for number, word in enumerate(reply.text.split(" ")):
            yield Delta(word if number == 0 else f" {word}")
            await asyncio.sleep(0)
        yield reply

    async def _embed(self, texts: list[str], model: str | None) -> Embedded:
        """Vectors of letter counts: texts with the same letters are close, which is enough to try things out."""
        vectors = [[float(text.lower().count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]
        return Embedded(vectors, Usage(sum(len(text.split()) for text in texts)), model or self.model)

    async def _line(self, request: Request) -> Any:
        if self._function is not None:
            found = self._function(request)
            return await found if inspect.isawaitable(found) else found
        if self._next >= len(self._lines):
            if not self._lines or not self._repeat:
                raise ConfigurationError(
                    f"The script of {self.name} has {len(self._lines)} lines, and this is request "
                    f"{len(self.requests)}. Add lines, or give repeat=True."
                )
            self._next = 0
        self._next += 1
        return self._lines[self._next - 1]


def _words(message: Message) -> int:
    return len(message.text.split()) + sum(1 + len(str(call.arguments).split()) for call in message.tool_calls)
