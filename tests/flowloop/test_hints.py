"""Hints for a divergence: what in a flow's code may differ between the run and its replay."""

from __future__ import annotations

import datetime as dt
import os
import random
import time
import uuid
from datetime import datetime
from random import choice
from time import time as clock
from typing import Any

import pytest

from agnt5.execution.hints import hint, impurities


def _clock() -> Any:
    return time.time()


def _renamed_clock() -> Any:
    return clock()


def _datetime() -> Any:
    return datetime.now()


def _module_datetime() -> Any:
    return dt.datetime.utcnow()


def _random() -> Any:
    return random.random()


def _choice() -> Any:
    return choice([1, 2])


def _uuid() -> Any:
    return uuid.uuid4()


def _urandom() -> Any:
    return os.urandom(8)


def _local_import() -> Any:
    from secrets import token_hex as token

    return token()


def _environment() -> Any:
    return os.environ["HOME"]


def _inner() -> Any:
    def helper() -> float:
        return time.monotonic()

    return helper()


@pytest.mark.parametrize(
    ("code", "what", "instead"),
    [
        (_clock, "`time.time`", "ctx.now()"),
        (_renamed_clock, "`time.time`", "ctx.now()"),
        (_datetime, "`datetime.datetime.now`", "ctx.now()"),
        (_module_datetime, "`datetime.datetime.utcnow`", "ctx.now()"),
        (_random, "`random.random`", "ctx.random"),
        (_choice, "`random.choice`", "ctx.random"),
        (_uuid, "`uuid.uuid4`", "ctx.uuid()"),
        (_urandom, "`os.urandom`", "ctx.random"),
        (_local_import, "`secrets.token_hex`", "ctx.random"),
        (_environment, "`os.environ`", "ctx.call"),
        (_inner, "`time.monotonic`", "ctx.now()"),
    ],
)
def test_clocks_and_randomness_are_found_under_any_name(code: Any, what: str, instead: str) -> None:
    (found,) = impurities(code)
    assert found.what == what
    assert instead in found.instead
    assert found.line > code.__code__.co_firstlineno
    assert what in hint(code)


def _literal() -> Any:
    for one in {"a", "b"}:
        print(one)


def _variable(names: list[str]) -> Any:
    unique = set(names)
    return [name.upper() for name in unique]


def _built(a: int, b: int) -> Any:
    both = {a, b}
    return [*both]


def _popped(a: int) -> Any:
    left = {a, 2}
    return left.pop()


TOPICS = {"a", "b"}


def _global() -> Any:
    return [topic.upper() for topic in TOPICS]


@pytest.mark.parametrize("code", [_literal, _variable, _built, _popped, _global])
def test_iterating_over_a_set_is_found(code: Any) -> None:
    (found,) = impurities(code)
    assert "set" in found.what
    assert "sorted" in found.instead


def test_clean_code_gets_no_hint() -> None:
    async def flow(ctx: Any, names: list[str]) -> Any:
        unique = set(names)
        seen = [await ctx.call(len, name) for name in sorted(unique)]
        time_of_day = ctx.now()
        kept = "a" in TOPICS and sorted(TOPICS)
        return seen, time_of_day, kept, "a" in unique, len(unique), ctx.random.random()

    assert impurities(flow) == []
    assert hint(flow) == ""


def test_components_are_looked_into_and_the_rest_is_left_alone() -> None:
    class Component:
        fn = staticmethod(_clock)

    assert "time.time" in hint(Component())
    assert hint(len) == hint(3) == hint(None) == ""
