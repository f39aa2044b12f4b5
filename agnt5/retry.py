"""How often a failed step is tried again, and how long to wait before. Policies are values: they hold no state, know no
clock, and leave the arithmetic of waiting to the core, so that every process computes the same waits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from agnt5.errors import (
    ConfigurationError,
    ContentRefused,
    ContextTooLong,
    DivergenceError,
    FlowIOError,
    FlowSpinError,
    FlowStuckError,
    ObjectReentered,
    OutputInvalid,
    ProviderAuthError,
    QuotaExceeded,
    RequestInvalid,
    RunCancelled,
    RunClosed,
    RunConflict,
    RunNotFound,
    SerializationError,
    TerminalError,
    ToolArgumentError,
)

Classes = tuple[type[BaseException], ...]

# Mistakes in the program: the next attempt would make them again.
PROGRAMMING_ERRORS: Classes = (
    TypeError,
    NameError,
    AttributeError,
    SyntaxError,
    ImportError,
    NotImplementedError,
    AssertionError,
    ConfigurationError,
    SerializationError,
    ProviderAuthError,
    ContextTooLong,
    ContentRefused,
    RequestInvalid,
    OutputInvalid,
    ToolArgumentError,
    ObjectReentered,
    FlowSpinError,
    FlowStuckError,
    QuotaExceeded,
    RunClosed,
    RunConflict,
    RunNotFound,
)

# Never tried again, whatever a policy says: the engine relies on it, or the code asked for it.
ALWAYS_FATAL: Classes = (TerminalError, DivergenceError, FlowIOError, RunCancelled)

_MAX_SECONDS = 366 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """What all policies share. `max_attempts` counts the first try; `retry_on` and `fatal` hold exception classes.

    With the default `retry_on`, mistakes in the program (PROGRAMMING_ERRORS) are not retried; naming such a class, or
    one derived from it, in `retry_on` changes that. `fatal` wins over `retry_on`, and TerminalError over both.
    """

    max_attempts: int
    initial: float
    """Seconds before the second attempt."""
    factor: float
    max_interval: float
    """No wait is longer than this, in seconds."""
    jitter: float
    """Share of a wait, 0 to 1, by which it may be longer or shorter."""
    retry_on: Classes
    fatal: Classes
    reuse: bool = True
    """Whether the next attempt of a function or flow keeps what succeeded before; otherwise it asks all again."""

    def __post_init__(self) -> None:
        _whole(self, "max_attempts", self.max_attempts)
        _within(self, "initial", self.initial, 0.0, _MAX_SECONDS)
        _within(self, "factor", self.factor, 1.0, 1_000.0)
        _within(self, "max_interval", self.max_interval, 0.0, _MAX_SECONDS)
        _within(self, "jitter", self.jitter, 0.0, 1.0)
        # A class or list is what people write; the policy itself stays hashable.
        object.__setattr__(self, "retry_on", _classes(self, "retry_on", self.retry_on))
        object.__setattr__(self, "fatal", _classes(self, "fatal", self.fatal))

    @property
    def initial_us(self) -> int:
        return round(self.initial * 1_000_000)

    @property
    def max_interval_us(self) -> int:
        return round(self.max_interval * 1_000_000)

    def retries(self, exc: BaseException) -> bool:
        """Whether this error may go away by trying again. The number of attempts is the caller's to count."""
        if not isinstance(exc, Exception) or isinstance(exc, (*ALWAYS_FATAL, *self.fatal)):
            return False
        if not isinstance(exc, PROGRAMMING_ERRORS):
            return isinstance(exc, self.retry_on)
        return any(isinstance(exc, cls) and issubclass(cls, PROGRAMMING_ERRORS) for cls in self.retry_on)


@dataclass(frozen=True, slots=True)
class ExponentialBackoff(RetryPolicy):
    """Waits of `initial * factor**n` seconds, at most `max_interval`, each made longer or shorter by `jitter`."""

    max_attempts: int = 5
    initial: float = 0.1
    factor: float = 2.0
    max_interval: float = 60.0
    jitter: float = 0.1
    retry_on: Classes = (Exception,)
    fatal: Classes = ()
    reuse: bool = True


class ConstantBackoff(RetryPolicy):
    """The same wait, `interval` seconds, before every further attempt."""

    __slots__ = ()

    def __init__(
        self,
        max_attempts: int = 5,
        interval: float = 1.0,
        jitter: float = 0.0,
        retry_on: Classes = (Exception,),
        fatal: Classes = (),
        reuse: bool = True,
    ) -> None:
        RetryPolicy.__init__(self, max_attempts, interval, 1.0, interval, jitter, retry_on, fatal, reuse)

    @property
    def interval(self) -> float:
        return self.initial

    def __repr__(self) -> str:
        return (
            f"ConstantBackoff(max_attempts={self.max_attempts}, interval={self.interval}, jitter={self.jitter}, "
            f"retry_on={self.retry_on}, fatal={self.fatal}, reuse={self.reuse})"
        )


class NoRetry(RetryPolicy):
    """One attempt, and what it raises stands."""

    __slots__ = ()

    def __init__(self) -> None:
        RetryPolicy.__init__(self, 1, 0.0, 1.0, 0.0, 0.0, (), ())

    def __repr__(self) -> str:
        return "NoRetry()"


def _whole(policy: RetryPolicy, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1_000_000:
        raise ConfigurationError(
            f"{type(policy).__name__}: {name} must be a whole number from 1 (the first try counts), not {value!r}."
        )


def _within(policy: RetryPolicy, name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (low <= value <= high):
        raise ConfigurationError(
            f"{type(policy).__name__}: {name} must be between {low:g} and {high:g}, not {value!r}."
        )
    assert math.isfinite(value)  # NaN and infinity fail the comparison above


def _classes(policy: RetryPolicy, name: str, value: Any) -> Classes:
    given: list[Any] = [value]
    if isinstance(value, tuple | list | set | frozenset):
        given = list(value)  # pyright: ignore[reportUnknownArgumentType]
    for cls in given:
        if not (isinstance(cls, type) and issubclass(cls, BaseException)):
            raise ConfigurationError(f"{type(policy).__name__}: {name} holds exception classes, not {cls!r}.")
    return tuple(given)


DEFAULT: RetryPolicy = ExponentialBackoff(max_attempts=3)
"""Functions and steps that name no policy."""

NO_RETRY: RetryPolicy = NoRetry()
"""Flows, and whatever runs inside an explicit policy."""


def as_policy(value: Any, default: RetryPolicy = DEFAULT) -> RetryPolicy:
    """A policy from what people write: a policy, a number of attempts in all, or None for `default`."""
    if value is None:
        return default
    if isinstance(value, RetryPolicy):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return NO_RETRY if value == 1 else ExponentialBackoff(max_attempts=value)
    if isinstance(value, type) and issubclass(value, RetryPolicy):
        raise ConfigurationError(f"{value.__name__} is a class: write {value.__name__}().")
    raise ConfigurationError(
        f"{value!r} is no retry policy. Give ExponentialBackoff(...), ConstantBackoff(...), NoRetry(), or a number of "
        f"attempts in all."
    )
