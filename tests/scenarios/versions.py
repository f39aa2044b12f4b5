"""Flows that one Python begins and another ends: `versions.py begin|end HOME`.

`begin` brings every flow to its wait and is then killed; `end` lets them go on and prints what they gave. Needs nothing
beyond the package, because the other Python may have little else.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from typing import Any

import agnt5
from agnt5 import Context, flow, function
from agnt5.testing import assert_replays


def did(word: str) -> str:
    os.write(1, f"{word}\n".encode())
    return word


async def slowly(word: str, seconds: float) -> str:
    await asyncio.sleep(seconds)
    return did(word)


@flow
async def gathers(ctx: Context) -> list[Any]:
    found = list(await asyncio.gather(*(ctx.call(slowly, f"g{n}", 0.02 * (3 - n)) for n in range(4))))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ctx.call(did, f"t{n}")) for n in range(3)]
    return [found, [task.result() for task in tasks], await ctx.wait_for_event("go on"), await ctx.call(did, "g end")]


@flow
async def completes(ctx: Context) -> list[Any]:
    """In 3.11 and 3.12 `as_completed`, `wait` and `wait_for` ask in other orders."""
    order = [await one for one in asyncio.as_completed([ctx.call(slowly, f"c{n}", 0.01 * n) for n in (3, 1, 2)])]
    waits = [asyncio.create_task(ctx.call(slowly, f"w{n}", 0.01 * n)) for n in (2, 1)]
    done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    limited = await asyncio.wait_for(ctx.call(did, "limited"), 5)
    try:
        await asyncio.wait_for(ctx.sleep(60), 0.01)
    except TimeoutError:
        order.append("late")
    return [order, len(done), limited, await ctx.wait_for_event("go on"), await ctx.call(did, "c end")]


@function
async def asks(ctx: Context) -> list[Any]:
    return list(await asyncio.gather(ctx.call(did, "f1"), ctx.call(did, "f2")))


@flow
async def draws(ctx: Context) -> list[Any]:
    before = [str(ctx.uuid()), ctx.random.random(), ctx.random.sample(range(100), 5), ctx.now().isoformat()]
    await ctx.state.set("before", before)
    nested = await ctx.call(asks)
    await ctx.wait_for_event("go on")
    same = await ctx.state.get("before") == before
    return [same, nested, str(ctx.uuid()), ctx.random.random(), await ctx.call(did, "d end")]


FLOWS = (gathers, completes, draws)


def begin() -> None:
    runs = [one.start(run_id=one.name) for one in FLOWS]
    # Waiting with no timer left: nothing but the event is awaited.
    while not all(run.status == "waiting" and run.journal[-1].kind == "event" for run in runs):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)


def end() -> None:
    runs = [agnt5.get_run(one.name) for one in FLOWS]
    for run in runs:
        agnt5.send_event("go on", "on", run=run)
    answers = {run.id: run.result(30) for run in runs}
    for run in runs:
        assert_replays(run)
    print(json.dumps(answers))


if __name__ == "__main__":
    agnt5.configure(home=sys.argv[2])
    {"begin": begin, "end": end}[sys.argv[1]]()
