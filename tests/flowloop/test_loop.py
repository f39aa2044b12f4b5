"""What the flow loop promises its driver: order, budgets, timers, and nothing left behind on the thread."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

import pytest

from agnt5.errors import FlowIOError, FlowSpinError
from flowloop.world import START, Ctx, World, record


def test_a_delay_is_a_command_in_whole_microseconds_and_no_delay_is_none() -> None:
    async def flow(ctx: Ctx) -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(-1)
        await asyncio.sleep(1e-9)
        await asyncio.sleep(0.1)
        await asyncio.sleep(86_400 * 365)

    assert record(flow, lambda n: 0).flat == [["timer", 100_000], ["timer", 31_536_000_000_000]]


def test_time_is_the_recorded_time_of_the_last_completion() -> None:
    async def flow(ctx: Ctx) -> list[float]:
        loop = asyncio.get_running_loop()
        before = loop.time()
        await asyncio.sleep(5)
        return [before, loop.time()]

    assert record(flow, lambda n: 0).result == repr([START / 1e6, START / 1e6 + 5])


def test_cancelling_a_timer_is_a_command_until_it_fired() -> None:
    async def flow(ctx: Ctx) -> None:
        loop = asyncio.get_running_loop()
        handle = loop.call_later(1, ctx.log, "never")
        handle.cancel()
        handle.cancel()
        late = loop.call_later(2, ctx.log, "rings")
        await asyncio.sleep(3)
        late.cancel()
        assert late.cancelled()

    story = record(flow, lambda n: 0)
    assert story.flat == [["timer", 1_000_000], ["cancel", 1], ["timer", 2_000_000], ["timer", 3_000_000]]
    assert story.log == [["'rings'"]]


def test_a_timer_without_end_is_no_command_and_nan_is_refused() -> None:
    async def flow(ctx: Ctx) -> str:
        loop = asyncio.get_running_loop()
        loop.call_later(float("inf"), ctx.log, "never").cancel()
        with pytest.raises(ValueError, match="NaN"):
            loop.call_later(float("nan"), ctx.log, "never")
        return "done"

    assert record(flow, lambda n: 0).flat == []


def test_a_completion_for_a_cancelled_timer_wakes_nothing() -> None:
    async def flow(ctx: Ctx) -> None:
        asyncio.get_running_loop().call_later(1, ctx.log, "never").cancel()
        await ctx.ask("a")

    world = World(flow)
    world.drain()
    assert world.loop.fire_timer(1) is False


def test_a_drain_past_the_soft_budget_asks_to_be_called_again() -> None:
    async def flow(ctx: Ctx) -> int:
        for _ in range(35):
            await asyncio.sleep(0)
        return 35

    world = World(flow, soft_callbacks=10)
    world.story.commands.append([])
    assert [world.loop.drain() for _ in range(4)] == [False, False, False, True]
    assert world.finish().result == "35"


def test_a_spinning_flow_fails_and_the_error_names_the_line() -> None:
    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    async def flow(ctx: Ctx) -> None:
        await spin()

    world = World(flow, soft_callbacks=100, hard_callbacks=1000)
    line = spin.__code__.co_firstlineno + 2
    with pytest.raises(FlowSpinError, match=rf"{__file__}:{line} in .*spin") as caught:
        world.drain()
    assert world.loop.poisoned() is caught.value
    assert caught.value.location.startswith(f"{__file__}:{line}")
    world.fence()


def test_a_flow_that_goes_on_asking_never_spins() -> None:
    async def flow(ctx: Ctx) -> str:
        for _ in range(50):
            for _ in range(30):
                await asyncio.sleep(0)
            await ctx.ask("next")
        return "done"

    world = World(flow, soft_callbacks=10, hard_callbacks=100)
    world.drain()
    while not world.ended:
        seq = min(world.open)
        world.open.pop(seq).set_result(None)  # type: ignore[union-attr]
        world.drain()
    assert world.finish().result == "'done'"


def test_a_slow_drain_is_reported_with_its_place() -> None:
    async def flow(ctx: Ctx) -> None:
        await asyncio.sleep(1)

    heard: list[Any] = []
    world = World(flow, slow_seconds=-1.0)
    world.loop.on_slow = lambda seconds, where: heard.append(where)
    world.drain()
    assert heard
    assert f"{__file__}:{flow.__code__.co_firstlineno + 1}" in heard[0]


def test_tasks_and_futures_hash_by_creation_and_names_do_not_depend_on_the_process() -> None:
    async def nothing() -> None:
        return None

    async def flow(ctx: Ctx) -> Any:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        tasks = [asyncio.create_task(nothing()), asyncio.create_task(nothing(), name="mine")]
        return hash(future), [hash(task) for task in tasks], [task.get_name() for task in tasks]

    first, second = record(flow, lambda n: 0), record(flow, lambda n: 0)
    assert first.result == second.result == "(2, [3, 4], ['Task-3', 'mine'])"


def test_eager_tasks_and_factories_are_refused() -> None:
    async def nothing() -> None:
        return None

    async def flow(ctx: Ctx) -> str:
        loop = asyncio.get_running_loop()
        with pytest.raises(RuntimeError, match="start in order, not eagerly"):
            await loop.create_task(nothing(), eager_start=True)  # type: ignore[call-arg]
        with pytest.raises(RuntimeError, match="set_task_factory"):
            loop.set_task_factory(lambda loop, coro: None)  # type: ignore[arg-type,return-value]
        with pytest.raises(RuntimeError, match="driven by its run"):
            loop.run_until_complete(None)  # type: ignore[arg-type]
        coro = nothing()
        with pytest.raises(RuntimeError, match="running event loop"):
            asyncio.run(coro)
        coro.close()
        return "all refused"

    story = record(flow, lambda n: 0)
    assert story.result == "'all refused'"
    assert story.warnings == []


def test_a_drain_leaves_the_host_loop_as_it_was() -> None:
    async def flow(ctx: Ctx) -> None:
        await ctx.ask("a")

    async def host() -> None:
        world, loop = World(flow), asyncio.get_running_loop()
        drained = loop.create_future()

        def drain() -> None:
            world.drain()
            world.deliver(1)
            drained.set_result(asyncio.get_running_loop())

        loop.call_soon(drain)
        assert await drained is loop

        async def numbers() -> Any:
            yield 1

        # Async generators of the host go on to the host's own hooks.
        assert [n async for n in numbers()] == [1]
        world.finish()

    hooks = sys.get_asyncgen_hooks()
    asyncio.run(host())
    assert sys.get_asyncgen_hooks() == hooks


def test_a_flow_loop_cannot_be_drained_inside_another() -> None:
    async def inner(ctx: Ctx) -> None:
        await ctx.ask("a")

    async def flow(ctx: Ctx) -> str:
        world = World(inner)
        with pytest.raises(RuntimeError, match="inside another"):
            world.drain()
        return "refused"

    record(flow, lambda n: 0)


def test_another_thread_cannot_wake_a_flow() -> None:
    async def flow(ctx: Ctx) -> None:
        await ctx.ask("a")

    world = World(flow)
    world.drain()
    caught: list[BaseException] = []

    def wake() -> None:
        for call in (world.loop.call_soon_threadsafe, world.loop.call_soon):
            try:
                call(print)
            except FlowIOError as error:
                caught.append(error)

    thread = threading.Thread(target=wake)
    thread.start()
    thread.join()
    assert len(caught) == 2
    assert world.loop.poisoned() is caught[0]
    world.fence()


def test_a_lock_of_another_run_raises_in_words_of_runs() -> None:
    lock = asyncio.Lock()

    async def hold(ctx: Ctx) -> None:
        async with lock:
            await ctx.ask("held")

    first, second = World(hold), World(hold)
    first.drain()
    second.drain()  # waits, and so makes the lock its own
    third = World(hold)
    third.drain()
    assert third.root.done()
    with pytest.raises(RuntimeError, match="belongs to another run.*Make it inside the flow"):
        third.root.result()
    # Releasing it would wake the second run from inside the first: both learn of it.
    told: list[BaseException] = []
    second.loop.on_poison = told.append
    first.deliver(1)
    assert isinstance(first.loop.poisoned(), FlowIOError)
    assert told == [first.loop.poisoned()]
    for world in (first, second, third):
        world.fence()


def test_asyncio_is_untouched_outside_of_flows() -> None:
    async def main() -> Any:
        async def value(n: int) -> int:
            await asyncio.sleep(0)
            return n

        found = sorted([await one for one in asyncio.as_completed([value(1), value(2)], timeout=5)])
        found.append(await asyncio.wait_for(value(3), 5))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.sleep(60), 0.001)
        both = asyncio.gather(value(4), value(5))
        return found, await both, hash(both) == object.__hash__(both), len(asyncio.all_tasks())

    World(_nothing).fence()  # installs what there is to install
    assert asyncio.run(main()) == ([1, 2, 3], [4, 5], True, 1)
    assert asyncio.iscoroutinefunction(asyncio.wait_for)


async def _nothing(ctx: Ctx) -> None:
    await ctx.ask("nothing")


def test_a_set_of_coroutines_has_no_order_to_replay() -> None:
    async def one() -> None:
        return None

    async def flow(ctx: Ctx) -> str:
        coros = {one(), one()}
        with pytest.raises(TypeError, match="pass a list"):
            asyncio.as_completed(coros)
        for coro in coros:
            coro.close()
        return "refused"

    assert record(flow, lambda n: 0).result == "'refused'"
