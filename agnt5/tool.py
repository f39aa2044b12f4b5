"""Tools: functions that a model may call, told to it by a schema and called with checked arguments.

    @tool
    def search(query: str, limit: int = 5) -> list[str]:
        \"\"\"Search the web.\"\"\"

A tool is a component: a call of it in a run is recorded. It must never run its function with arguments that do not fit.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from types import MethodType
from typing import TYPE_CHECKING, Any, Self, cast, overload

from agnt5 import registry
from agnt5.codec import register_annotations
from agnt5.component import (
    FLOW,
    FUNCTION,
    Component,
    Composite,
    P,
    Parts,
    R,
    component_of,
    settings_text,
    wants_context,
)
from agnt5.docstrings import Documentation, read_docstring
from agnt5.errors import ConfigurationError
from agnt5.llm.types import ToolSpec
from agnt5.parameters import Parameters, SchemaParameters, SignatureParameters, checked, visible_parameters
from agnt5.retry import RetryPolicy, as_policy

if TYPE_CHECKING:
    from agnt5.context import Context

__all__ = ["Tool", "tool"]

# What all providers accept.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Tool(Component[P, R], Composite):
    """A function, component or agent that a model may call.

    `description`: default, the docstring. `retry`: attempts in all, or a policy; `timeout`: seconds for one attempt;
    `requires_approval`: an agent asks a person before each call. `parameters`: a JSON schema in place of the
    signature, for a function that takes `**arguments`.

    Around another tool, what is given here wins over what that one has. Around a flow, an agent or a workflow, a call
    in a run becomes a child run. ConfigurationError for a name or parameter that no model could use.
    """

    def __init__(
        self,
        name: str | None = None,
        function: Callable[P, R] | Any = None,
        description: str | None = None,
        retry: RetryPolicy | int | None = None,
        timeout: float | None = None,
        requires_approval: bool | None = None,
        *,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        given: Any = function.given if isinstance(function, Tool) else function
        inner = component_of(given)
        body: Callable[..., Any] = given if inner is None else inner.fn
        if not callable(body):
            raise ConfigurationError(f"A Tool needs a function, as in Tool(function=search), not {given!r}.")
        if timeout is not None and not timeout > 0:
            raise ConfigurationError(f"timeout is in seconds and above 0, not {timeout!r}.")
        if inner is not None and inner.kind not in (FUNCTION, FLOW):
            raise ConfigurationError(f"{inner.name} is a method of a durable object: write a function that calls it.")
        # The settings under this tool's own: those of the tool or function it is made around.
        under = cast("Tool[..., Any]", function) if isinstance(function, Tool) else None
        below = inner if under is None else under
        if name is None:
            name = below.name if below is not None else _name_of(body)
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{name!r} is no name for a tool: providers take 1 to 64 letters, digits, _ and -. Give one with "
                f"`name=`."
            )
        if inner is not None and inner.kind == FLOW and (retry is not None or timeout is not None):
            raise ConfigurationError(
                f"The tool {name!r} starts {inner.name!r} as a run of its own, with the retries and time limit of its "
                f"definition: set `retry` and `timeout` there."
            )
        policy = None if retry is None else as_policy(retry)
        super().__init__(
            body,
            kind=FUNCTION if inner is None else inner.kind,
            name=name,
            retry_policy=policy if policy is not None or below is None else below.retry_policy,
            timeout=timeout if timeout is not None or below is None else below.timeout,
            at_most_once=inner is not None and inner.at_most_once,
            trace=inner is not None and inner.trace,
        )
        self.given: Any = given
        """The function, component or agent it was made of; never another tool."""
        self._flow = inner if inner is not None and inner.kind == FLOW else None
        self._description = description if description is not None or under is None else under._description
        asks = requires_approval if requires_approval is not None or under is None else under.requires_approval
        self.requires_approval: bool = bool(asks)
        schema = parameters if parameters is not None or under is None else under._schema
        self._schema: Mapping[str, Any] | None = schema
        if schema is None:
            visible_parameters(body, context=self.wants_context, tool=name)
            register_annotations(body)
        elif parameters is not None:
            _ = self._parameters  # what is wrong with a schema is told here, not in a run

    @property
    def __agnt5_component__(self) -> Component[..., Any]:
        return self if self._flow is None else self._flow

    def __agnt5_parts__(self) -> Parts:
        told: dict[str, Any] = {
            "description": self._description,
            "retry": None if self.retry_policy is None else self.retry_policy.max_attempts,
            "timeout": self.timeout,
            "requires_approval": self.requires_approval or None,
        }
        set_here = any(value is not None for value in told.values())
        text = settings_text(f"tool {self.name}", told) if set_here else ""
        return Parts(f"tool {self.name}", text, (self.fn if self._flow is None else self.given,))

    def __agnt5_copy__(self) -> Self:
        return self._fresh()

    def __agnt5_take__(self, code: tuple[Any, ...]) -> None:
        (given,) = code
        if self._flow is not None:
            self._flow = component_of(given)
            assert self._flow is not None, "a version of a flow, an agent or a workflow is one, too"
            self.given, self.fn = given, self._flow.fn
            return
        if self.given is self.fn:
            self.given = given
        self.fn = given

    @property
    def function(self) -> Callable[P, R]:
        """What a call of the tool calls."""
        return self.fn if self._flow is None else self.given

    @property
    def description(self) -> str:
        """What the model reads: the given text, or the docstring without its sections."""
        return self._documentation.description if self._description is None else self._description

    @cached_property
    def spec(self) -> ToolSpec:
        """The tool as a model is told of it. ConfigurationError for an annotation that JSON cannot describe."""
        return ToolSpec(self.name, self.description, self._parameters.json_schema)

    def validate(self, arguments: Any) -> dict[str, Any]:
        """What a model sent, as keyword arguments of the function: checked and turned into the annotated types.

        "3" for an int and a dict for a dataclass, TypedDict or pydantic model are taken. ToolArgumentError names each
        argument that does not fit, in words the model can act on.
        """
        return checked(self._parameters, arguments, self.name)

    async def invoke(self, ctx: Context, arguments: Any) -> Any:
        """Check what a model sent and call the tool in a run: one recorded call, of the checked values."""
        return await self.carry_out(ctx, self.validate(arguments))

    async def carry_out(self, ctx: Context, values: dict[str, Any]) -> Any:
        """Call the tool in a run, with values that `validate` gave."""
        name = None if self._flow is None or self._flow.name == self.name else self.name
        return await ctx.call_with(self, (), values, name=name)

    def describe(self) -> str:
        """The tool and its parameters as a table of text."""
        schema = self.spec.parameters
        required = schema.get("required", ())
        rows = [
            (name, _type_text(one), _mark(one, name in required), str(one.get("description", "")))
            for name, one in schema.get("properties", {}).items()
        ]
        widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, (*widths, 0), strict=True)) for row in rows]
        title = f"{self.name}: {self.description}" if self.description else self.name
        return "\n".join([title, "", *(f"  {line.rstrip()}" for line in lines)] if lines else [title])

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        function: Any = self.function if callable(self.function) else self.run
        return function(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        # A tool in a class body becomes the tool of each instance, as a function becomes a method.
        if instance is None or not inspect.isfunction(self.given):
            return self
        bound = self._fresh()
        bound.fn = bound.given = MethodType(self.given, instance)
        bound.wants_context = wants_context(bound.fn)
        return bound

    def _fresh(self) -> Self:
        """A copy that works out anew what depends on its function."""
        made = copy.copy(self)
        for known in ("spec", "_parameters"):
            vars(made).pop(known, None)
        return made

    def __repr__(self) -> str:
        return f"<tool {self.name}>"

    @cached_property
    def _documentation(self) -> Documentation:
        return read_docstring(self.fn)

    @cached_property
    def _parameters(self) -> Parameters:
        if self._schema is not None:
            return SchemaParameters(self._schema, self.name)
        described = self._documentation.parameters
        return SignatureParameters(self.fn, described, context=self.wants_context, tool=self.name)


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    retry: RetryPolicy | int | None = None,
    timeout: float | None = None,
    requires_approval: bool = False,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    retry: RetryPolicy | int | None = None,
    timeout: float | None = None,
    requires_approval: bool | None = None,
) -> Any:
    """Make a function, async or sync, a Tool: still callable as it was, and a component of its name.

    The parameters are those of Tool. A first parameter `ctx` gets the context and is not shown to the model.
    """

    def make(found: Callable[..., Any]) -> Tool[..., Any]:
        made: Tool[..., Any] = Tool(name, found, description, retry, timeout, requires_approval)
        # A flow is registered already, and runs as itself; a method has no instance yet.
        if made.kind == FUNCTION and not _is_method(made.fn):
            registry.define(made)
        return made

    return make if function is None else make(function)


def tool_name(name: str) -> str:
    """A name that all providers accept, and that leaves room for a prefix."""
    return "".join(c if (c.isalnum() and c.isascii()) or c in "_-" else "_" for c in name)[:50]


def _name_of(body: Any) -> str:
    while not hasattr(body, "__name__") and hasattr(body, "func"):
        body = body.func
    return getattr(body, "__name__", type(body).__name__)


def _is_method(body: Any) -> bool:
    """Whether a function was defined in a class body, told by its name."""
    outer = getattr(body, "__qualname__", "").rpartition(".")[0]
    return bool(outer) and not outer.endswith("<locals>")


def _type_text(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(repr(one) for one in schema["enum"])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2].rpartition(".")[2]
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return " | ".join(_type_text(one) for one in options)
    if schema.get("type") == "array":
        inner = _type_text(schema.get("items") or {})
        return f"array of {inner}" if inner != "any" else "array"
    found = schema.get("type", "any")
    return found if isinstance(found, str) else " | ".join(map(str, found))


def _mark(schema: Mapping[str, Any], required: bool) -> str:
    if required:
        return "required"
    return f"default {schema['default']!r}" if "default" in schema else "optional"
