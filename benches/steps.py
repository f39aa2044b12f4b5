"""Durable steps: one flow in sequence, and many flows at once, each beside what SQLite itself can commit."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from concurrent.futures import Future
from itertools import pairwise
from pathlib import Path

from agnt5 import Context, flow

from .bench import ROUNDS, home, journal_bytes, median_ratio, scratch
from .floor import Floor
from .report import Finding, percentiles

SEQUENTIAL = 2_000
FLOWS, STEPS = 200, 100
# With it, the entries of a step take about as many bytes as a row of the floor.
RESULT = "x" * 100

# When the bodies of each flow's steps began. The time from one to the next is the latency of a step: its body, its
# entries, their commit, and the way back into the flow.
begun: dict[int, list[float]] = defaultdict(list)
_gate: Future[None] = Future()


async def trivial(which: int) -> str:
    begun[which].append(time.perf_counter())
    return RESULT


async def wait_for_gate() -> None:
    await asyncio.wrap_future(_gate)


@flow(name="bench.steps")
async def steps_of(ctx: Context, which: int, steps: int) -> None:
    for _ in range(steps):
        await ctx.call(trivial, which)


@flow(name="bench.gated")
async def gated(ctx: Context, which: int, steps: int) -> None:
    await ctx.call(wait_for_gate)
    for _ in range(steps):
        await ctx.call(trivial, which)


def latencies() -> list[float]:
    found = [later - earlier for times in begun.values() for earlier, later in pairwise(times)]
    begun.clear()
    return found


def one_flow(directory: Path, steps: int) -> float:
    """Steps a second of one flow with trivial steps, its start and its result included."""
    with home(directory):
        steps_of.run_sync(0, 20)
        begun.clear()
        started = time.perf_counter()
        steps_of.run_sync(0, steps)
        return steps / (time.perf_counter() - started)


def many_flows(directory: Path, flows: int, steps: int) -> tuple[float, float]:
    """Steps a second of many flows: from the moment at which all are started, and with their starts included."""
    global _gate
    with home(directory):
        steps_of.run_sync(0, 20)
        begun.clear()
        _gate = Future()
        started = time.perf_counter()
        runs = [gated.start(which, steps) for which in range(flows)]
        starts = time.perf_counter() - started
        time.sleep(0.2)
        opened = time.perf_counter()
        _gate.set_result(None)
        for run in runs:
            run.result()
        seconds = time.perf_counter() - opened
        return flows * steps / seconds, flows * steps / (seconds + starts)


def sequential() -> list[Finding]:
    """One flow, trivial steps one after the other, beside commits of one row."""
    pairs: list[tuple[float, float]] = []
    waits: list[float] = []
    size = rows = 0
    for _ in range(ROUNDS):
        with scratch() as directory, Floor(directory) as floor:
            below = floor.rows_per_second(SEQUENTIAL // 2, 1)
            value = one_flow(directory, SEQUENTIAL)
            below = (below + floor.rows_per_second(SEQUENTIAL // 2, 1)) / 2
            waits += latencies()
            pairs.append((value, below))
            size, rows = journal_bytes(directory / "home")
    value, below = median_ratio(pairs)
    notes = [
        f"{SEQUENTIAL:,} steps, {ROUNDS} rounds; {len(RESULT)}-byte results, {size / rows:.0f} bytes of journal a step",
        percentiles(waits),
    ]
    return [Finding("one flow, sequential steps", value, "steps/s", below, "1-row commits/s", ">= 0.75", notes)]


def concurrent() -> list[Finding]:
    """Many flows at once, beside commits of a hundred rows."""
    running: list[tuple[float, float]] = []
    whole: list[tuple[float, float]] = []
    waits: list[float] = []
    size = rows = 0
    for _ in range(ROUNDS):
        with scratch() as directory, Floor(directory) as floor:
            below = floor.rows_per_second(100, 100)
            value, with_starts = many_flows(directory, FLOWS, STEPS)
            below = (below + floor.rows_per_second(100, 100)) / 2
            waits += latencies()
            running.append((value, below))
            whole.append((with_starts, below))
            size, rows = journal_bytes(directory / "home")
    value, below = median_ratio(running)
    with_starts, _ = median_ratio(whole)
    notes = [
        f"{FLOWS} flows x {STEPS} steps, {ROUNDS} rounds; {len(RESULT)}-byte results, {size / rows:.0f} bytes a row",
        f"measured from when all were started; {with_starts:,.0f} steps/s with the {FLOWS} starts, one commit each",
        percentiles(waits, "ms"),
    ]
    return [
        Finding("many flows at once", value, "steps/s", below, "rows/s, 100 a commit", ">= 0.22, >= 30,000/s", notes)
    ]
