"""Objects: many callers of one key. Calls must run one at a time and lose nothing; how many a second is printed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from statistics import median

from agnt5 import Context, flow
from agnt5.durable import object as durable_object

from .bench import home, scratch
from .report import Finding

CALLERS = 1_000
ROUNDS = 3

_inside = 0
_overlapped = False


@durable_object(name="BenchCounter")
class BenchCounter:
    def __init__(self) -> None:
        self.count = 0

    async def add(self) -> int:
        global _inside, _overlapped
        _inside += 1
        _overlapped |= _inside > 1
        before = self.count
        await asyncio.sleep(0)
        self.count = before + 1
        _inside -= 1
        return self.count


@flow(name="bench.callers")
async def callers(ctx: Context, keys: list[str]) -> list[int]:
    proxies = [await ctx.get_object(BenchCounter, key) for key in keys]
    return list(await asyncio.gather(*(proxy.add() for proxy in proxies)))


def _rate(directory: Path, keys: list[str]) -> tuple[float, list[int]]:
    with home(directory):
        started = time.perf_counter()
        answers = callers.run_sync(keys)
        return CALLERS / (time.perf_counter() - started), answers


def one_key() -> list[Finding]:
    global _overlapped
    rates: list[float] = []
    apart: list[float] = []
    correct = True
    for _ in range(ROUNDS):
        with scratch() as directory:
            apart.append(_rate(directory, [str(n) for n in range(CALLERS)])[0])
        with scratch() as directory:
            _overlapped = False
            rate, answers = _rate(directory, ["one"] * CALLERS)
            rates.append(rate)
            correct = correct and not _overlapped and sorted(answers) == list(range(1, CALLERS + 1))
    note = f"{CALLERS:,} callers at once, median of {ROUNDS}; serial and correct: {'yes' if correct else 'NO'}"
    below = median(apart)
    return [
        Finding("calls of one object key", median(rates), "calls/s", below, "calls/s, each its own key", "", [note])
    ]
