"""What `ctx.call` was given, worked out once per callable: kind of command, name, policy, how the body runs.

A flow calls the same few targets thousands of times, so the answers are kept. A target must stay immutable; options
of a single call make a copy.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from agnt5 import _core
from agnt5.codec import register_annotations
from agnt5.component import FLOW, FUNCTION, Component, component_of, is_async, wants_context
from agnt5.errors import ConfigurationError
from agnt5.retry import DEFAULT, NO_RETRY, RetryPolicy, as_policy

STEP = _core.COMMAND_STEP
CALL = _core.COMMAND_CALL
CHILD = _core.COMMAND_CHILD

_KEPT = 4096
_known: dict[Any, Target] = {}


class Target:
    """A body to run (STEP, CALL) or a run to start (CHILD).

    `policy` None: `default`, unless an explicit policy encloses the call. `code` None: the fingerprint of the body.
    """

    __slots__ = (
        "at_most_once",
        "code",
        "component",
        "default",
        "fn",
        "is_async",
        "kind",
        "name",
        "policy",
        "timeout",
        "wants_context",
    )

    def __init__(
        self,
        kind: int,
        name: str,
        fn: Callable[..., Any],
        *,
        is_async: bool,
        wants_context: bool,
        policy: RetryPolicy | None = None,
        timeout: float | None = None,
        at_most_once: bool = False,
        component: Component[..., Any] | None = None,
        default: RetryPolicy = DEFAULT,
        code: bytes | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.fn = fn
        self.is_async = is_async
        self.wants_context = wants_context
        self.policy = policy
        self.timeout = timeout
        self.at_most_once = at_most_once
        self.component = component
        self.default = default
        self.code = code

    def with_options(
        self, name: str | None, policy: RetryPolicy | int | None, timeout: float | None, at_most_once: bool | None
    ) -> Target:
        if self.kind == CHILD and (policy is not None or timeout is not None or at_most_once is not None):
            raise ConfigurationError(
                f"{self.name!r} becomes a run of its own, with the retries and time limit of its definition. To give "
                f"it up earlier, put the call in `async with asyncio.timeout(...)`."
            )
        return Target(
            self.kind,
            self.name if name is None else name,
            self.fn,
            is_async=self.is_async,
            wants_context=self.wants_context,
            policy=self.policy if policy is None else as_policy(policy),
            timeout=self.timeout if timeout is None else timeout,
            at_most_once=self.at_most_once if at_most_once is None else at_most_once,
            component=self.component,
            default=self.default,
            code=self.code,
        )

    def effective_policy(self, enclosed: bool) -> RetryPolicy:
        """`enclosed`: an explicit policy stands around this call, so the default here is not to multiply attempts."""
        if self.policy is not None:
            return self.policy
        return NO_RETRY if enclosed or self.at_most_once else self.default


def target_of(found: Any) -> Target:
    """The target behind a callable or component. ConfigurationError for anything else."""
    try:
        target = _known.get(found)
    except TypeError:  # not hashable: worked out each time
        return _resolve(found)
    if target is None:
        target = _resolve(found)
        if target.component is not None and isinstance(target.fn, functools.partial):
            return target  # cheap to work out again, and what it binds (a server's connection) must not be kept alive
        if len(_known) >= _KEPT:
            _known.clear()
        _known[found] = target
    return target


def of_component(component: Component[..., Any]) -> Target:
    """The body of a component, to run inside a run (or as the run itself)."""
    return Target(
        CALL if component.kind != FLOW else CHILD,
        component.name,
        component.fn,
        is_async=component.is_async,
        wants_context=component.wants_context,
        policy=component.retry_policy,
        timeout=component.timeout,
        at_most_once=component.at_most_once,
        component=component,
    )


def _resolve(found: Any) -> Target:
    component = component_of(found)
    if component is not None:
        if component.kind not in (FUNCTION, FLOW):
            raise ConfigurationError(
                f"{component.name} is a method of a durable object: `proxy = await ctx.get_object(...)`, then call it."
            )
        return of_component(component)
    if isinstance(found, type) and "__agnt5_object__" in found.__dict__:
        raise ConfigurationError(
            f"{found.__name__} is a durable object: `proxy = await ctx.get_object({found.__name__}, key)`, then call "
            f"its methods."
        )
    if not callable(found):
        raise ConfigurationError(f"ctx.call needs a callable, a component or its name, not {found!r}.")
    register_annotations(found)
    asks = wants_context(found)
    return Target(
        # A plain callable that takes the context may ask operations of its own, which only a CALL has room for.
        CALL if asks else STEP,
        _name(found),
        found,
        is_async=is_async(found),
        wants_context=asks,
    )


def _name(found: Any) -> str:
    while isinstance(found, functools.partial):
        found = found.func
    return getattr(found, "__name__", None) or type(found).__name__
