"""Puts COUNT flows to sleep until one moment and lets them wake together; prints what that took, as JSON.

`python -m scenarios.sleepers HOME COUNT`. A first small bed tells how long this machine needs, so that the moment is
one at which everybody sleeps.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time

import agnt5
from agnt5 import Context, flow
from agnt5.runtime import Runtime, get_runtime

PENDING, RUNNING, WAITING, COMPLETED = 0, 1, 2, 4
BED = 500
TRIAL = 2_000


@flow
async def sleeps(ctx: Context, until: float) -> bool:
    await ctx.sleep(until - ctx.now().timestamp())
    return ctx.now().timestamp() >= until


@flow
async def bed(ctx: Context, until: float, count: int) -> None:
    for _ in range(count):
        await ctx.start(sleeps, until)


def put_to_bed(runtime: Runtime, count: int, until: float) -> float:
    """Seconds until all of them slept."""
    began = time.monotonic()
    for run in [bed.start(until, BED) for _ in range(count // BED)]:
        run.result()
    while runtime.reader.runs(status=PENDING, limit=1) or runtime.reader.runs(status=RUNNING, limit=1):
        time.sleep(0.05)
    return time.monotonic() - began


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024 * 1024)


def main(home: str, count: int) -> None:
    agnt5.configure(home=home, durability="process")
    runtime = get_runtime()
    bare = megabytes()
    seconds = put_to_bed(runtime, TRIAL, time.time() + 3_600)
    until = time.time() + 3 + 1.2 * seconds * count / TRIAL
    put_to_bed(runtime, count, until)
    early = runtime.reader.runs(status=COMPLETED, component=sleeps.name, limit=count)
    asleep = megabytes()
    while runtime.engine.live() and time.time() < until:
        time.sleep(0.05)
    live_asleep = runtime.engine.live()
    while time.time() < until:
        time.sleep(0.05)
    most_live = 0
    # The trial sleeps on.
    while len(runtime.reader.runs(component=sleeps.name, status=WAITING, limit=TRIAL + 1)) > TRIAL or (
        runtime.engine.live()
    ):
        most_live = max(most_live, runtime.engine.live())
        time.sleep(0.05)
    done = agnt5.runs(status="completed", component=sleeps, limit=count + 1)
    print(
        json.dumps(
            {
                "early": len(early),
                "megabytes bare": bare,
                "megabytes asleep": asleep,
                "megabytes": megabytes(),
                "live asleep": live_asleep,
                "most live": most_live,
                "seconds to deliver": time.time() - until,
                "completed": len(done),
                "late enough": all(run.result() for run in done[:: max(1, count // 1_000)]),
                "entries": sorted({runtime.reader.entry_count(run.id) for run in done[:: max(1, count // 1_000)]}),
            }
        ),
        flush=True,
    )
    # A hundred thousand rows were the point; tidying up is not.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
