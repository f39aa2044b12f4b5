"""Puts COUNT flows to sleep until one moment and lets them wake together; prints what that took, as JSON.

`python -m scenarios.sleepers HOME COUNT MARGIN`. The moment is as far away as it takes to put them all to bed, by a
sample, times MARGIN; if not everybody is asleep by then, that is all it prints.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

import agnt5
from agnt5 import Context, flow
from agnt5.runtime import Runtime, get_runtime

PENDING, RUNNING, WAITING, COMPLETED = 0, 1, 2, 4
BED = 500
SAMPLE = 2_000


@flow
async def sleeps(ctx: Context, until: float) -> bool:
    await ctx.sleep(until - ctx.now().timestamp())
    return ctx.now().timestamp() >= until


@flow
async def naps(ctx: Context, until: float) -> None:
    """One of the sample: asleep for a moment only, and counted nowhere."""
    await ctx.sleep(0.001)


@flow
async def bed(ctx: Context, until: float, count: int, sample: bool) -> None:
    for _ in range(count):
        await ctx.start(naps if sample else sleeps, until)


def put_to_bed(runtime: Runtime, count: int, until: float, *, sample: bool = False) -> None:
    """Return when all of them sleep, or slept."""
    for run in [bed.start(until, BED, sample) for _ in range(count // BED)]:
        run.result()
    while runtime.reader.runs(status=PENDING, limit=1) or runtime.reader.runs(status=RUNNING, limit=1):
        time.sleep(0.05)


def wait_for_all(runtime: Runtime) -> int:
    """How many were in memory at once until all had ended."""
    most_live = 0
    while runtime.reader.runs(status=WAITING, limit=1) or runtime.engine.live():
        most_live = max(most_live, runtime.engine.live())
        time.sleep(0.05)
    return most_live


def megabytes() -> float:
    """The most that this program had resident.

    On Linux `ru_maxrss` survives exec: it would also tell what the process that started this one had at that moment.
    """
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024)


def seconds_to_bed(runtime: Runtime, count: int) -> float:
    begun = time.monotonic()
    put_to_bed(runtime, SAMPLE, 0.0, sample=True)
    return (time.monotonic() - begun) * count / SAMPLE


def main(home: str, count: int, margin: float) -> None:
    agnt5.configure(home=home, durability="process")
    runtime = get_runtime()
    bare = megabytes()
    seconds = 2 + margin * seconds_to_bed(runtime, count)
    until = time.time() + seconds
    put_to_bed(runtime, count, until)
    if runtime.reader.runs(status=COMPLETED, component=sleeps.name, limit=1):
        print(json.dumps({"too early": seconds}), flush=True)
        os._exit(0)
    asleep = megabytes()
    while runtime.engine.live() and time.time() < until:
        time.sleep(0.05)
    live_asleep = runtime.engine.live()
    while time.time() < until:
        time.sleep(0.05)
    most_live = wait_for_all(runtime)
    done = agnt5.runs(status="completed", component=sleeps, limit=count + 1)
    print(
        json.dumps(
            {
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
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
