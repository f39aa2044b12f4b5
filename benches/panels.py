"""Panels: how soon a step is told to views, how many bytes that takes, and what a long journal takes to open.

Messages are taken where they leave for the kernel's socket; what the browser adds is a frame and is not counted.
"""

from __future__ import annotations

import asyncio
import json
import time
from statistics import median
from typing import Any

from agnt5 import Context, flow

from .bench import home, scratch
from .report import Finding, percentiles

RATE, SECONDS = 1_000, 5
LONG = 50_000


async def trivial(which: int) -> int:
    return which


@flow(name="bench.paced")
async def paced(ctx: Context, rate: int, seconds: int) -> None:
    for tenth in range(seconds * 10):
        await asyncio.gather(*(ctx.call(trivial, tenth) for _ in range(rate // 10)))
        await ctx.call(pause, 0.1)


async def pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


@flow(name="bench.scrolled")
async def long(ctx: Context, steps: int) -> None:
    for start in range(0, steps, 1_000):
        await asyncio.gather(*(ctx.call(trivial, n) for n in range(start, start + 1_000)))


def size(message: Any) -> int:
    return len(json.dumps(message.fields)) + sum(map(len, message.buffers))


def followed() -> list[Finding]:
    from agnt5_jupyter.display.runpanel import RunPanel

    with scratch() as directory, home(directory):
        run = paced.start(RATE, SECONDS)
        panel = RunPanel(run)
        panel.heard = True
        sent: list[tuple[float, Any]] = []
        panel.say = lambda message: sent.append((time.time(), message))  # type: ignore[method-assign]
        run.result()
        while panel.head()["status"] != "completed" or panel.untold or not sent:
            time.sleep(0.05)
        time.sleep(0.2)
        entries = list(run.journal)
        rows = {entry.seq: row for row, entry in enumerate(entries)}
        lasted = entries[-1].span[0] / 1e6 - entries[0].span[0] / 1e6
    late = [at - entries[row].span[0] / 1e6 for at, row in first_told(sent, rows)]
    bytes_a_second = sum(size(message) for _, message in sent) / lasted
    updates = sum(message.fields.get("tell") == "rows" for _, message in sent) / lasted
    rate = len(entries) / lasted
    return [
        Finding(
            "a step until it is told to views",
            median(late) * 1e3,
            "ms",
            50,
            "ms between two looks",
            "< 150 ms",
            [percentiles(late, "ms"), f"at {rate:,.0f} steps/s"],
        ),
        Finding(f"telling {rate:,.0f} steps/s", bytes_a_second / 1e3, "kB/s", target="< 200 kB/s"),
        Finding("updates of rows", updates, "/s", target="< 20 /s"),
    ]


def first_told(sent: list[tuple[float, Any]], rows: dict[int, int]) -> list[tuple[float, int]]:
    """When each row was told for the first time."""
    from array import array

    found: dict[int, float] = {}
    for at, message in sent:
        if message.fields.get("tell") != "rows":
            continue
        column = array("I")
        column.frombytes(message.buffers[0][: 4 * message.fields["count"]])
        for row in column:
            found.setdefault(row, at)
    return [(at, row) for row, at in found.items()]


def opened() -> list[Finding]:
    from agnt5_jupyter.display.journalpanel import JournalPanel

    with scratch() as directory, home(directory):
        run = long.start(LONG)
        run.result()
        began = time.perf_counter()
        journal = run.journal
        read = time.perf_counter() - began
        began = time.perf_counter()
        panel = JournalPanel(journal)
        panel.page()
        first = panel.ask_index()
        shown = time.perf_counter() - began
        total, count = size(first), first.fields["count"]
        while count < LONG:
            piece = panel.ask_index(count, len(panel.index.names))
            total, count = total + size(piece), count + piece.fields["count"]
        took = time.perf_counter() - began
    note = f"its first piece after {shown * 1e3:.0f} ms"
    return [
        Finding(f"opening a journal of {LONG:,}", took * 1e3, "ms", read * 1e3, "ms to read it", "< 2,000 ms", [note]),
        Finding("bytes before scrolling", total / 1e6, "MB", target="< 1.5 MB"),
    ]


def panels() -> list[Finding]:
    return [*followed(), *opened()]
