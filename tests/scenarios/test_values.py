"""Values that recording finds hard, through real flows: exact on the other side, or refused with the path to them."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import agnt5
from agnt5 import Context, flow
from agnt5.durable import object
from agnt5.runtime import close_runtime
from scenarios.processes import lines, play


def same(value: Any) -> Any:
    return value


@flow
async def carries(ctx: Context, value: Any) -> Any:
    """Through an input, an argument, a result, state, an object and an event."""
    found = await ctx.call(same, value)
    await ctx.state.set("kept", found)
    keeper = await ctx.get_object(Keeper, ctx.run_id)
    await keeper.keep(await ctx.state.get("kept"))
    await ctx.send_event(f"for {ctx.run_id}", await keeper.give())
    return await ctx.wait_for_event(f"for {ctx.run_id}")


@object
class Keeper:
    def __init__(self) -> None:
        self.kept: Any = None

    def keep(self, value: Any) -> None:
        self.kept = value

    def give(self) -> Any:
        return self.kept


EXACT: dict[str, Any] = {
    "huge int": 1 << 4000,
    "negative huge int": -(10**30),
    "infinities": [math.inf, -math.inf, -0.0],
    "lone surrogate": "a\udc80b",
    "naive datetime": datetime(2024, 2, 29, 12, 30, 1, 5),
    "fold": datetime(2024, 10, 27, 2, 30, fold=1),
    "aware datetime": datetime(2024, 2, 29, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    "utc": datetime.now(UTC),
    "keys that are no strings": {1: "a", (2, 3): "b", None: "c"},
    "tuples and sets": ((1,), {1, 2}, frozenset({"a"})),
    "bytes": b"\x00\xff" * 10,
    "nested": None,
}
EXACT["nested"] = []
for _ in range(60):
    EXACT["nested"] = [EXACT["nested"], {"deep": ()}]


@pytest.mark.parametrize("value", EXACT.values(), ids=EXACT.keys())
async def test_a_value_arrives_as_it_was(value: Any) -> None:
    found = await carries.run(value)
    assert found == value
    assert repr(found) == repr(value)


async def test_a_nan_arrives() -> None:
    found = await carries.run([math.nan])
    assert math.isnan(found[0])


async def test_a_hundred_megabytes_arrive() -> None:
    size = 100_000_000

    def makes() -> bytes:
        return b"\x07" * size

    @flow
    async def big(ctx: Context) -> list[int]:
        found = await ctx.call(makes)
        return [len(found), found[0], await ctx.call(len, found)]

    assert await big.run() == [size, 7, size]


async def test_what_is_beyond_the_limit_is_refused_before_it_runs() -> None:
    agnt5.configure(max_payload=100_000)
    ran: list[int] = []

    def takes(data: bytes) -> None:
        ran.append(len(data))

    @flow
    async def passes(ctx: Context) -> str:
        try:
            await ctx.call(takes, bytes(200_000))
        except agnt5.SerializationError as error:
            return str(error)
        return "taken"

    try:
        assert "100000" in await passes.run()
        assert ran == []
        with pytest.raises(agnt5.SerializationError, match="100000"):
            carries.start(bytes(200_000))
    finally:
        close_runtime()
        agnt5.configure(max_payload=None)


def cyclic() -> list[Any]:
    found: list[Any] = [1]
    found.append(found)
    return found


def deep() -> list[Any]:
    found: list[Any] = []
    for _ in range(100_000):
        found = [found]
    return found


HOPELESS: dict[str, Callable[[], Any]] = {
    "lock": lambda: {"items": [1, threading.Lock()]},
    "cycle": cyclic,
    "too deep": deep,
    "generator": lambda: {"items": [1, (n for n in range(3))]},
    "module": lambda: {"items": [1, sys]},
}


@pytest.mark.parametrize("make", HOPELESS.values(), ids=HOPELESS.keys())
async def test_what_cannot_be_recorded_is_refused_where_it_is_given(make: Callable[[], Any]) -> None:
    @flow
    async def gives(ctx: Context) -> list[str]:
        found: list[str] = []
        for give in (lambda: ctx.call(same, make()), lambda: ctx.state.set("a", make())):
            try:
                await give()
            except agnt5.SerializationError as error:
                found.append(error.path)
        return found

    with pytest.raises(agnt5.SerializationError):
        carries.start(make())
    with pytest.raises(agnt5.SerializationError):
        agnt5.send_event("x", make())
    paths = await gives.run()
    assert len(paths) == 2
    assert all(paths)


@pytest.mark.parametrize("make", HOPELESS.values(), ids=HOPELESS.keys())
async def test_a_result_that_cannot_be_recorded_is_never_made_twice(make: Callable[[], Any]) -> None:
    ran: list[int] = []

    def makes() -> Any:
        ran.append(1)
        return make()

    @flow
    async def asks(ctx: Context) -> Any:
        return await ctx.call(makes)

    run = asks.start()
    with pytest.raises(agnt5.RunPaused, match="unrecordable.*makes"):
        await run
    close_runtime()
    assert run.status == "paused"
    assert run.resume(values={"makes": "by hand"})
    assert await run == "by hand"
    assert ran == [1]


async def test_a_flow_whose_own_result_cannot_be_recorded_fails_and_says_so() -> None:
    @flow
    async def gives(ctx: Context) -> Any:
        return {"items": [threading.Lock()]}

    with pytest.raises(agnt5.RunFailed, match=r"SerializationError.*items\[0\]"):
        await gives.run()


async def test_an_objects_state_that_cannot_be_recorded_changes_nothing() -> None:
    keeper = agnt5.get_object(Keeper, "k")
    await keeper.keep(1)

    @object(name="Keeper")
    class Careless(Keeper):
        def keep(self, value: Any) -> None:
            self.kept = threading.Lock()

    with pytest.raises(agnt5.RunFailed, match="SerializationError.*kept"):
        await agnt5.get_object(Careless, "k").keep(2)
    assert await agnt5.get_object(Keeper, "k").give() == 1


class Unpicklable(Exception):
    """Its constructor takes what `args` does not hold, and it holds what nobody can record."""

    def __init__(self, code: int, *, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.lock = threading.Lock()


async def test_an_exception_that_does_not_pickle_keeps_its_type() -> None:
    def fails() -> None:
        raise Unpicklable(7, reason="it does")

    @flow
    async def catches_unpicklable(ctx: Context) -> list[Any]:
        try:
            await ctx.call(fails, retry_policy=1)
        except Unpicklable as error:
            found = [str(error), error.code]
            try:
                _ = error.lock
            except AttributeError as missing:
                found.append("lock" in str(missing))
            return found
        return []

    assert await catches_unpicklable.run() == ["7: it does", 7, True]


def test_a_class_that_changed_since_is_read_or_shown_as_it_lies(tmp_path: Path) -> None:
    head = "        from dataclasses import dataclass\n"
    make = """
        def make():
            return Order("tea")
        """
    job = """
        @flow
        async def job(ctx: Context):
            order = await ctx.call(make)
            await ctx.wait_for_event("go")
            return [type(order).__name__, vars(order)]
        """
    before = """
        @dataclass
        class Order:
            item: str
        """
    with_default = """
        @dataclass
        class Order:
            item: str
            count: int = 1
        """
    without = """
        @dataclass
        class Order:
            name: str
        """
    begin = """
        run = job.start(run_id="j1")
        while run.status != "waiting": time.sleep(0.01)
        """
    go_on = """
        agnt5.send_event("go", run="j1")
        run = agnt5.get_run("j1")
        try:
            print(run.result(20))
        except agnt5.AGNT5Error as error:
            print(type(error).__name__, run.status, "Order" in str(error))
        print("tea" in repr(run.journal[0].output))
        """
    for changed, outcome in [
        (with_default, "['Order', {'item': 'tea', 'count': 1}]"),
        (without, None),
    ]:
        home = tmp_path / str(outcome is None)
        home.mkdir()
        assert lines(play(home, head + before + make + job + begin)) == []
        said = lines(play(home, head + changed + make + job + go_on))
        assert said[-1] == "True"
        if outcome is not None:
            assert said[0] == outcome
        else:
            assert said[0].endswith("True"), said
