"""Time travel: how soon a position is there, how soon two journals are compared, checked, saved and loaded.

Beside each stands what it costs elsewhere: the flow's code with nothing recorded, difflib, JSON lines in gzip.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import time
from collections.abc import Callable, Iterable
from difflib import SequenceMatcher
from pathlib import Path
from statistics import median

import agnt5
from agnt5 import Context, Journal, Run, flow
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


async def bare(steps: int) -> int:
    """The code of `counts` as one writes it without durability: a step is a turn of the loop."""
    total = 0
    for number in range(steps):
        total += len(await asyncio.create_task(word(number)))
    return total


def replay() -> list[Finding]:
    """Jumps to random positions of one long run, and single steps forwards and back."""
    order = random.Random(7)
    with scratch() as directory, home(directory, durability="process"):
        journal = _ended(counts.start(STEPS)).journal
        with journal.replay() as walk:
            first = _seconds(walk.run_to_end)
            jumps = [_seconds(lambda: _look(walk.goto(order.randrange(2 * STEPS)))) for _ in range(JUMPS)]
            walk.goto(STEPS)
            backs = [_seconds(lambda: _look(walk.back())) for _ in range(JUMPS * 10)]
            ahead = [_seconds(lambda: _look(walk.step())) for _ in range(JUMPS * 10)]
        plain = _median(lambda: asyncio.run(bare(STEPS // 2)), 3) * 1e3
    note = f"{STEPS:,} steps, {JUMPS} random jumps, worst {max(jumps) * 1e3:.0f} ms; first way to the end {first:.2f} s"
    worst = f"{len(backs)} steps back in a row, worst {max(backs) * 1e3:.0f} ms: every 64th makes 64 positions at once"
    return [
        Finding(
            "replay: goto, frames and locals included",
            median(jumps) * 1e3,
            "ms",
            plain,
            "ms, bare code run to the middle",
            "< 100 ms",
            [note],
        ),
        Finding(
            "replay: back one step",
            median(backs) * 1e3,
            "ms",
            median(ahead) * 1e3,
            "ms, one step forwards",
            "< 60 ms, median",
            [worst],
        ),
    ]


def diff() -> list[Finding]:
    """Two runs that differ in every tenth argument."""
    with scratch() as directory, home(directory, durability="process"):
        old, new = _ended(counts.start(STEPS // 2, 7)).journal, _ended(counts.start(STEPS // 2, 11)).journal
        seconds = _median(lambda: old.diff(new), 5)
        peer = _median(lambda: SequenceMatcher(None, _lines(old), _lines(new), autojunk=False).get_opcodes(), 3)
        note = f"{len(old.stored):,} stored entries each, {len(old.diff(new).changed):,} rows differ; read before"
    floor = "ms, difflib on their lines"
    return [Finding("diff of two journals", seconds * 1e3, "ms", peer * 1e3, floor, "< 100 ms", [note])]


def check() -> list[Finding]:
    """Many short runs against unchanged code."""
    with scratch() as directory, home(directory, durability="process"):
        _all_ended(counts.start(20) for _ in range(CHECKED))
        seconds = _median(lambda: agnt5.check(counts), 3)
        assert agnt5.check(counts).ok
    plain = _median(lambda: [asyncio.run(bare(20)) for _ in range(CHECKED)], 3)
    note = f"{CHECKED:,} runs of 20 steps, reading them included"
    return [Finding("check of recorded runs", seconds, "s", plain, "s, bare code run", "< 3 s", [note])]


def files() -> list[Finding]:
    """One long journal to a file and back."""
    with scratch() as directory, home(directory, durability="process"):
        journal = _ended(counts.start(ENTRIES // 2)).journal
        path = Path(directory) / "run.agnt5"
        saving = _median(lambda: journal.save(path), 3)
        loading = _median(lambda: agnt5.load_journal(path), 3)
        note = f"{len(journal.stored):,} stored entries, {path.stat().st_size / 1e6:.1f} MB"
        plain = Path(directory) / "run.jsonl.gz"
        rows = [{"kind": entry.kind, "name": entry.name, "output": entry.output} for entry in journal]
        writing = _median(lambda: _write_lines(plain, rows), 3)
        reading = _median(lambda: _read_lines(plain), 3)
    return [
        Finding("save a journal file", saving, "s", writing, "s, JSON lines in gzip", "< 2 s", [note]),
        Finding("load a journal file", loading, "s", reading, "s, JSON lines in gzip", "< 2 s"),
    ]


def _write_lines(path: Path, rows: list[dict[str, object]]) -> None:
    """One line for each of `rows`, at gzip's fastest."""
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def _read_lines(path: Path) -> list[object]:
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


def _lines(journal: Journal) -> list[str]:
    """What difflib compares: an entry's name and content as text."""
    return [f"{entry.kind} {entry.name} {entry.input!r} {entry.output!r}" for entry in journal]


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
