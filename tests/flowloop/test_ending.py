"""The two ends of a loop: `shutdown` unwinds and tells, `teardown` unwinds and is silent. Neither leaves work to the
collector."""

# ruff: noqa: RUF006 -- that nobody keeps a task is what some of these are about

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agnt5.errors import RunClosed
from flowloop.corpus import CORPUS
from flowloop.world import Ctx, Flow, World, record


def drained(flow: Flow, completions: int = 0, **budgets: Any) -> World:
    world = World(flow, **budgets)
    world.drain()
    for _ in range(completions):
        if world.ended or not world.open:
            break
        world.deliver(min(world.open))
    return world


@pytest.fixture(autouse=True)
def _silence(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Any:
    """Nothing here may print, log or warn, now or when the collector comes by."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield
        gc.collect()
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    assert caplog.records == []
    assert [str(one.message) for one in warned] == []


# shutdown


def test_what_is_left_running_is_cancelled_in_creation_order_and_asks_nothing() -> None:
    order: list[str] = []

    async def lingering(name: str) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            order.append(name)

    async def flow(ctx: Ctx) -> None:
        for name in "abc":
            asyncio.create_task(lingering(name))
        await ctx.ask("main")

    world = drained(flow)
    world.deliver(1)
    before = len(world.story.flat)
    assert world.finish().warnings == []
    assert order == ["a", "b", "c"]
    assert len(world.story.flat) == before


def test_a_command_after_the_end_raises_run_closed() -> None:
    caught: list[BaseException] = []

    async def lingering() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            try:
                await asyncio.sleep(5)
            except RunClosed as error:
                caught.append(error)

    async def flow(ctx: Ctx) -> None:
        asyncio.create_task(lingering())
        await ctx.ask("main")

    drained(flow, 1).finish()
    assert len(caught) == 1


def test_errors_nobody_looked_at_and_awaits_nobody_wrote_become_warnings() -> None:
    async def fail() -> None:
        raise KeyError("lost")

    async def flow(ctx: Ctx) -> str:
        asyncio.create_task(fail(), name="the failing one")
        ctx.ask("forgotten")
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await ctx.ask("main")
        return "fine"

    story = record(flow, lambda n: 0)
    forgotten = [one for one in story.warnings if "never awaited" in one]
    assert len(forgotten) == 1
    assert "Ctx.ask" in forgotten[0]
    assert f"{__file__}:{flow.__code__.co_firstlineno + 2}" in forgotten[0]
    assert any("the failing one" in one and "KeyError: 'lost'" in one for one in story.warnings)
    assert any("ZeroDivisionError" in one for one in story.warnings)
    assert len(story.warnings) == 3


def test_warnings_are_counted_not_kept_beyond_fifty() -> None:
    async def flow(ctx: Ctx) -> None:
        for _ in range(200):
            ctx.ask("forgotten")
        await ctx.ask("main")

    assert len(record(flow, lambda n: 0).warnings) == 51


def test_abandoned_generators_are_closed_at_the_end_in_order() -> None:
    closed: list[str] = []

    async def numbers(name: str) -> AsyncIterator[int]:
        try:
            for n in range(10):
                yield n
        finally:
            closed.append(name)

    async def flow(ctx: Ctx) -> list[str]:
        for name in "abc":
            async for _ in numbers(name):
                break
        gc.collect()
        await ctx.ask("main")
        return list(closed)

    story = record(flow, lambda n: 0)
    assert story.result == "[]"
    assert closed == ["a", "b", "c"]


def test_many_short_generators_are_not_kept() -> None:
    async def one() -> AsyncIterator[int]:
        yield 1

    async def flow(ctx: Ctx) -> int:
        for _ in range(1000):
            async for _ in one():
                pass
        loop: Any = asyncio.get_running_loop()
        await ctx.ask("main")
        return len(loop.asyncgens._held) < 200

    assert record(flow, lambda n: 0).result == "True"


def test_ended_tasks_are_not_kept() -> None:
    async def flow(ctx: Ctx) -> bool:
        for _ in range(1000):
            await asyncio.create_task(asyncio.sleep(0))
        loop: Any = asyncio.get_running_loop()
        return len(loop._tasks) < 200

    assert record(flow, lambda n: 0).result == "True"


# teardown


@pytest.mark.parametrize("name", CORPUS)
@settings(max_examples=10)
@given(completions=st.integers(0, 25))
def test_any_flow_is_torn_down_anywhere_in_silence(name: str, completions: int) -> None:
    """No command, nothing printed, nothing refusing, nothing left for the collector."""
    world = drained(CORPUS[name], completions)
    before = len(world.story.flat)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert world.fence() == []
    assert len(world.story.flat) == before
    assert world.loop.is_closed()


def test_user_code_cannot_ask_anything_while_it_unwinds() -> None:
    seen: list[str] = []

    async def flow(ctx: Ctx) -> None:
        try:
            await ctx.ask("a")
        finally:
            for ask in (lambda: ctx.ask("clean up"), lambda: asyncio.sleep(1)):
                try:
                    await ask()
                except Exception:
                    seen.append("swallowed")
                except BaseException as error:
                    seen.append(type(error).__name__)

    world = drained(flow)
    assert world.fence() == []
    assert seen == ["Fence", "Fence"]
    assert world.story.flat == [["ask", "a"]]


def test_a_loop_that_swallows_everything_is_parked_kept_and_reported() -> None:
    tries: list[int] = []

    async def stubborn(ctx: Ctx) -> None:
        while True:
            try:
                await asyncio.sleep(1)
            except BaseException:
                tries.append(1)

    world = drained(stubborn)
    refused = world.fence()
    assert len(refused) == 1
    assert f"{__file__}:{stubborn.__code__.co_firstlineno + 3}" in refused[0]
    assert len(tries) < 1000
    before = len(tries)
    del world
    gc.collect()
    assert len(tries) == before, "the collector ran the user's code"


def test_a_task_that_spins_through_cancellation_is_reported() -> None:
    async def stubborn(ctx: Ctx) -> None:
        await ctx.ask("a")

    async def spin(ctx: Ctx) -> None:
        while True:
            try:
                await asyncio.sleep(0)
                await ctx.ask("a")
            except BaseException:
                continue

    world = drained(spin)
    assert len(world.fence()) == 1
    assert drained(stubborn).fence() == []


def test_operations_of_a_poisoned_run_can_park_their_caller() -> None:
    async def flow(ctx: Ctx) -> None:
        loop: Any = asyncio.get_running_loop()
        while True:
            try:
                await loop.refuse()
            except BaseException:
                continue

    world = drained(flow)
    assert not world.root.done()
    assert len(world.fence()) == 1


def test_a_generator_that_will_not_close_is_reported() -> None:
    async def stubborn() -> AsyncIterator[int]:
        while True:
            try:
                yield 1
            except GeneratorExit:
                continue

    async def flow(ctx: Ctx) -> None:
        agen = stubborn()
        await agen.__anext__()
        await ctx.ask("a")

    refused = drained(flow).fence()
    assert len(refused) == 1
    assert "stubborn" in refused[0]


def test_tearing_down_before_the_first_drain_runs_nothing() -> None:
    ran: list[int] = []

    async def flow(ctx: Ctx) -> None:
        ran.append(1)

    assert World(flow).fence() == []
    assert ran == []


def test_tearing_down_twice_or_after_the_end_does_nothing() -> None:
    async def flow(ctx: Ctx) -> None:
        await ctx.ask("a")

    world = drained(flow, 1)
    world.finish()
    assert world.fence() == []
    assert world.fence() == []


def test_forgotten_coroutines_in_frames_and_tracebacks_warn_nobody() -> None:
    async def never() -> None:
        return None

    async def failing() -> None:
        forgotten = never()
        raise ValueError(f"{forgotten!r}"[:0])

    async def flow(ctx: Ctx) -> None:
        kept = never()
        asyncio.create_task(failing())
        await ctx.ask("a")
        del kept

    world = drained(flow)
    world.fence()
    del world
    gc.collect()
