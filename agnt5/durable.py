"""The decorators that make components: `@function`, `@flow` and `@object`.

A function may do I/O and is retried; a flow only orchestrates, through its context; an object keeps its attributes per
key. `object` shadows a builtin on purpose and is in no `__all__`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

from agnt5 import registry
from agnt5.codec import register_annotations
from agnt5.component import FLOW, FUNCTION, Component, ObjectType
from agnt5.errors import ConfigurationError
from agnt5.retry import ConstantBackoff, ExponentialBackoff, NoRetry, RetryPolicy, as_policy

__all__ = ["ConstantBackoff", "ExponentialBackoff", "NoRetry", "flow", "function"]

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)

EFFECTS = ("at_least_once", "at_most_once")


@overload
def function(fn: Callable[P, R], /) -> Component[P, R]: ...
@overload
def function(
    *,
    name: str | None = None,
    retry_policy: RetryPolicy | int | None = None,
    timeout: float | None = None,
    effect: str = "at_least_once",
    trace: bool = False,
) -> Callable[[Callable[P, R]], Component[P, R]]: ...
def function(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    retry_policy: RetryPolicy | int | None = None,
    timeout: float | None = None,
    effect: str = "at_least_once",
    trace: bool = False,
) -> Any:
    """A body, async or sync, that may do I/O. Its `ctx` operations are recorded; a failed attempt is tried again.

    `retry_policy`: a policy or the number of attempts; default: 3 attempts, none for programming errors. `timeout`:
    seconds for one attempt, durable waits not counted. `effect="at_most_once"`: after a crash in the body the run
    pauses and asks instead of running it again. `trace` tells on the logger "agnt5.trace", level DEBUG, when each
    attempt begins and ends, what it asks and how long the answers took; with the extra `telemetry`, its calls are
    spans, too.
    """

    def make(body: Callable[..., Any]) -> Component[..., Any]:
        component = _component(body, FUNCTION, name, retry_policy, timeout, at_most_once(effect), trace)
        registry.define(component)
        return component

    return make if fn is None else make(fn)


@overload
def flow(fn: Callable[P, R], /) -> Component[P, R]: ...
@overload
def flow(
    *, name: str | None = None, retry_policy: RetryPolicy | int | None = None, timeout: float | None = None
) -> Callable[[Callable[P, R]], Component[P, R]]: ...
def flow(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    retry_policy: RetryPolicy | int | None = None,
    timeout: float | None = None,
) -> Any:
    """Deterministic orchestration: an `async def` that reaches the world only through its context.

    `retry_policy`: default none; with one, the body starts again after a failure and recorded successes answer at
    once. `timeout`: seconds of recorded time for the whole run, then StepTimeout.
    """

    def make(body: Callable[..., Any]) -> Component[..., Any]:
        component = _component(body, FLOW, name, retry_policy, timeout)
        if not component.is_async:
            raise ConfigurationError(
                f"The flow {component.name!r} is a plain `def`. A flow waits for what it asks: write `async def`, or "
                f"make it a @function."
            )
        registry.define(component)
        return component

    return make if fn is None else make(fn)


@overload
def object(cls: C, /) -> C: ...
@overload
def object(*, name: str | None = None) -> Callable[[C], C]: ...
def object(cls: Any = None, /, *, name: str | None = None) -> Any:
    """A class whose attributes persist per key and whose public methods run one at a time per key.

    The class stays an ordinary class. `await ctx.get_object(Class, key)` and `agnt5.get_object(Class, key)` reach it.
    """

    def make(found: type) -> type:
        if not isinstance(found, type):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(f"@object decorates a class, not {found!r}.")
        kind = ObjectType(found, name or found.__name__)
        for method in kind.methods.values():
            register_annotations(method.fn)
        setattr(found, "__agnt5_object__", kind)  # noqa: B010
        registry.define_object(kind)
        return found

    return make if cls is None else make(cls)


def at_most_once(effect: str | None) -> bool:
    if effect is not None and effect not in EFFECTS:
        raise ConfigurationError(f"effect must be one of {', '.join(map(repr, EFFECTS))}, not {effect!r}.")
    return effect == "at_most_once"


def _component(
    body: Callable[..., Any],
    kind: int,
    name: str | None,
    retry_policy: RetryPolicy | int | None,
    timeout: float | None,
    once: bool = False,
    trace: bool = False,
) -> Component[..., Any]:
    if isinstance(body, Component):
        body = body.fn
    if not callable(body):
        raise ConfigurationError(f"@function and @flow decorate a function, not {body!r}.")
    if timeout is not None and not timeout > 0:
        raise ConfigurationError(f"timeout is in seconds and above 0, not {timeout!r}.")
    register_annotations(body)
    policy = None if retry_policy is None else as_policy(retry_policy)
    return Component(
        body,
        kind=kind,
        name=name or getattr(body, "__name__", type(body).__name__),
        retry_policy=policy,
        timeout=timeout,
        at_most_once=once,
        trace=trace,
    )
