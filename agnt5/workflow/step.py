"""One step of a workflow: a name, what runs, how often it is tried, how long, and when it is left out.

A step decides by the values it is shown and nothing else, so that a replay decides the same. It holds nothing of a run.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agnt5.codec import register_annotations
from agnt5.component import FLOW, OBJECT, Component, Composite, component_of, is_async, wants_context
from agnt5.errors import ConfigurationError
from agnt5.retry import as_policy
from agnt5.tool import Tool

if TYPE_CHECKING:
    from agnt5.retry import RetryPolicy

When = Callable[[Any], Any] | Callable[[Any, dict[str, Any]], Any]


class Step:
    """`fn`: a function (async or sync), tool, flow, agent or workflow that gets the current value and gives the next.

    A function without parameters gets nothing. A tool of several parameters gets a dict as its arguments. `retry`:
    attempts in all, or a policy; `timeout`: seconds for one attempt. `when`: a pure function of the current value, or
    of that and the outputs so far by step name; when it says no, the step is skipped and the value goes on as it is.
    """

    __slots__ = ("_values", "fn", "name", "retry", "timeout", "when")

    def __init__(
        self,
        name: str,
        fn: Any,
        retry: RetryPolicy | int | None = None,
        timeout: float | None = None,
        when: When | None = None,
    ) -> None:
        if not name or not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(f"A step has a name, a text that is not empty, not {name!r}.")
        component = component_of(fn)
        if component is None and (not callable(fn) or isinstance(fn, type)):
            raise ConfigurationError(
                f"The step {name!r} needs a function, tool, flow, agent or workflow to run, not {fn!r}."
            )
        if component is not None and component.kind == OBJECT:
            raise ConfigurationError(
                f"The step {name!r}: {component.name} is a method of a durable object. Write a function that calls it."
            )
        if timeout is not None and not timeout > 0:
            raise ConfigurationError(f"The step {name!r}: timeout is in seconds and above 0, not {timeout!r}.")
        self.name = name
        self.fn: Any = fn
        self.retry = None if retry is None else as_policy(retry)
        self.timeout = timeout
        self.when = when
        self._values = self._count_values()
        if when is not None:
            self._check_when(when)
        register_annotations(self.body)

    @property
    def component(self) -> Component[Any, Any] | None:
        """The component behind what it runs; None for a plain function."""
        return component_of(self.fn)

    @property
    def body(self) -> Any:
        """The function that runs."""
        component = self.component
        return self.fn if component is None else component.fn

    @property
    def parameter(self) -> inspect.Parameter | None:
        """The parameter that takes the value; None when there is none, or when it has no name of its own."""
        if not self._values:
            return None
        try:
            found = list(inspect.signature(self.body).parameters.values())
        except (TypeError, ValueError):
            return None
        component = self.component
        context = wants_context(self.body) if component is None else component.wants_context
        visible = found[1:] if context else found
        if not visible or visible[0].kind is inspect.Parameter.VAR_POSITIONAL:
            return None
        if isinstance(self.fn, Tool) and len(visible) > 1:  # it gets a dict of them
            return None
        return visible[0].replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD)

    @property
    def starts_run(self) -> bool:
        """Whether it becomes a run of its own: a flow, agent or workflow."""
        component = self.component
        return component is not None and component.kind == FLOW

    @property
    def what(self) -> str:
        """Kind and name of what it runs, as `agent writer`; a plain function is a step."""
        name = getattr(self.fn, "name", None) or getattr(self.fn, "__name__", type(self.fn).__name__)
        if isinstance(self.fn, Composite):
            return f"{type(self.fn).__name__.lower()} {name}"
        component = self.component
        if component is None:
            return f"step {name}"
        return f"{'flow' if component.kind == FLOW else 'function'} {component.name}"

    def wanted(self, value: Any, outputs: dict[str, Any]) -> bool:
        """Whether it runs on this value, after these outputs."""
        if self.when is None:
            return True
        ask: Callable[..., Any] = self.when
        return bool(ask(value, dict(outputs)) if _takes(ask, 2) and not _takes(ask, 1) else ask(value))

    def arguments(self, value: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """How the value is handed to what it runs."""
        if self.what.startswith("tool ") and not self.starts_run:
            return (), self._tool_arguments(self.fn, value)
        return ((value,) if self._values else ()), {}

    def over(self, fn: Any, when: When | None) -> Step:
        """The same step with other versions of its code."""
        made = object.__new__(Step)
        made.name, made.fn, made.retry, made.timeout, made.when = self.name, fn, self.retry, self.timeout, when
        made._values = self._values
        return made

    def __repr__(self) -> str:
        return f"<step {self.name}: {self.what}>"

    def _tool_arguments(self, tool: Tool[..., Any], value: Any) -> dict[str, Any]:
        names = list(tool.spec.parameters.get("properties", {}))
        if len(names) == 1:
            return tool.validate({names[0]: value})
        return tool.validate(value if names or isinstance(value, dict) else {})

    def _count_values(self) -> int:
        """1 when what it runs takes the value, 0 when it takes nothing."""
        component = self.component
        if isinstance(self.fn, Tool):
            return 1
        context = int(wants_context(self.body) if component is None else component.wants_context)
        for count in (1, 0):
            if _takes(self.body, context + count):
                return count
        raise ConfigurationError(
            f"The step {self.name!r}: {self.what} cannot be called with one value. A step gets the output of the step "
            f"before it, and nothing else."
        )

    def _check_when(self, when: Any) -> None:
        if not callable(when) or is_async(when) or not (_takes(when, 1) or _takes(when, 2)):
            raise ConfigurationError(
                f"The step {self.name!r}: `when` is a plain function of the current value, or of the value and the "
                f"outputs so far, not {when!r}. It decides again in every replay; what has to ask the world is a step."
            )


def _takes(fn: Callable[..., Any], count: int) -> bool:
    """Whether it can be called with so many values. What tells no signature (written in C) takes one."""
    try:
        signature = inspect.signature(fn)
    except (TypeError, ValueError):
        return count == 1
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True
