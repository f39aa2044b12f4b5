"""The program that is killed: `crash.program HOME LEDGER FIRST LIFE POINT NTH SEED`.

One life starts the runs of its own batch and of the earlier ones from FIRST on (the same ids again), sends their
events, and waits for all of them. Bodies note in the ledger what they really did. A first argument is a step's label,
unique in its run. The point "" is a life without a trap: it must end everything, replay what it finds, and leave
cleanly.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
from pathlib import Path
from typing import Any

import agnt5
from agnt5 import Context, ExponentialBackoff, Run, durable, flow, function
from crash.ledger import Ledger
from crash.trap import Trap, install

HOME, LEDGER, FIRST, LIFE, POINT, NTH, SEED = sys.argv[1:]
QUICK = ExponentialBackoff(max_attempts=5, initial=0.02, factor=1.0, jitter=0.0)
BULK = 300_000
PATIENCE = 40.0

BATCHES = range(int(FIRST), int(LIFE) + 1)

ledger = Ledger(Path(LEDGER))
trap = Trap(POINT, int(NTH), int(SEED), ledger)


def happened(label: str) -> str:
    """The effect of a body: from here on it has been executed."""
    ctx = agnt5.current_context()
    assert ctx is not None
    trap.at("in body")
    ledger.note("body", ctx.run_id, label, ctx.idempotency_key, ctx.attempt)
    trap.at("effect done")
    return label


def blocking(label: str) -> str:
    return happened(label)


async def effect(label: str) -> str:
    return happened(label)


async def flaky(label: str, failures: int) -> str:
    happened(label)
    ctx = agnt5.current_context()
    assert ctx is not None
    if ctx.attempt <= failures:
        raise ConnectionError(f"{label} failed {ctx.attempt} times")
    return label


async def heavy(label: str) -> bytes:
    happened(label)
    return os.urandom(BULK)


@durable.object
class Tally:
    def __init__(self) -> None:
        self.total = 0

    async def add(self, label: str, n: int) -> int:
        self.total += n
        happened(label)
        trap.at("in method")
        return self.total


@flow
async def sequence(ctx: Context) -> list[str]:
    return [await ctx.call(effect if n % 2 else blocking, f"s{n}") for n in range(5)]


@flow
async def fan(ctx: Context) -> list[str]:
    gathered = await asyncio.gather(*(ctx.call(effect, f"g{n}") for n in range(4)))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ctx.call(blocking, f"t{n}")) for n in range(2)]
    return [*gathered, *(task.result() for task in tasks)]


@function
async def nested(ctx: Context, label: str) -> list[str]:
    happened(label)
    found = list(await asyncio.gather(*(ctx.call(effect, f"{label}.{n}") for n in range(3))))
    await ctx.state.set("inner", len(found))
    return [*found, await ctx.call(effect, f"{label}.last")]


@flow
async def nests(ctx: Context) -> list[Any]:
    first, second = await asyncio.gather(ctx.call(nested, "n"), ctx.call(nested, "m"))
    await ctx.state.set("outer", len(second))
    return [first, second, await ctx.state.get("inner"), await ctx.state.keys()]


@flow
async def sleepy(ctx: Context) -> list[Any]:
    before = await ctx.call(effect, "before")
    await asyncio.sleep(0.03)
    late = False
    try:
        async with asyncio.timeout(0.01):
            await ctx.sleep(3600)
    except TimeoutError:
        late = True
    return [before, await ctx.call(effect, "after"), late, str(ctx.uuid()), ctx.random.random()]


@flow
async def child(ctx: Context, label: str) -> list[str]:
    return [await ctx.call(effect, f"{label}.{n}") for n in range(2)]


@flow
async def parent(ctx: Context) -> list[Any]:
    started = child.start("started")
    called = await ctx.call(child, "called")
    return [called, await ctx.call(effect, "between"), await started]


@flow
async def tallies(ctx: Context) -> list[int]:
    tally = await ctx.get_object(Tally, "shared")
    return [await tally.add(f"a{n}", 1) for n in range(2)]


@flow
async def retries(ctx: Context) -> list[str]:
    return [await ctx.call(flaky, f"f{n}", n + 1, retry_policy=QUICK) for n in range(2)]


@flow
async def once(ctx: Context) -> list[str]:
    before = await ctx.call(effect, "before")
    charged = await ctx.call(effect, "charge", name="charge", effect="at_most_once")
    return [before, charged, await ctx.call(effect, "after")]


@flow
async def listens(ctx: Context) -> list[Any]:
    return [await ctx.wait_for_event("go"), await ctx.call(effect, "heard"), await ctx.wait_for_event("go")]


@flow
async def stopped(ctx: Context) -> None:
    try:
        await ctx.wait_for_event("never")
    finally:
        await ctx.call(effect, "cleaned up")


@function(retry_policy=QUICK)
async def solo(ctx: Context) -> list[Any]:
    happened("root")
    first = await ctx.call(effect, "first")
    await ctx.sleep(0.02)
    if ctx.attempt == 1:
        raise ConnectionError("solo failed once")
    return [first, await ctx.call(effect, "second")]


@flow
async def relay(ctx: Context, leg: int = 0, past: tuple[str, ...] = ()) -> list[str]:
    past = (*past, await ctx.call(effect, f"leg{leg}"))
    if leg < 2:
        await ctx.continue_as(leg + 1, past)
    return [*past, await ctx.call(effect, "arrived")]


@flow
async def relays(ctx: Context) -> list[list[str]]:
    started = relay.start(1)
    return [await ctx.call(relay), await started]


@flow
async def bulky(ctx: Context) -> int:
    return sum([len(await ctx.call(heavy, f"b{n}")) for n in range(40)])


# Their names are `chains.NAMES`.
FLOWS = (sequence, fan, nests, sleepy, parent, tallies, retries, once, listens, stopped, solo, relay, relays)


def main() -> None:
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    agnt5.configure(home=HOME, durability="full")
    install(trap, ledger)
    if POINT.startswith("evict"):
        _evict_at_once()
    runtime = agnt5.runtime.get_runtime()
    for run in agnt5.runs(status="paused", limit=10_000):
        if "times in a row" in (run.error or ""):
            run.resume()  # a person has looked, and sees that it was not the run's fault
    runs = _start_all()
    if POINT == "checkpoint":
        trap.when_changed("checkpoint", runtime.directory / "journal.db")
        runs.append(bulky.start(run_id=f"bulky-{LIFE}"))
    for batch in BATCHES:
        for n in range(2):
            fresh = agnt5.send_event("go", f"go-{batch}-{n}", event_id=f"go-{batch}-{n}")
            ledger.note("sent", f"go-{batch}-{n}", fresh)
            trap.at("event sent")
    for run in runs:
        if run.id.startswith("stopped"):
            run.cancel()
            trap.at("cancelled")
    for run in runs:
        ledger.note("result", run.id, _outcome(run))
        trap.at("result returned")
    if not POINT:
        for run in agnt5.runs(component=bulky, limit=10_000):
            run.result()
        _replay(runs)
    agnt5.runtime.close_runtime()


def _start_all() -> list[Run]:
    runs: list[Run] = []
    for batch in BATCHES:
        for component in FLOWS:
            trap.at("before start")
            run = component.start(run_id=f"{component.name}-{batch}")
            ledger.note("started", run.id)
            trap.at("start returned")
            runs.append(run)
    return runs


def _outcome(run: Run) -> Any:
    while True:
        try:
            return run.result()
        except agnt5.RunCancelled:
            return "cancelled"
        except agnt5.RunPaused as error:
            if "uncertain" not in str(error):
                raise
            run.resume(values={"charge": "charge"})  # a person has looked: the charge went through


def _evict_at_once() -> None:
    from agnt5.execution import driver

    driver.IDLE_SECONDS = 0.01
    driver.MAX_PARKED = 2


def _replay(runs: list[Run]) -> None:
    from agnt5.testing import assert_replays

    for run in runs:
        if run.status == "completed" and run.component != solo.name:
            assert_replays(run)


if __name__ == "__main__":
    main()
