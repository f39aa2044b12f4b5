"""Makes the goldens of the format versions that this checkout writes: `python -m golden.make DIR`, with `tests` on
the path. Run it when a version is added, and commit what it makes; what is there already is never made anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import agnt5
from golden import flows

HOME = Path(__file__).parent


def record() -> None:
    """Runs of every kind and end. Two are left waiting."""
    started = [
        flows.steps.start(["tea", "pot"], run_id="g_steps", tags={"golden": "yes"}),
        flows.retries.start(run_id="g_retries"),
        flows.nested.start(run_id="g_nested"),
        flows.timeouts.start(run_id="g_timeouts"),
        flows.fails.start(flows.Parcel("vase", 2.5, ("glass",)), run_id="g_fails"),
        flows.collect.start(["one", "two"], run_id="g_collect"),
    ]
    cancelled = flows.waits.start("nobody", run_id="g_cancelled")
    waiting = [flows.waits.start("ada", run_id="g_waits"), flows.waits.start("bob", run_id="g_paused")]
    until(lambda: all(str(run.status) == "waiting" for run in [cancelled, *waiting]))
    cancelled.cancel()
    for run in [*started, cancelled]:
        with contextlib.suppress(agnt5.RunFailed, agnt5.RunCancelled):
            run.result(30)
    waiting[1].pause("a person looks at it")
    until(lambda: str(waiting[1].status) == "paused")
    if hasattr(agnt5.Run, "fork"):
        started[0].fork(outputs={"weigh#2": flows.Parcel("jug", 9.0)}, run_id="g_fork").result(30)
        started[1].rerun(run_id="g_rerun").result(30)
    if hasattr(agnt5.Context, "continue_as"):
        flows.relays.start(1, [], run_id="g_relays").result(30)


async def remember() -> None:
    """Every kind of memory, outside of runs: since store version 3."""
    memory = flows.memory()
    for n in range(3):
        await memory.working.store(f"key {n}", flows.Parcel("cup", 0.5, (str(n),)))
        await memory.episodic.remember("delivery", {"street": "Kirchgasse", "n": n})
    await memory.semantic.add("Ada lives in Lyon", {"since": 2019})
    await memory.semantic.add("Bob lives in Oslo")
    await memory.semantic.forget("Bob lives in Oslo")
    await memory.procedural.learn("deliver", ["ring", "wait"])
    await memory.procedural.reinforce("deliver", True)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError("the golden runs do not come to rest")
        asyncio.run(asyncio.sleep(0.01))


def told() -> list[dict[str, Any]]:
    """What people are told of every run: the later versions must tell the same."""
    found: list[dict[str, Any]] = []
    for run in reversed(agnt5.runs(limit=1000)):
        entries = [
            [one.seq, one.path, one.kind, repr(one.input), repr(one.output)[:200], one.error, one.attempts]
            for one in run.journal
        ]
        # A run that is going on may come further; its beginning stays.
        found.append({"id": run.id, "component": run.component, "status": str(run.status), "entries": entries})
    return found


def main(directory: Path) -> None:
    with tempfile.TemporaryDirectory() as home:
        subprocess.run([sys.executable, "-m", "golden.make", "--record", home], check=True)
        database = Path(home) / "default" / "journal.db"
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        name = f"store-{version}{segments()}"
        keep(database, directory / f"{name}.db")
        keep(Path(home) / "told.json", directory / f"{name}.json")
        for file in Path(home).glob("*.agnt5"):
            keep(file, directory / f"file-{file.read_bytes()[6]}.agnt5")


def segments() -> str:
    """Segments have a version of their own, which the name of a store tells from the second on."""
    text = (HOME.parents[1] / "core/journal/src/segment.rs").read_text(encoding="utf-8")
    found = re.search(r"SEGMENT_VERSION: u8 = (\d+)", text)
    assert found is not None
    return "" if found[1] == "1" else f"-segments-{found[1]}"


def keep(made: Path, target: Path) -> None:
    if target.exists():
        print(f"{target.name} is there already")
    else:
        shutil.copyfile(made, target)
        print(f"made {target.name}, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    if sys.argv[1] == "--record":
        agnt5.configure(home=sys.argv[2])
        record()
        if find_spec("agnt5.memory") is not None:
            asyncio.run(remember())
        (Path(sys.argv[2]) / "told.json").write_text(json.dumps(told(), indent=1))
        journal: Any = agnt5.get_run("g_nested").journal
        if hasattr(journal, "save"):
            journal.save(Path(sys.argv[2]) / "nested.agnt5")
    else:
        main(Path(sys.argv[1]))
