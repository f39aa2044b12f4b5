"""Flows in plain asyncio, one per way to wait. Each must replay with the same interleaving, whatever
completes first."""

# ruff: noqa: RUF006 -- that nobody keeps a task is what some of these are about

from __future__ import annotations

import asyncio
from asyncio import as_completed as early_as_completed
from asyncio import wait_for as early_wait_for
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any

from flowloop.world import Ctx, Flow

CORPUS: dict[str, Flow] = {}


def flow(fn: Flow) -> Flow:
    CORPUS[fn.__name__] = fn
    return fn


async def branch(ctx: Ctx, name: str, steps: int = 2) -> str:
    """Some steps in sequence; a failing one is part of the branch's life."""
    for step in range(steps):
        try:
            ctx.log(name, await ctx.ask(f"{name}.{step}"))
        except ValueError as error:
            ctx.log(name, error)
        except asyncio.CancelledError:
            ctx.log(name, "cancelled")
            raise
    return name


@flow
async def sequence(ctx: Ctx) -> Any:
    return [await branch(ctx, "a"), await asyncio.sleep(0.5, "slept"), await asyncio.sleep(0, "passed")]


@flow
async def gathered(ctx: Ctx) -> Any:
    return await asyncio.gather(*(branch(ctx, name) for name in "abcde"))


@flow
async def gathered_with_errors(ctx: Ctx) -> Any:
    found = await asyncio.gather(*(ctx.ask(name) for name in "abcdefgh"), return_exceptions=True)
    return [repr(one) for one in found]


@flow
async def a_set_of_gathers(ctx: Ctx) -> Any:
    groups = {asyncio.gather(*(branch(ctx, f"{group}{n}") for n in range(2))) for group in "abcdef"}
    done, pending = await asyncio.wait(groups, return_when=asyncio.FIRST_COMPLETED)
    for one in pending:
        one.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    return [one.result() for one in done]


@flow
async def group(ctx: Ctx) -> Any:
    async with asyncio.TaskGroup() as tasks:
        made = [tasks.create_task(branch(ctx, name), name=f"branch {name}") for name in "abcd"]
    return [task.result() for task in made] + [task.get_name() for task in made]


@flow
async def group_that_fails(ctx: Ctx) -> Any:
    async def fail() -> None:
        await ctx.ask("the one that fails")
        raise RuntimeError("on purpose")

    try:
        async with asyncio.TaskGroup() as tasks:
            for name in "abcdefghij":
                tasks.create_task(branch(ctx, name, 4))
            tasks.create_task(fail())
    except* RuntimeError as errors:
        ctx.log([str(one) for one in errors.exceptions])


@flow
async def completed_coroutines(ctx: Ctx) -> Any:
    return [await one for one in asyncio.as_completed([branch(ctx, name) for name in "abcdefgh"])]


@flow
async def completed_early_import(ctx: Ctx) -> Any:
    return [await one for one in early_as_completed([branch(ctx, name) for name in "abcdef"])]


@flow
async def completed_async_for(ctx: Ctx) -> Any:
    tasks = {asyncio.create_task(branch(ctx, name)): name for name in "abcd"}
    return [tasks[one] async for one in asyncio.as_completed(tasks)]


@flow
async def completed_with_timeout(ctx: Ctx) -> Any:
    seen = []
    try:
        for one in asyncio.as_completed([branch(ctx, name) for name in "abcdef"], timeout=3):
            seen.append(await one)
    except TimeoutError:
        seen.append("timeout")
    return seen


@flow
async def first_and_cancel_the_rest(ctx: Ctx) -> Any:
    tasks = {asyncio.create_task(branch(ctx, name, 3)) for name in "abcdefghijkl"}
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.wait(pending)
    return [task.result() for task in done]


@flow
async def cancel_all_tasks(ctx: Ctx) -> Any:
    for name in "abcdefghi":
        asyncio.create_task(branch(ctx, name))
    await ctx.ask("now")
    for task in asyncio.all_tasks():
        if task is not asyncio.current_task():
            task.cancel()
    await asyncio.sleep(0)


@flow
async def wait_with_timeout(ctx: Ctx) -> Any:
    tasks = [asyncio.create_task(branch(ctx, name)) for name in "abcd"]
    done, pending = await asyncio.wait(tasks, timeout=2.5)
    return sorted(task.result() for task in done), len(pending)


@flow
async def timeouts_nested(ctx: Ctx) -> Any:
    outcome = []
    try:
        async with asyncio.timeout(5):
            try:
                async with asyncio.timeout(2) as inner:
                    outcome.append(await branch(ctx, "inner", 3))
                    inner.reschedule(asyncio.get_running_loop().time() + 4)
                    outcome.append(await branch(ctx, "more", 2))
            except TimeoutError:
                outcome.append("inner timeout")
            outcome.append(await branch(ctx, "outer", 3))
    except TimeoutError:
        outcome.append("outer timeout")
    return outcome


@flow
async def waited_for(ctx: Ctx) -> Any:
    outcome: list[Any] = []
    for awaitable in (branch(ctx, "a", 3), asyncio.ensure_future(branch(ctx, "b", 3))):
        for wait_for in (asyncio.wait_for, early_wait_for):
            try:
                outcome.append(await wait_for(awaitable, 1.5))
            except (TimeoutError, RuntimeError, asyncio.CancelledError) as error:
                outcome.append(type(error).__name__)
    try:
        await asyncio.wait_for(ctx.ask("never sent"), 0)
    except TimeoutError:
        outcome.append("at once")
    return outcome, await asyncio.wait_for(asyncio.sleep(1, "in time"), None)


@flow
async def shielded(ctx: Ctx) -> Any:
    inner = asyncio.ensure_future(branch(ctx, "shielded", 3))
    try:
        await asyncio.wait_for(asyncio.shield(inner), 2)
    except TimeoutError:
        ctx.log("left it alone")
    return await inner


@flow
async def queues(ctx: Ctx) -> Any:
    queue: asyncio.Queue[str | None] = asyncio.Queue(maxsize=2)
    eaten: list[Any] = []

    async def produce(name: str) -> None:
        for step in range(3):
            await queue.put(f"{name}{step}")
            await branch(ctx, f"produce {name}{step}", 1)

    async def eat(name: str) -> None:
        while (item := await queue.get()) is not None:
            await branch(ctx, f"{name} eats {item}", 1)
            eaten.append((name, item))
            queue.task_done()

    eaters = [asyncio.create_task(eat(name)) for name in "xyz"]
    await asyncio.gather(*map(produce, "ab"))
    await queue.join()
    for _ in eaters:
        await queue.put(None)
    await asyncio.gather(*eaters)
    return eaten


@flow
async def locks(ctx: Ctx) -> Any:
    lock, order = asyncio.Lock(), []

    async def enter(name: str) -> None:
        await branch(ctx, f"{name} before", 1)
        async with lock:
            order.append(name)
            await branch(ctx, f"{name} inside", 1)

    await asyncio.gather(*map(enter, "abcde"))
    return order


@flow
async def semaphores_conditions_events_barriers(ctx: Ctx) -> Any:
    semaphore, condition = asyncio.Semaphore(2), asyncio.Condition()
    event, barrier = asyncio.Event(), asyncio.Barrier(4)
    order: list[Any] = []

    async def work(name: str) -> None:
        async with semaphore:
            await branch(ctx, name, 1)
        order.append(("arrived", name, await barrier.wait()))
        async with condition:
            order.append(("notified", name))
            condition.notify()
        if name == "a":
            event.set()
        await event.wait()

    async def watch() -> None:
        async with condition:
            await condition.wait()
        order.append("watched")

    await asyncio.gather(watch(), *map(work, "abcd"))
    return order


@flow
async def generators(ctx: Ctx) -> Any:
    closed: list[str] = []

    async def numbers(name: str) -> AsyncIterator[Any]:
        try:
            while True:
                yield await branch(ctx, name, 1)
        finally:
            closed.append(name)
            ctx.log("closed", name)

    async def take(name: str, n: int) -> list[Any]:
        taken = []
        async for one in numbers(name):
            taken.append(one)
            if len(taken) == n:
                break  # abandoned: closed when the flow ends, not when a collector finds it
        return taken

    return await asyncio.gather(take("a", 1), take("b", 3), take("c", 2)), closed


speaker: ContextVar[str] = ContextVar("speaker", default="nobody")


@flow
async def context_variables(ctx: Ctx) -> Any:
    async def speak(name: str) -> str:
        speaker.set(name)
        await branch(ctx, name)
        return speaker.get()

    return await asyncio.gather(*map(speak, "abc")), speaker.get()


@flow
async def clean_up_that_asks(ctx: Ctx) -> Any:
    async def careful(name: str) -> str:
        try:
            return await branch(ctx, name, 3)
        finally:
            await branch(ctx, f"{name} cleaned up", 1)

    tasks = [asyncio.create_task(careful(name)) for name in "abcd"]
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    return [repr(one) for one in await asyncio.gather(*tasks, return_exceptions=True)]


@flow
async def left_running(ctx: Ctx) -> Any:
    asyncio.create_task(branch(ctx, "left behind", 5))
    asyncio.create_task(asyncio.sleep(1000))
    return await branch(ctx, "main")


@flow
async def callbacks(ctx: Ctx) -> Any:
    loop, rung = asyncio.get_running_loop(), asyncio.Event()
    loop.call_soon(ctx.log, "soon")
    loop.call_later(1, ctx.log, "later")
    loop.call_at(loop.time() + 2, rung.set)
    loop.call_later(3, ctx.log, "never").cancel()
    loop.call_later(0, ctx.log, "now")
    await rung.wait()
    return round(loop.time() - 1_700_000_000, 3) >= 2
