"""Recorded for real and then replayed, forked and rerun: one flow per way to use the engine.

Every body notes itself in `executed`, so that a law can tell that nothing ran. Bodies give the same value whenever they
run; how long they take decides in which order they answer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import agnt5
from agnt5 import ConstantBackoff, Context, NoRetry, Run, flow, function
from agnt5.durable import object as durable_object

executed: list[str] = []
# A method of a builtin: a list that the bodies read would be another value after each of them.
count = executed.append


class Played(NamedTuple):
    """A flow, what it is started with, and what happens to it from outside."""

    component: Any
    args: tuple[Any, ...] = ()
    during: Callable[[Run], Awaitable[None]] | None = None


CORPUS: dict[str, Played] = {}


def played(*args: Any, during: Callable[[Run], Awaitable[None]] | None = None) -> Callable[[Any], Any]:
    def keep(component: Any) -> Any:
        CORPUS[component.name] = Played(component, args, during)
        return component

    return keep


# Bodies


async def fetch(name: str, milliseconds: float = 0) -> str:
    count("fetch")
    if milliseconds:
        await asyncio.sleep(milliseconds / 1000)
    return f"<{name}>"


def double(value: int) -> int:
    count("double")
    return value * 2


async def fails(message: str) -> None:
    count("fails")
    raise ValueError(message)


@dataclass
class Order:
    item: str
    price: float
    tags: tuple[str, ...] = ()


# Sequence, choice, data


@played("a", "b")
@flow
async def in_sequence(ctx: Context, first: str, second: str) -> list[str]:
    one = await ctx.call(fetch, first)
    two = await ctx.call(fetch, second)
    return [one, two, await ctx.call(fetch, one + two)]


@played(3)
@flow
async def a_loop_of_steps(ctx: Context, times: int) -> int:
    total = 1
    for _ in range(times):
        total = await ctx.call(double, total)
    return total


@played(4)
@flow
async def a_choice(ctx: Context, number: int) -> str:
    doubled = await ctx.call(double, number)
    if doubled > 5:
        return await ctx.call(fetch, "large")
    return await ctx.call(fetch, "small")


@played(Order("tea", 2.5, ("hot",)))
@flow
async def values_of_classes(ctx: Context, order: Order) -> Order:
    twice = await ctx.call(ordered_twice, order)
    return await ctx.call(ordered_twice, twice, name="again")


def ordered_twice(order: Order) -> Order:
    count("ordered_twice")
    return Order(order.item, order.price * 2, (*order.tags, "twice"))


@played()
@flow
async def clock_and_chance(ctx: Context) -> list[Any]:
    seen: list[Any] = [ctx.now(), ctx.random.random(), str(ctx.uuid())]
    await ctx.call(fetch, "between", 2)
    return [*seen, ctx.now() > seen[0], ctx.random.randint(1, 100), str(ctx.uuid())]


# Concurrency


@played()
@flow
async def gathered(ctx: Context) -> list[str]:
    return list(await asyncio.gather(*(ctx.call(fetch, str(n), 6 - 2 * n) for n in range(3))))


@played()
@flow
async def spawned(ctx: Context) -> list[Any]:
    return await ctx.spawn([(fetch, ("x", 4)), (fetch, ("y", 1)), (double, 21)])


@played()
@flow
async def a_task_group(ctx: Context) -> list[str]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(branch(ctx, name)) for name in ("left", "right")]
    return [task.result() for task in tasks]


async def branch(ctx: Context, name: str) -> str:
    first = await ctx.call(fetch, name, 3 if name == "left" else 1)
    return await ctx.call(fetch, first, 1)


@played()
@flow
async def the_first_wins(ctx: Context) -> str:
    tasks = [asyncio.create_task(ctx.call(fetch, "slow", 60)), asyncio.create_task(ctx.call(fetch, "fast", 1))]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    return done.pop().result()


@played()
@flow
async def as_they_come(ctx: Context) -> list[str]:
    calls = [ctx.call(fetch, name, wait) for name, wait in (("c", 9), ("a", 1), ("b", 5))]
    return [await one for one in asyncio.as_completed(calls)]


@played()
@flow
async def a_queue(ctx: Context) -> list[str]:
    queue: asyncio.Queue[str | None] = asyncio.Queue(1)

    async def produce() -> None:
        for name in ("p", "q", "r"):
            await queue.put(await ctx.call(fetch, name, 1))
        await queue.put(None)

    task = asyncio.create_task(produce())
    taken: list[str] = []
    while (item := await queue.get()) is not None:
        taken.append(item)
    await task
    return taken


@played()
@flow
async def a_lock(ctx: Context) -> list[str]:
    lock = asyncio.Lock()
    order: list[str] = []

    async def enter(name: str) -> None:
        async with lock:
            order.append(await ctx.call(fetch, name, 2))

    await asyncio.gather(enter("one"), enter("two"), enter("three"))
    return order


@played()
@flow
async def an_async_generator(ctx: Context) -> list[str]:
    async def pages() -> AsyncIterator[str]:
        for number in range(3):
            page = await ctx.call(fetch, f"page {number}")
            yield page

    return [page async for page in pages()]


@played()
@flow
async def a_context_manager(ctx: Context) -> str:
    @contextlib.asynccontextmanager
    async def lease(name: str) -> AsyncIterator[str]:
        held = await ctx.call(fetch, name)
        try:
            yield held
        finally:
            await ctx.call(fetch, f"give back {name}")

    async with lease("table") as table:
        return await ctx.call(fetch, table)


# Time


@played()
@flow
async def sleeps_twice(ctx: Context) -> str:
    await ctx.sleep(timedelta(milliseconds=5))
    await asyncio.sleep(0.005)
    return await ctx.call(fetch, "awake")


@played()
@flow
async def times_out(ctx: Context) -> str:
    try:
        async with asyncio.timeout(0.01):
            await ctx.sleep(3600)
    except TimeoutError:
        return await ctx.call(fetch, "late")
    return "early"


@played()
@flow
async def in_time(ctx: Context) -> str:
    async with asyncio.timeout(3600):
        return await asyncio.wait_for(ctx.call(fetch, "quick", 1), 3600)


@played()
@flow
async def cancels_a_task(ctx: Context) -> str:
    async def long() -> None:
        try:
            await ctx.sleep(3600)
        finally:
            count("finally")
            await ctx.call(fetch, "tidy")

    task = asyncio.create_task(long())
    await ctx.call(fetch, "first")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return await ctx.call(fetch, "last")


# Failures and retries


@played()
@flow
async def catches(ctx: Context) -> str:
    try:
        await ctx.call(fails, "broken", retry_policy=NoRetry())
    except ValueError as error:
        return await ctx.call(fetch, str(error))
    return "whole"


@played()
@flow
async def fails_at_the_end(ctx: Context) -> None:
    await ctx.call(fetch, "before")
    raise LookupError("nothing there")


async def third_time() -> str:
    count("third_time")
    context = agnt5.current_context()
    if context is None or context.attempt < 3:
        raise ConnectionError("not yet")
    return "now"


@played()
@flow
async def retries(ctx: Context) -> str:
    policy = ConstantBackoff(max_attempts=4, interval=0.002)
    return await ctx.call(third_time, retry_policy=policy)


@played()
@flow
async def some_fail(ctx: Context) -> list[str]:
    calls = [(fetch, "good"), (fails_once, "bad"), (fetch, "fine")]
    return [repr(one) for one in await ctx.spawn(calls, return_exceptions=True)]


@function(retry_policy=NoRetry())
async def fails_once(message: str) -> None:
    count("fails_once")
    raise ValueError(message)


# Functions, children, objects


@function
async def research(ctx: Context, topic: str) -> str:
    count("research")
    found = await ctx.call(fetch, topic)
    notes = await asyncio.gather(ctx.call(fetch, found, 2), ctx.call(fetch, "more", 1))
    return "".join(notes)


@played("bees")
@flow
async def nested_functions(ctx: Context, topic: str) -> str:
    notes = await ctx.call(research, topic)
    return await ctx.call(fetch, notes)


@function
def in_a_thread(ctx: Any, number: int) -> int:
    count("in_a_thread")
    return ctx.call(double, ctx.call(double, number))


@played(5)
@flow
async def a_sync_function(ctx: Context, number: int) -> int:
    return await ctx.call(double, await ctx.call(in_a_thread, number))


@flow
async def small_child(ctx: Context, name: str) -> str:
    return await ctx.call(fetch, f"child {name}", 1)


@played()
@flow
async def child_runs(ctx: Context) -> list[str]:
    first = await ctx.call(small_child, "a")
    return [first, *await asyncio.gather(small_child.run("b"), ctx.call(small_child, "c"))]


@played()
@flow
async def started_and_awaited(ctx: Context) -> str:
    run = small_child.start("d")
    await ctx.call(fetch, "meanwhile")
    return await run


@durable_object
class Purse:
    def __init__(self) -> None:
        self.coins = 0

    async def put(self, coins: int) -> int:
        count("put")
        self.coins += coins
        return self.coins


@played("purse of the corpus")
@flow
async def object_calls(ctx: Context, key: str) -> list[int]:
    purse = await ctx.get_object(Purse, f"{key} of {await ctx.call(owner, ctx.run_id)}")
    return [await purse.put(1), await purse.put(2), await purse.put(3)]


def owner(run_id: str) -> str:
    """Who the purse belongs to: the run that asked first, also in its forks."""
    count("owner")
    return run_id


# Events and state


async def _send_two(run: Run) -> None:
    agnt5.send_event("signed", {"by": "ada"}, run=run)
    agnt5.send_event("signed", {"by": "bob"}, run=run)


@played(during=_send_two)
@flow
async def events(ctx: Context) -> list[Any]:
    first = await ctx.wait_for_event("signed")
    between = await ctx.call(fetch, first["by"])
    return [between, await ctx.wait_for_event("signed")]


@played()
@flow
async def an_event_that_never_comes(ctx: Context) -> str:
    try:
        await ctx.wait_for_event("never", timeout=0.01)
    except agnt5.EventTimeoutError:
        return await ctx.call(fetch, "gave up")
    return "came"


@played()
@flow
async def keeps_state(ctx: Context) -> list[Any]:
    await ctx.state.set("count", 1)
    await ctx.call(fetch, "x")
    await ctx.state.set("count", await ctx.state.get("count") + 1)
    await ctx.state.set("gone", True)
    await ctx.state.delete("gone")
    await ctx.call(fetch, "y")
    return [await ctx.state.get("count"), await ctx.state.get("gone"), await ctx.state.keys()]


@played()
@flow
async def sends_to_itself(ctx: Context) -> Any:
    await ctx.call(fetch, "ready")
    await ctx.send_event("ping", 7, run=ctx.run_id)
    return await ctx.wait_for_event("ping")


@played(6)
@flow
async def everything_at_once(ctx: Context, number: int) -> list[Any]:
    await ctx.state.set("phase", "start")
    halves = await asyncio.gather(ctx.call(research, "all"), ctx.call(small_child, "z"), ctx.call(double, number))
    async with asyncio.timeout(3600):
        await ctx.sleep(0.002)
    await ctx.state.set("phase", "end")
    return [*halves, await ctx.state.get("phase")]
