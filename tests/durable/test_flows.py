"""Flows: what they ask is recorded, what they get back is what a replay would give."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

import agnt5
from agnt5 import Context, flow, function


async def add(a: int, b: int) -> int:
    return a + b


def double(value: int) -> int:
    print("doubling", value)
    return value * 2


async def test_steps_are_recorded_in_order() -> None:
    @flow
    async def sums(ctx: Context, start: int) -> int:
        return await ctx.call(double, await ctx.call(add, start, 1))

    run = sums.start(4)
    assert await run == 10
    seen = [(entry.kind, entry.path, entry.output) for entry in run.journal]
    assert seen == [("step", "add", 5), ("step", "double", 10)]
    assert run.journal[1].logs[0][2] == "doubling 5\n"
    assert run.status == "completed"
    assert run.input.args == (4,)
    assert run.component == "sums"


async def test_plain_asyncio_is_durable() -> None:
    @flow
    async def mixed(ctx: Context) -> list[object]:
        gathered = await asyncio.gather(ctx.call(add, 1, 1), ctx.call(add, 2, 2))
        async with asyncio.TaskGroup() as group:
            one = group.create_task(ctx.call(double, 1))
            two = group.create_task(ctx.call(double, 2))
        await asyncio.sleep(0.01)
        try:
            async with asyncio.timeout(0.01):
                await ctx.wait_for_event("never")
        except TimeoutError:
            late = True
        return [gathered, one.result(), two.result(), late]

    run = mixed.start()
    assert await run == [[2, 4], 2, 4, True]
    kinds = [entry.kind for entry in run.journal]
    assert kinds.count("sleep") == 2
    assert kinds[-2:] == ["event", "cancel"]


async def test_spawn_gives_results_in_order() -> None:
    async def slow(delay: float) -> float:
        await asyncio.sleep(delay)
        return delay

    @flow
    async def many(ctx: Context) -> list[object]:
        return await ctx.spawn([(slow, 0.02), (add, (1, 2)), (double, 4)])

    assert await many.run() == [0.02, 3, 8]


async def test_spawn_returns_exceptions_when_asked() -> None:
    def broken() -> None:
        raise KeyError("nothing")

    @flow
    async def many(ctx: Context) -> list[str]:
        found = await ctx.spawn([(broken, ()), (double, 4)], return_exceptions=True)
        return [type(one).__name__ for one in found]

    assert await many.run() == ["KeyError", "int"]


async def test_arguments_are_values() -> None:
    def grow(items: list[int]) -> int:
        items.append(0)
        return len(items)

    @flow
    async def keeps(ctx: Context) -> list[int]:
        items = [1]
        await ctx.call(grow, items)
        return items

    assert await keeps.run() == [1]


async def test_an_exception_keeps_its_type() -> None:
    def broken() -> None:
        raise LookupError("no such thing", 7)

    @flow
    async def careful(ctx: Context) -> list[object]:
        try:
            await ctx.call(broken, retry_policy=1)
        except LookupError as error:
            return [*error.args, error.attempts]  # type: ignore[attr-defined]
        return []

    assert await careful.run() == ["no such thing", 7, 1]


async def test_failed_flow_says_what_failed() -> None:
    @flow
    async def fails(ctx: Context) -> None:
        raise ValueError("bad input")

    run = fails.start()
    with pytest.raises(agnt5.RunFailed, match="ValueError: bad input") as caught:
        await run
    assert caught.value.cause_type == "builtins:ValueError"
    assert isinstance(caught.value.__cause__, ValueError)
    assert run.status == "failed"
    assert run.error is not None
    assert "bad input" in run.error


async def test_state_time_and_chance_are_recorded() -> None:
    @flow
    async def keeps(ctx: Context) -> list[object]:
        await ctx.state.set("a", {"n": 1})
        await ctx.state.set("b", 2)
        await ctx.state.delete("b")
        before = ctx.now()
        await ctx.sleep(timedelta(milliseconds=20))
        late = (ctx.now() - before).total_seconds() >= 0.02
        return [
            await ctx.state.get("a"),
            await ctx.state.get("b", "gone"),
            await ctx.state.keys(),
            late,
            ctx.uuid() != ctx.uuid(),
            0 <= ctx.random.random() < 1,
        ]

    assert await keeps.run() == [{"n": 1}, "gone", ["a"], True, True, True]


async def test_child_flows_and_started_runs() -> None:
    @flow
    async def child(ctx: Context, n: int) -> int:
        return await ctx.call(double, n)

    @flow
    async def parent(ctx: Context) -> list[int]:
        started = child.start(5)
        inner = await child.run(1)
        called = await ctx.call(child, 2)
        return [inner, called, await started]

    run = parent.start()
    assert await run == [2, 4, 10]
    assert [entry.kind for entry in run.journal] == ["start", "child", "child", "join"]
    assert len(agnt5.runs(component=child)) == 3


async def test_child_failure_has_its_own_type() -> None:
    @flow
    async def child(ctx: Context) -> None:
        raise ZeroDivisionError("by nought")

    @flow
    async def parent(ctx: Context) -> str:
        try:
            await ctx.call(child)
        except ZeroDivisionError as error:
            return str(error)
        return "no error"

    assert await parent.run() == "by nought"


async def test_a_flow_that_does_io_fails_with_the_line() -> None:
    @flow
    async def naughty(ctx: Context) -> None:
        try:
            Path("should-not-exist").write_text("x")
        except Exception:
            return  # swallowing it changes nothing

    run = naughty.start()
    with pytest.raises(agnt5.RunFailed, match="FlowIOError"):
        await run


async def test_blocking_verbs_are_refused_inside_a_run() -> None:
    @flow
    async def other(ctx: Context) -> int:
        return 1

    @flow
    async def blocks(ctx: Context) -> str:
        try:
            other.run_sync()
        except agnt5.ConfigurationError as error:
            return str(error)
        return "not refused"

    assert "inside run" in await blocks.run()


async def test_the_same_run_id_is_the_same_run() -> None:
    @flow
    async def once(ctx: Context, n: int) -> int:
        return n

    first = once.start(1, run_id="order-1")
    assert await first == 1
    assert once.start(1, run_id="order-1") == first
    with pytest.raises(agnt5.RunConflict):
        once.start(2, run_id="order-1")


async def test_a_forgotten_await_is_a_warning() -> None:
    @flow
    async def forgets(ctx: Context) -> int:
        ctx.call(double, 1)  # type: ignore[unused-coroutine]
        return 1

    run = forgets.start()
    assert await run == 1
    assert "never awaited" in run.journal.warnings[0]


async def test_a_flow_with_a_policy_starts_again_and_keeps_successes() -> None:
    tries: list[int] = []

    def counted(n: int) -> int:
        tries.append(n)
        return n

    def flaky() -> str:
        tries.append(-1)
        if tries.count(-1) < 2:
            raise ConnectionError("down")
        return "up"

    @flow(retry_policy=agnt5.ExponentialBackoff(max_attempts=3, initial=0.001))
    async def again(ctx: Context) -> list[object]:
        return [await ctx.call(counted, 1), await ctx.call(flaky)]

    assert await again.run() == [1, "up"]
    assert tries == [1, -1, -1]


def test_run_sync_and_result_block() -> None:
    @function
    async def hello(ctx: Context, name: str) -> str:
        return f"hello {name}"

    assert hello.run_sync("you") == "hello you"
    assert hello.start("me").result(5) == "hello me"


def test_result_times_out_and_the_run_goes_on() -> None:
    @flow
    async def waits(ctx: Context) -> str:
        return await ctx.wait_for_event("go")

    run = waits.start()
    with pytest.raises(TimeoutError, match="It goes on"):
        run.result(0.05)
    agnt5.send_event("go", "went")
    assert run.result(5) == "went"


async def test_a_failed_run_says_so_without_what_a_terminal_would_obey() -> None:
    @flow
    async def shouts(ctx: Context) -> None:
        raise ValueError("\x1b[31mred\x1b]0;mine\x07\u202e")

    with pytest.raises(agnt5.RunFailed) as caught:
        await shouts.run()
    assert "ValueError: \\x1b[31mred" in str(caught.value)
    assert not any(c in str(caught.value) for c in "\x1b\x07\u202e")
    assert "\x1b[31mred" in caught.value.cause_message, "what was recorded is there as it was"
