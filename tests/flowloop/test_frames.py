"""Where a suspended flow stands, through every kind of awaitable, and whose line it is."""

from __future__ import annotations

import asyncio
import os
import sysconfig
import types
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from typing import Any

from agnt5.execution.frames import distance, frames, place
from flowloop.world import Ctx, World


def names(world: World) -> list[str]:
    return [frame.function.rpartition(".")[2] for frame in frames(world.root)]


def test_frames_go_through_coroutines_generators_and_async_generators() -> None:
    @types.coroutine
    def old_style(ctx: Ctx) -> Generator[Any, Any, Any]:
        return (yield from ctx.ask("a").__await__())

    async def stream(ctx: Ctx) -> AsyncIterator[int]:
        yield await old_style(ctx)

    @asynccontextmanager
    async def opened(ctx: Ctx) -> AsyncIterator[None]:
        async for _ in stream(ctx):
            yield

    async def flow(ctx: Ctx) -> None:
        here = "locals are there to be read"
        async with opened(ctx):
            ctx.log(here)

    world = World(flow)
    world.drain()
    assert names(world) == ["_body", "flow", "__aenter__", "opened", "stream", "old_style", "ask"]
    assert frames(world.root)[1].frame.f_locals["here"] == "locals are there to be read"
    assert frames(world.root)[1].lineno == flow.__code__.co_firstlineno + 2
    world.deliver(1)
    assert frames(world.root) == []
    assert "_body" in place(world.root)
    world.finish()


def test_frames_of_a_task_end_at_another_task() -> None:
    async def flow(ctx: Ctx) -> None:
        await asyncio.gather(asyncio.create_task(ctx.ask("a")))

    world = World(flow)
    world.drain()
    assert names(world) == ["_body", "flow"]
    world.fence()


def test_whose_line_it_is() -> None:
    assert distance(__file__) == 0
    assert distance("<ipython-input-3-abc>") == 0
    assert distance(os.path.join(sysconfig.get_path("purelib"), "site-packages", "x.py")) == 1
    assert distance(asyncio.__file__) == 2
    assert distance(frames.__code__.co_filename) == 2
    assert distance("<frozen importlib._bootstrap>") == 2
