"""Replay: how fast a recorded flow is driven to where its journal ends, and how soon an interrupted run goes on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median

from agnt5 import Context, flow

from .bench import home, scratch
from .report import Finding

# (bytes of a step's result, steps): fewer steps where the journal would outgrow a small machine, or one's patience.
SIZES = ((200, 100_000), (5_000, 20_000), (50_000, 2_000))
INTERRUPTED = 10_000
ROUNDS = 3

_reached = threading.Event()
_reached_at = 0.0


async def text_of(size: int) -> str:
    return "x" * size


async def next_live_step() -> None:
    """The first step that is not recorded: when it begins, the replay is over. It never ends."""
    global _reached_at
    _reached_at = time.perf_counter()
    _reached.set()
    await asyncio.sleep(3600)


@flow(name="bench.long")
async def long_flow(ctx: Context, steps: int, size: int) -> None:
    for _ in range(steps):
        await ctx.call(text_of, size)
    await ctx.call(next_live_step)


def _record(directory: Path, steps: int, size: int) -> None:
    """Leave a run of so many recorded steps interrupted. A power loss might take it, which is no matter here."""
    _reached.clear()
    with home(directory, durability="process"):
        long_flow.start(steps, size)
        _reached.wait()


def _go_on(directory: Path) -> tuple[float, float]:
    """Seconds from before the store is opened until it is open, and until the run begins its next live step."""
    _reached.clear()
    started = time.perf_counter()
    with home(directory):
        opened = time.perf_counter()
        _reached.wait()
        return opened - started, _reached_at - started


def replay() -> list[Finding]:
    """Entries a second from before the open of a store to the next live step; two entries a step."""
    findings: list[Finding] = []
    for size, steps in SIZES:
        with scratch() as directory:
            _record(directory, steps, size)
            seconds = median(_go_on(directory)[1] for _ in range(ROUNDS))
        note = f"{steps:,} steps of two entries, median of {ROUNDS}; opening the store and reading the journal included"
        target = ">= 150,000" if size == 200 else ""
        findings.append(
            Finding(f"replay, results of {size:,} bytes", 2 * steps / seconds, "entries/s", target=target, notes=[note])
        )
    return findings


def resume() -> list[Finding]:
    """A process is killed behind its 10,000th step; a fresh one opens the store: time to the next live step."""
    found: list[tuple[float, float]] = []
    with scratch() as directory:
        _in_process("die", directory)
        for _ in range(ROUNDS):
            found.append(tuple(json.loads(_in_process("wake", directory))))
    opened, live = (median(times) * 1e3 for times in zip(*found, strict=True))
    note = (
        f"{INTERRUPTED:,} recorded steps of 200 bytes, killed, then a fresh process; median of {ROUNDS}; counted from "
        f"before the open, which took {opened:.0f} ms of it"
    )
    return [Finding("interrupted run to its next live step", live, "ms", target="< 250 ms", notes=[note])]


def _in_process(what: str, directory: Path) -> str:
    done = subprocess.run([sys.executable, "-m", __name__, what, str(directory)], capture_output=True, text=True)
    if done.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"the process that should {what} failed:\n{done.stderr}")
    return done.stdout


def main(what: str, directory: Path) -> None:
    if what == "die":
        with home(directory, durability="process"):
            long_flow.start(INTERRUPTED, 200)
            _reached.wait()
            os.kill(os.getpid(), signal.SIGKILL)
    print(json.dumps(_go_on(directory)), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
