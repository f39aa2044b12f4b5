"""Policies: what is tried again, what never is, and what is no policy."""

from __future__ import annotations

import pickle
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from agnt5 import errors
from agnt5.errors import ConfigurationError
from agnt5.retry import DEFAULT, NO_RETRY, ConstantBackoff, ExponentialBackoff, NoRetry, RetryPolicy, as_policy


def test_the_defaults_are_those_of_the_documentation() -> None:
    policy = ExponentialBackoff()
    assert (policy.max_attempts, policy.initial, policy.factor, policy.max_interval, policy.jitter) == (
        5,
        0.1,
        2.0,
        60.0,
        0.1,
    )
    assert (policy.retry_on, policy.fatal) == ((Exception,), ())
    assert DEFAULT.max_attempts == 3
    assert NO_RETRY.max_attempts == 1


def test_the_numbers_the_core_wants() -> None:
    policy = ExponentialBackoff(initial=0.25, max_interval=2)
    assert (policy.initial_us, policy.factor, policy.max_interval_us, policy.jitter) == (250_000, 2.0, 2_000_000, 0.1)
    constant = ConstantBackoff(interval=1.5)
    assert (constant.initial_us, constant.factor, constant.max_interval_us, constant.jitter) == (
        1_500_000,
        1.0,
        1_500_000,
        0.0,
    )


@pytest.mark.parametrize(
    "exc", [ValueError(), OSError(), RuntimeError(), errors.RateLimited(), errors.StepTimeout(), KeyError()]
)
def test_what_may_go_away_is_tried_again(exc: Exception) -> None:
    assert DEFAULT.retries(exc)


@pytest.mark.parametrize(
    "exc",
    [
        TypeError(),
        NameError(),
        AttributeError(),
        ImportError(),
        NotImplementedError(),
        AssertionError(),
        errors.DivergenceError(),
        errors.SerializationError(),
        errors.ConfigurationError(),
        errors.TerminalError(),
        errors.FlowIOError(),
        errors.ProviderAuthError(),
        KeyboardInterrupt(),
        SystemExit(),
    ],
    ids=lambda exc: type(exc).__name__,
)
def test_mistakes_are_not(exc: BaseException) -> None:
    assert not DEFAULT.retries(exc)


def test_naming_a_mistake_changes_that() -> None:
    policy = ExponentialBackoff(retry_on=(TypeError,))
    assert policy.retries(TypeError())
    assert policy.retries(errors.SerializationError())  # a TypeError, and named as such
    assert not policy.retries(ValueError())
    assert not ExponentialBackoff(retry_on=(Exception, OSError)).retries(TypeError())


def test_fatal_wins_over_retry_on_and_terminal_over_all() -> None:
    policy = ExponentialBackoff(retry_on=(OSError, errors.TerminalError), fatal=(FileNotFoundError,))
    assert policy.retries(OSError())
    assert not policy.retries(FileNotFoundError())
    assert not policy.retries(errors.TerminalError())
    assert not NO_RETRY.retries(OSError())


def test_one_class_may_be_given_alone() -> None:
    policy = ExponentialBackoff(retry_on=OSError, fatal=[KeyError])  # type: ignore[arg-type]
    assert (policy.retry_on, policy.fatal) == ((OSError,), (KeyError,))


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_attempts": 0},
        {"max_attempts": True},
        {"max_attempts": 2.5},
        {"initial": -1},
        {"initial": float("nan")},
        {"max_interval": float("inf")},
        {"factor": 0.5},
        {"jitter": 1.5},
        {"jitter": "much"},
        {"retry_on": ("ValueError",)},
        {"retry_on": (int,)},
        {"fatal": (ValueError(),)},
    ],
    ids=str,
)
def test_nonsense_is_refused_by_name(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"ExponentialBackoff: {next(iter(arguments))}"):
        ExponentialBackoff(**arguments)


def test_what_people_write_becomes_a_policy() -> None:
    policy = ConstantBackoff(2)
    assert as_policy(policy) is policy
    assert as_policy(None) is DEFAULT
    assert as_policy(None, NO_RETRY) is NO_RETRY
    assert as_policy(1) == NoRetry()
    assert as_policy(3).max_attempts == 3
    for wrong in (True, "3", 2.0, [], 0, -1):
        with pytest.raises(ConfigurationError):
            as_policy(wrong)
    with pytest.raises(ConfigurationError, match=r"write NoRetry\(\)"):
        as_policy(NoRetry)


@given(st.integers(1, 100), st.floats(0, 1000), st.floats(1, 10), st.floats(0, 1000), st.floats(0, 1))
def test_policies_are_values(attempts: int, initial: float, factor: float, longest: float, jitter: float) -> None:
    policy: RetryPolicy = ExponentialBackoff(attempts, initial, factor, longest, jitter)
    assert policy == ExponentialBackoff(attempts, initial, factor, longest, jitter)
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert hash(policy) == hash(pickle.loads(pickle.dumps(policy)))
    assert policy.initial_us >= 0
    with pytest.raises(AttributeError):
        policy.max_attempts = 9  # type: ignore[misc]


def test_policies_print_themselves() -> None:
    assert repr(NoRetry()) == "NoRetry()"
    assert repr(ConstantBackoff(2)).startswith("ConstantBackoff(max_attempts=2, interval=1.0")
    assert repr(ExponentialBackoff(2)).startswith("ExponentialBackoff(max_attempts=2, initial=0.1")
