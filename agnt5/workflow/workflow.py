"""The workflow as its user makes it, and its body: a flow that hands the output of each step to the next.

It reaches the world through its context only, and decides by recorded values only.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import inspect
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, Self

from agnt5 import registry
from agnt5.component import FLOW, Component, Composite, Parts, caller_module
from agnt5.errors import ConfigurationError, RunCancelled, StepTimeout
from agnt5.execution.current import current
from agnt5.execution.kinds import retry_delay
from agnt5.execution.ops import Op
from agnt5.execution.together import together
from agnt5.tool import Tool, tool_name
from agnt5.workflow.graph import Graph, graph_of
from agnt5.workflow.step import Step

if TYPE_CHECKING:
    from agnt5.context import Context
    from agnt5.run import Run

_LONGEST_NAME = 60
_SKIPPED = object()


class Workflow(Composite):
    """Steps in order; a list of steps inside the list runs side by side.

    The first step gets the input, each further one the output of the step before it. Steps side by side all get the
    same value, and what comes after them gets a dict of their outputs by step name; a skipped one is not in it. The
    last output is the result. One step that fails for good fails the run, and those beside it are cancelled.

    `name`: default, made of the names of its steps. Under the same name it replaces an older one for later runs; runs
    in flight go on with the one they began with.
    """

    def __init__(self, steps: Sequence[Step | Sequence[Step]], name: str | None = None, description: str = "") -> None:
        self.stages: tuple[tuple[Step, ...], ...] = _stages(steps)
        self._parallel = tuple(not isinstance(one, Step) for one in steps)
        _refuse_twins(self.steps)
        if name is not None and (not name or not isinstance(name, str)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(f"The name of a workflow is a text that is not empty, not {name!r}.")
        self.name = name or _default_name(self.stages)
        self.description = description
        self._component = _component(self, caller_module())
        registry.define(self._component)

    # Running

    def start(self, value: Any = None, *, run_id: str | None = None, tags: dict[str, str] | None = None) -> Run:
        """Begin a durable run with this input and return at once."""
        return self._component.start(value, run_id=run_id, tags=tags)

    def run(self, value: Any = None) -> Awaitable[Any]:
        """Start and wait for the last output. Inside a run: a child run, as `ctx.call(workflow, value)` makes."""
        return self._component.run(value)

    def run_sync(self, value: Any = None, *, timeout: float | None = None) -> Any:
        """Start and block this thread for at most `timeout` seconds; safe inside a running event loop."""
        return self._component.run_sync(value, timeout=timeout)

    # Looking

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in order."""
        return tuple(step for stage in self.stages for step in stage)

    @property
    def graph(self) -> Graph:
        """Its steps as nodes, and edges from each to those that get its output. `str` of it draws it."""
        return graph_of(self.stages)

    def as_tool(self, name: str | None = None, description: str | None = None) -> Tool[..., Any]:
        """This workflow as a tool of an agent: a call is a run of its own. Its parameter is that of the first step."""
        told = description or self.description or f"Run the workflow {self.name!r}."
        return Tool(name=name or tool_name(self.name), function=self, description=told)

    def __str__(self) -> str:
        return f"workflow {self.name}\n{self.graph}"

    def __repr__(self) -> str:
        return f"<workflow {self.name}>"

    # What a run keeps of it

    @property
    def __agnt5_component__(self) -> Component[..., Any]:
        return self._component

    def __agnt5_parts__(self) -> Parts:
        code = [step.fn for step in self.steps]
        return Parts(f"workflow {self.name}", str(self), (*code, *(step.when for step in self.steps)))

    def __agnt5_copy__(self) -> Self:
        copied = copy.copy(self)
        copied._component = _component(copied, self._component.module)
        return copied

    def __agnt5_take__(self, code: tuple[Any, ...]) -> None:
        fns = iter(code)
        whens = iter(code[len(self.steps) :])
        self.stages = tuple(tuple(step.over(next(fns), next(whens)) for step in stage) for stage in self.stages)

    # The body

    async def drive(self, ctx: Context, value: Any) -> Any:
        """One run of it."""
        outputs: dict[str, Any] = {}
        for stage, parallel in zip(self.stages, self._parallel, strict=True):
            given = await together([_run_step(ctx, step, value, outputs) for step in stage])
            kept = {step.name: one for step, one in zip(stage, given, strict=True) if one is not _SKIPPED}
            outputs |= kept
            if parallel:
                value = kept
            elif kept:
                value = given[0]
        return value


async def _run_step(ctx: Context, step: Step, value: Any, outputs: dict[str, Any]) -> Any:
    if not step.wanted(value, outputs):
        await ctx.operation(step.name, "skipped", _skip)
        return _SKIPPED
    args, kwargs = step.arguments(value)
    if step.starts_run:
        return await _tries(ctx, step, args, kwargs)
    return await ctx.call_with(step.fn, args, kwargs, name=step.name, retry_policy=step.retry, timeout=step.timeout)


async def _skip(record: str) -> None:
    """The body of a step that is left out: that it was is noted beside its entry."""
    op = current.get()
    if isinstance(op, Op):
        op.facts = {"skipped": True}


async def _tries(ctx: Context, step: Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A step that is a run of its own: each attempt is another run."""
    policy = step.retry
    tried = 0
    while True:
        try:
            return await _in_time(ctx, step, args, kwargs)
        except RunCancelled:
            raise
        except Exception as error:
            tried += 1
            if policy is None or tried >= policy.max_attempts or not policy.retries(error):
                raise
        delay = retry_delay(
            tried,
            initial_us=policy.initial_us,
            factor=policy.factor,
            max_interval_us=policy.max_interval_us,
            jitter=policy.jitter,
            key=f"{ctx.run_id}/{step.name}".encode(),
        )
        await ctx.sleep(delay / 1e6)


async def _in_time(ctx: Context, step: Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if step.timeout is None:
        return await ctx.call_with(step.fn, args, kwargs, name=step.name)
    limit = asyncio.timeout(step.timeout)
    try:
        async with limit:
            return await ctx.call_with(step.fn, args, kwargs, name=step.name)
    except TimeoutError as error:
        if not limit.expired():
            raise
        what = f"The step {step.name} took longer than its timeout of {step.timeout:g} s. Its run was cancelled."
        raise StepTimeout(what, seconds=step.timeout) from error


def _component(workflow: Workflow, module: str) -> Component[..., Any]:
    async def body(ctx: Any, *values: Any, **named: Any) -> Any:
        given = [*values, *named.values()]
        if len(given) > 1:
            raise TypeError(f"The workflow {workflow.name!r} takes one value, not {len(given)}.")
        return await workflow.drive(ctx, given[0] if given else None)

    body.__name__ = body.__qualname__ = workflow.name
    body.__doc__ = workflow.description or None
    _tell_signature(body, workflow.stages[0])
    made: Component[..., Any] = Component(body, kind=FLOW, name=workflow.name, whole=workflow)
    made.module = module
    return made


def _tell_signature(body: Any, stage: Sequence[Step]) -> None:
    """The body takes what the first step that takes a value takes, by that name and annotation."""
    first = next((step for step in stage if step.parameter is not None), None)
    value = inspect.Parameter("value", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)
    if first is not None and first.parameter is not None:
        value = first.parameter
        body.__wrapped__ = first.body  # where the names of its annotations are known
        if value.annotation is not inspect.Parameter.empty:
            body.__annotations__ = {value.name: value.annotation}
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    body.__signature__ = inspect.Signature([context, value])


def _stages(steps: Any) -> tuple[tuple[Step, ...], ...]:
    if not isinstance(steps, Sequence) or isinstance(steps, str) or not steps:
        raise ConfigurationError(f"A Workflow has a list of at least one Step, not {steps!r}.")
    return tuple((one,) if isinstance(one, Step) else _group(one) for one in steps)  # pyright: ignore


def _group(group: Any) -> tuple[Step, ...]:
    if not isinstance(group, Sequence) or isinstance(group, str):
        raise ConfigurationError(
            f"{group!r} is no step. Write Step(name, function), or a list of steps that run side by side."
        )
    if not group:
        raise ConfigurationError("A list of steps that run side by side is empty.")
    for step in group:  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(step, Step):
            raise ConfigurationError(
                f"{step!r} is no step: a list inside the list holds steps that run side by side. For several steps in "
                f"a row beside others, make a Step of a Workflow of their own."
            )
    return tuple(group)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _refuse_twins(steps: Sequence[Step]) -> None:
    names = [step.name for step in steps]
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise ConfigurationError(
            f"Two steps are called {twins[0]!r}. A step's name is its place in the journal: give each one its own."
        )


def _default_name(stages: Sequence[Sequence[Step]]) -> str:
    name = "-".join("+".join(step.name for step in stage) for stage in stages)
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 9]}-{hashlib.blake2b(name.encode(), digest_size=4).hexdigest()}"
