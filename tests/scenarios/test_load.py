"""Too many of everything: callers, children, sleepers, failures. Each meets an order, a quota or a pause."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

import agnt5
from agnt5 import Context, ExponentialBackoff, Run, _core, flow, function
from agnt5.durable import object
from agnt5.runtime import get_runtime
from scenarios.processes import lines, play


@object
class Turnstile:
    def __init__(self) -> None:
        self.total = 0
        self.callers: list[int] = []

    async def add(self, caller: int) -> int:
        before = self.total
        await asyncio.sleep(0)
        self.total = before + 1
        self.callers.append(caller)
        return self.total

    def order(self) -> list[int]:
        return self.callers


async def test_a_thousand_callers_of_one_object_take_turns_in_the_order_they_came() -> None:
    tally = agnt5.get_object(Turnstile, "one")
    assert await asyncio.gather(*(tally.add(n) for n in range(1_000))) == list(range(1, 1_001))
    assert await tally.order() == list(range(1_000))


async def test_a_thousand_flows_that_call_one_object_lose_no_call() -> None:
    @flow
    async def calls(ctx: Context, n: int) -> int:
        tally = await ctx.get_object(Turnstile, "two")
        return await tally.add(n)

    runs = [calls.start(n) for n in range(1_000)]
    assert sorted([await run for run in runs]) == list(range(1, 1_001))
    assert sorted(await agnt5.get_object(Turnstile, "two").order()) == list(range(1_000))


async def test_a_spawn_bomb_meets_a_quota_and_the_parent_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    real = _core.Engine

    class Narrow:
        """The real engine with fewer children a run: the default of 10,000 only makes this slower."""

        @staticmethod
        def open(directory: str, **options: Any) -> _core.Engine:
            return real.open(directory, max_children=50, **options)

    monkeypatch.setattr(_core, "Engine", Narrow)

    @flow
    async def child(ctx: Context, n: int) -> int:
        return n

    @flow
    async def bomb(ctx: Context) -> list[Any]:
        found = await asyncio.gather(*(ctx.call(child, n) for n in range(200)), return_exceptions=True)
        refused = [one for one in found if isinstance(one, agnt5.QuotaExceeded)]
        return [sum(isinstance(one, int) for one in found), len(refused), "50" in str(refused[0]), await ctx.call(int)]

    assert await bomb.run() == [50, 150, True, 0]
    assert len(agnt5.runs(component=child, limit=1_000)) == 50


@flow
async def endless(ctx: Context, depth: int) -> int:
    try:
        return await ctx.call(endless, depth + 1)
    except agnt5.QuotaExceeded:
        return depth


async def test_recursion_meets_a_quota_and_every_caller_gets_an_answer() -> None:
    run = endless.start(0)
    deepest = await asyncio.wait_for(run._wait(), 60)
    assert 10 <= deepest <= 100
    assert len(agnt5.runs(component=endless, status="completed", limit=1_000)) == deepest + 1


async def test_a_retry_storm_is_spread_and_capped() -> None:
    policy = ExponentialBackoff(max_attempts=4, initial=0.02, factor=4.0, max_interval=0.1, jitter=0.5)

    def down() -> None:
        raise ConnectionError("down")

    @flow
    async def asks(ctx: Context) -> None:
        await ctx.call(down, retry_policy=policy)

    runs = [asks.start() for _ in range(100)]
    for run in runs:
        with pytest.raises(agnt5.RunFailed, match="ConnectionError"):
            await run
    waits: list[list[float]] = [[], [], []]
    for run in runs:
        (entry,) = run.journal
        assert entry.attempts == 4
        for number, failed in enumerate(entry.failed_tries):
            assert failed.retry_at is not None
            waits[number].append((failed.retry_at - failed.at).total_seconds())
    for number, nominal in enumerate((0.02, 0.08, 0.1)):
        assert len({round(wait, 4) for wait in waits[number]}) > 50, "they come back at the same moment"
        # What is recorded next to each other may lie a little apart in time.
        assert all(0.4 * nominal < wait < 1.6 * nominal for wait in waits[number])
    assert max(waits[2]) <= 0.1 * 1.5 + 0.01


POISON = """
    def swallow():
        os.write(1, b"tried\\n")
        os.kill(os.getpid(), signal.SIGKILL)
    def harmless():
        return "fine"
    @flow
    async def job(ctx: Context):
        await ctx.call(harmless)
        return await ctx.call(swallow)
    """


def test_poison_is_paused_with_its_history_and_harms_nobody_else(tmp_path: Path) -> None:
    start = f'{POISON}\n    job.start(run_id="p1").result(20)'
    tries = 0
    for _ in range(10):
        lived = play(tmp_path, start)
        tries += lived.stdout.count("tried")
        if lived.returncode != -signal.SIGKILL:
            break
    assert "RunPaused" in lived.stderr
    assert "times in a row" in lived.stderr
    assert 3 <= tries <= 10
    said = lines(
        play(
            tmp_path,
            f"""{POISON}
    run = agnt5.get_run("p1")
    print(run.status, [(entry.path, entry.output) for entry in run.journal])
    @flow
    async def other(ctx: Context):
        return await ctx.call(harmless)
    print(other.run_sync())
    run.resume(values={{"swallow": "by hand"}})
    print(run.result(20))
    """,
        )
    )
    assert said == ["paused [('harmless', 'fine'), ('swallow', None)]", "fine", "by hand"]


async def test_many_failures_at_once_keep_their_own_errors() -> None:
    @function(retry_policy=1)
    def fails(ctx: Context, n: int) -> None:
        raise LookupError(n)

    @flow
    async def asks(ctx: Context) -> list[int]:
        found = await ctx.spawn([(fails, n) for n in range(300)], return_exceptions=True)
        return [error.args[0] for error in found]

    runs: list[Run] = [asks.start() for _ in range(3)]
    for run in runs:
        assert await run == list(range(300))
    assert get_runtime().engine.live() <= 3
