"""Tasks: text in, a validated value of a type out, with bounded repair of answers that do not fit.

    invoices = Task(output=Invoice, instructions="Amounts are in euros.", model="openai/gpt-5-mini")
    invoice = await invoices.run(text)
    many = await invoices.map(texts)

A task is a flow: every question to the model is recorded. It must never give a value that was not validated.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from agnt5 import registry
from agnt5.agent.checks import plain_input
from agnt5.codec.annotations import register_classes
from agnt5.component import FLOW, Component, Composite, Parts, caller_module, settings_text
from agnt5.errors import ConfigurationError, OutputInvalid, ProviderAuthError
from agnt5.execution.current import current_context
from agnt5.execution.together import together
from agnt5.hints import struct_in
from agnt5.llm import LLM, Message, check_model, find_llm
from agnt5.llm.schema import Schema
from agnt5.llm.types import as_content

if TYPE_CHECKING:
    from agnt5.context import Context
    from agnt5.run import Run

__all__ = ["Task"]

T = TypeVar("T")

_DEFAULT = "Read what the user gives and answer with what it says, as {name}. Do not invent what it does not say."
_REPAIR = "That answer cannot be used. {error}\nAnswer again, with all of it, in the form that was asked for."


class Task(Composite, Generic[T]):
    """Text to a value of `output`: a dataclass, TypedDict, pydantic model, other type, or a JSON schema.

    `llm`, or `model` as `provider/name`; else the configured one. `name`: by which its runs find it again; default, the
    name of the class. `max_repairs`: how often the model is told what is wrong with its answer and asked again; after
    that OutputInvalid stands, with the last answer in `.text`.
    """

    def __init__(
        self,
        output: type[T] | Any,
        instructions: str = "",
        llm: LLM | None = None,
        model: str | None = None,
        name: str | None = None,
        max_repairs: int = 2,
        *,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> None:
        if type(max_repairs) is not int or max_repairs < 0:
            raise ConfigurationError(f"max_repairs is a whole number from 0, not {max_repairs!r}.")
        if struct_in(output) is not None:
            raise ConfigurationError(f"{output!r} holds a msgspec.Struct, which journals cannot keep: use a dataclass.")
        self.output = output
        self.schema = Schema.of(output)
        self.name = name or _name_of(output)
        self.instructions = instructions
        self.model: LLM | str | None = llm if llm is not None else model
        check_model(self.model)
        self.max_repairs = max_repairs
        self.temperature = temperature
        self.max_tokens = max_tokens
        register_classes(output)
        self._component, self._map = _components(self, caller_module())
        registry.define(self._component)
        registry.define(self._map)

    def start(self, text: Any, *, run_id: str | None = None, tags: dict[str, str] | None = None) -> Run:
        """Begin a durable run and return at once. `text`: text, or parts such as `["Read this", Image(...)]`."""
        self._ready()
        return self._component.start(plain_input(text), run_id=run_id, tags=tags)

    def run(self, text: Any) -> Awaitable[T]:
        """Start and wait for the value. Inside a run: a child run."""
        self._ready()
        return self._component.run(plain_input(text))

    def run_sync(self, text: Any, *, timeout: float | None = None) -> T:
        """Start and block this thread for at most `timeout` seconds; safe inside a running event loop."""
        return self.start(text).result(timeout)

    def map(self, items: Iterable[Any], *, concurrency: int = 8, return_exceptions: bool = False) -> Awaitable[list[T]]:
        """The values of many texts, in order, by one run that asks for at most `concurrency` at a time.

        One item that fails does not stop the others. At the end an ExceptionGroup holds the failures, each with its
        item's position in `.item`; with `return_exceptions` they take their places in the list instead. What was
        answered is recorded: a rerun of the run asks only where no answer came. A refused key stops it at once.
        """
        self._ready()
        return self._map.run(*_map_arguments(items, concurrency, return_exceptions))

    def start_map(self, items: Iterable[Any], *, concurrency: int = 8, return_exceptions: bool = False) -> Run:
        """Begin what `map` does and return its Run at once."""
        self._ready()
        return self._map.start(*_map_arguments(items, concurrency, return_exceptions))

    # What a run keeps of it

    @property
    def __agnt5_component__(self) -> Component[..., Any]:
        return self._component

    def __agnt5_parts__(self) -> Parts:
        told = {
            "model": self.model.name if isinstance(self.model, LLM) else self.model,
            "instructions": self.instructions,
            "output": self.schema.text,
            "max_repairs": self.max_repairs,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
        }
        return Parts(f"task {self.name}", settings_text(f"task {self.name}", told), ())

    def __agnt5_copy__(self) -> Self:
        copied = copy.copy(self)
        copied._component, copied._map = _components(copied, self._component.module)
        return copied

    def __agnt5_take__(self, code: tuple[Any, ...]) -> None:
        """It calls nothing of its user's."""

    def __agnt5_version_of__(self, component: Component[..., Any]) -> Component[..., Any]:
        return self._map if component.name == self._map.name else self._component

    def _ready(self) -> None:
        """Say what is missing before a run begins, not in it."""
        if current_context() is None:
            find_llm(self.model)

    # In a run

    async def read(self, ctx: Context, text: Any) -> T:
        """The value of one text, asked and mended within the run of `ctx`."""
        system = self.instructions or _DEFAULT.format(name=self.schema.name)
        messages = [Message("system", system), Message("user", as_content(plain_input(text), "the input"))]
        llm = self.model if isinstance(self.model, LLM) else None
        repairs = 0
        while True:
            try:
                reply = await ctx.chat(
                    messages,
                    llm=llm,
                    model=None if isinstance(self.model, LLM) else self.model,
                    response_format=self.schema,
                    temperature=self.temperature,
                    max_tokens=self.max_tokens,
                )
                if not reply.tool_calls:
                    return reply.output
                raise OutputInvalid("The answer calls a tool, and there is none.", text=reply.text)
            except OutputInvalid as error:
                if repairs >= self.max_repairs:
                    raise
                repairs += 1
                messages.append(Message("assistant", error.text or "(nothing)"))
                messages.append(Message("user", _REPAIR.format(error=error)))

    async def read_all(self, ctx: Context, items: list[Any], concurrency: int, return_exceptions: bool) -> list[Any]:
        gate = asyncio.Semaphore(concurrency)

        async def one(number: int, item: Any) -> Any:
            async with gate:
                try:
                    return await self.read(ctx, item)
                except (ProviderAuthError, ConfigurationError):
                    raise  # no other item would fare better
                except Exception as error:
                    error.item = number  # type: ignore[attr-defined]
                    return error

        found = await together([one(number, item) for number, item in enumerate(items)])
        failures = [one for one in found if isinstance(one, Exception)]
        if failures and not return_exceptions:
            raise ExceptionGroup(f"{len(failures)} of {len(items)} items of the task {self.name!r} failed", failures)
        return found

    def __repr__(self) -> str:
        return f"<task {self.name}>"


def _components(task: Task[Any], module: str) -> tuple[Component[..., Any], Component[..., Any]]:
    async def body(ctx: Context, text: str) -> Any:
        return await task.read(ctx, text)

    async def each(ctx: Context, items: list[Any], concurrency: int, return_exceptions: bool) -> list[Any]:
        return await task.read_all(ctx, items, concurrency, return_exceptions)

    return _flow(task, body, task.name, module), _flow(task, each, f"{task.name}.map", module)


def _flow(task: Task[Any], fn: Callable[..., Any], name: str, module: str) -> Component[..., Any]:
    fn.__name__ = fn.__qualname__ = name
    fn.__doc__ = task.instructions or None
    made: Component[..., Any] = Component(fn, kind=FLOW, name=name, whole=task)
    made.module = module
    return made


def _name_of(output: Any) -> str:
    """The name of a class; what many tasks share (`bool`, `list[str]`, a nameless schema) names none of them."""
    if isinstance(output, type) and output.__module__ != "builtins":
        return output.__name__
    title = output.get("title") if isinstance(output, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if isinstance(title, str) and title:
        return title
    raise ConfigurationError(f"A task for {output!r} needs a name: Task(output=..., name='is_spam').")


def _map_arguments(items: Iterable[Any], concurrency: int, return_exceptions: bool) -> tuple[list[Any], int, bool]:
    if isinstance(items, str):
        raise ConfigurationError("map takes many texts, such as a list; for a single one there is `run`.")
    if isinstance(concurrency, bool) or concurrency < 1:
        raise ConfigurationError(f"concurrency is a whole number from 1, not {concurrency!r}.")
    return list(items), concurrency, return_exceptions
