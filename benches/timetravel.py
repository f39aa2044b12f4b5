"""Time travel: how soon a position is there, how soon two journals are compared, checked, saved and loaded."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

import agnt5
from agnt5 import Context, Run, flow
from agnt5.replay.replay import Replay

from .bench import home, scratch
from .report import Finding

STEPS = 10_000
JUMPS = 60
CHECKED = 1_000
ENTRIES = 100_000


async def word(number: int) -> str:
    return f"{number:08}" * 20


@flow(name="bench.counts")
async def counts(ctx: Context, steps: int, every: int = 0) -> int:
    total = 0
    for number in range(steps):
        total += len(await ctx.call(word, -number if every and number % every == 0 else number))
    return total


def replay() -> list[Finding]:
    """Jumps to random positions of one long run, and single steps back from each."""
    order = random.Random(7)
    with scratch() as directory, home(directory, durability="process"):
        journal = _ended(counts.start(STEPS)).journal
        with journal.replay() as walk:
            first = _seconds(walk.run_to_end)
            jumps = [_seconds(lambda: _look(walk.goto(order.randrange(2 * STEPS)))) for _ in range(JUMPS)]
            backs = [_seconds(lambda: _look(walk.back())) for _ in range(JUMPS * 10)]
    note = f"{STEPS:,} steps, {JUMPS} random jumps, worst {max(jumps) * 1e3:.0f} ms; first way to the end {first:.2f} s"
    worst = f"{len(backs)} steps back in a row, worst {max(backs) * 1e3:.0f} ms: every 64th makes 64 positions at once"
    return [
        Finding("replay: goto, frames and locals included", median(jumps) * 1e3, "ms", target="< 100 ms", notes=[note]),
        Finding("replay: back one step", median(backs) * 1e3, "ms", target="< 60 ms, median", notes=[worst]),
    ]


def diff() -> list[Finding]:
    """Two runs that differ in every tenth argument."""
    with scratch() as directory, home(directory, durability="process"):
        old, new = _ended(counts.start(STEPS // 2, 7)).journal, _ended(counts.start(STEPS // 2, 11)).journal
        seconds = _median(lambda: old.diff(new), 5)
        note = f"{len(old.stored):,} stored entries each, {len(old.diff(new).changed):,} rows differ; read before"
    return [Finding("diff of two journals", seconds * 1e3, "ms", target="< 100 ms", notes=[note])]


def check() -> list[Finding]:
    """Many short runs against unchanged code."""
    with scratch() as directory, home(directory, durability="process"):
        _all_ended(counts.start(20) for _ in range(CHECKED))
        seconds = _median(lambda: agnt5.check(counts), 3)
        assert agnt5.check(counts).ok
    note = f"{CHECKED:,} runs of 20 steps, reading them included"
    return [Finding("check of recorded runs", seconds, "s", target="< 3 s", notes=[note])]


def files() -> list[Finding]:
    """One long journal to a file and back."""
    with scratch() as directory, home(directory, durability="process"):
        journal = _ended(counts.start(ENTRIES // 2)).journal
        path = Path(directory) / "run.agnt5"
        saving = _median(lambda: journal.save(path), 3)
        loading = _median(lambda: agnt5.load_journal(path), 3)
        note = f"{len(journal.stored):,} stored entries, {path.stat().st_size / 1e6:.1f} MB"
    return [
        Finding("save a journal file", saving, "s", target="< 2 s", notes=[note]),
        Finding("load a journal file", loading, "s", target="< 2 s"),
    ]


def _look(walk: Replay) -> tuple[object, ...]:
    """What a person sees of a position."""
    return walk.frames, walk.locals, walk.state, walk.source


def _ended(run: Run) -> Run:
    run.result()
    return run


def _all_ended(runs: Iterable[Run]) -> list[Run]:
    return [_ended(run) for run in [*runs]]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _median(work: Callable[[], object], rounds: int) -> float:
    return median(_seconds(work) for _ in range(rounds))
