"""Functions and steps: retries, time limits, nesting, and bodies on threads."""

from __future__ import annotations

import asyncio
import time

import pytest

import agnt5
from agnt5 import Context, ExponentialBackoff, flow, function

QUICK = ExponentialBackoff(max_attempts=3, initial=0.001)


def double(value: int) -> int:
    return value * 2


async def test_a_failing_step_is_tried_again() -> None:
    tries: list[int] = []

    async def flaky() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError(f"try {len(tries)}")
        return "worked"

    @flow
    async def calls(ctx: Context) -> str:
        return await ctx.call(flaky, retry_policy=QUICK)

    run = calls.start()
    assert await run == "worked"
    entry = run.journal[0]
    assert entry.attempts == 3
    assert [failed.error for failed in entry.failed_tries] == ["ConnectionError: try 1", "ConnectionError: try 2"]


async def test_programming_errors_are_not_tried_again() -> None:
    tries: list[int] = []

    @function
    async def wrong(ctx: Context) -> None:
        tries.append(1)
        raise TypeError("wrong")

    with pytest.raises(agnt5.RunFailed, match="TypeError: wrong"):
        await wrong.run()
    assert tries == [1]


async def test_a_function_run_is_tried_again_and_keeps_successes() -> None:
    log: list[str] = []

    def first() -> str:
        log.append("first")
        return "one"

    @function(retry_policy=QUICK)
    async def flaky(ctx: Context) -> list[object]:
        found = await ctx.call(first)
        log.append(f"attempt {ctx.attempt}")
        if ctx.attempt < 3:
            raise ConnectionError("down")
        return [found, ctx.attempt]

    run = flaky.start()
    assert await run == ["one", 3]
    assert log == ["first", "attempt 1", "attempt 2", "attempt 3"]


async def test_what_the_last_attempt_did_not_ask_again_stays_and_is_marked() -> None:
    def read(place: str) -> str:
        return place.upper()

    @function
    async def inner(ctx: Context, place: str) -> str:
        return await ctx.call(read, place)

    @function(retry_policy=QUICK)
    async def wandering(ctx: Context) -> str:
        here = await ctx.call(read, "here")
        if ctx.attempt == 1:
            await ctx.call(inner, "there")
            raise ConnectionError("down")
        return here

    @flow
    async def trip(ctx: Context) -> str:
        return await ctx.call(wandering)

    for run in (wandering.start(), trip.start()):
        assert await run == "HERE"
        marked = {entry.path: entry.unclaimed for entry in run.journal}
        prefix = "" if run.component == "wandering" else "wandering/"
        assert marked[f"{prefix}read"] is False
        assert marked[f"{prefix}inner"] is True
        assert marked[f"{prefix}inner/read"] is True, "what was asked below it is marked with it"
        assert "unclaimed 'THERE'" in str(run.journal)


async def test_a_function_nests_under_its_caller() -> None:
    @function
    async def inner(ctx: Context, n: int) -> int:
        return sum(await asyncio.gather(*(ctx.call(double, i) for i in range(n))))

    @flow
    async def outer(ctx: Context) -> int:
        return await ctx.call(inner, 3)

    run = outer.start()
    assert await run == 6
    assert [(entry.depth, entry.path) for entry in run.journal] == [
        (0, "inner"),
        (1, "inner/double"),
        (1, "inner/double#2"),
        (1, "inner/double#3"),
    ]


async def test_an_explicit_policy_does_not_multiply() -> None:
    tries: list[int] = []

    def broken() -> None:
        tries.append(1)
        raise ConnectionError("down")

    @function(retry_policy=QUICK)
    async def outer(ctx: Context) -> None:
        await ctx.call(broken)

    with pytest.raises(agnt5.RunFailed, match="ConnectionError"):
        await outer.run()
    assert len(tries) == 3


async def test_a_sync_body_blocks_only_its_thread() -> None:
    @function
    def works(ctx: Context, n: int) -> list[object]:
        ctx.sleep(0.01)  # type: ignore[unused-coroutine]
        ctx.state.set("n", n)  # type: ignore[unused-coroutine]
        return [ctx.call(double, n), ctx.state.get("n"), ctx.now() is not None]  # type: ignore[list-item]

    run = works.start(4)
    assert await run == [8, 4, True]


async def test_a_step_that_takes_too_long() -> None:
    async def sleeps() -> None:
        await asyncio.sleep(30)

    def blocks() -> None:
        time.sleep(0.5)

    @flow
    async def limited(ctx: Context) -> list[str]:
        found = []
        for body in (sleeps, blocks):
            try:
                await ctx.call(body, timeout=0.05, retry_policy=1)
            except agnt5.StepTimeout as error:
                found.append(str(error)[:20])
        return found

    assert await limited.run() == ["sleeps took longer t", "blocks took longer t"]


async def test_durable_waits_do_not_count_against_the_limit() -> None:
    @function(timeout=0.1)
    async def patient(ctx: Context) -> str:
        await ctx.sleep(0.3)
        return "in time"

    assert await patient.run() == "in time"


async def test_the_key_is_the_same_for_every_attempt() -> None:
    keys: list[str] = []

    def charge() -> str:
        ctx = agnt5.current_context()
        assert ctx is not None
        keys.append(ctx.idempotency_key)
        if len(keys) < 3:
            raise ConnectionError("down")
        return ctx.idempotency_key

    @flow
    async def pays(ctx: Context) -> str:
        return await ctx.call(charge, retry_policy=QUICK)

    assert await pays.run() == keys[0]
    assert len(set(keys)) == 1


async def test_every_body_knows_its_run() -> None:
    def plain() -> str:
        ctx = agnt5.current_context()
        assert ctx is not None
        return ctx.run_id

    @function
    async def inner(ctx: Context) -> list[str]:
        return [ctx.run_id, await ctx.call(plain)]

    @flow
    async def outer(ctx: Context) -> list[str]:
        return [ctx.run_id, await ctx.call(plain), *await ctx.call(inner)]

    run = outer.start()
    assert await run == [run.id] * 4


async def test_services_by_name() -> None:
    @function(name="billing")
    async def billing(ctx: Context, action: str, amount: int) -> str:
        return f"{action} {amount}"

    @flow
    async def asks(ctx: Context) -> list[str]:
        found = [await ctx.call("billing", "charge", 5)]
        try:
            await ctx.call("nobody", "method", retry_policy=1)
        except agnt5.ServiceUnavailableError as error:
            found.append(str(error))
        return found

    answer = await asks.run()
    assert answer[0] == "charge 5"
    assert "Nobody serves 'nobody'" in answer[1]
    assert "billing" in answer[1]


async def test_a_result_nobody_can_record_pauses_the_run() -> None:
    runs: list[int] = []

    def gives_socket() -> object:
        runs.append(1)
        return __import__("threading").Lock()

    @flow
    async def asks(ctx: Context) -> object:
        return await ctx.call(gives_socket)

    run = asks.start()
    with pytest.raises(agnt5.RunPaused, match="done but unrecordable"):
        await run
    assert run.status == "paused"
    assert runs == [1]
    run.resume(values={"gives_socket": "a lock"})
    assert await run == "a lock"
    assert runs == [1]


async def test_a_step_has_no_operations() -> None:
    def asks() -> str:
        try:
            agnt5.send_event("x")
        except agnt5.StepError as error:
            return str(error)
        return "allowed"

    @flow
    async def calls(ctx: Context) -> str:
        return await ctx.call(asks)

    assert "plain step" in await calls.run()


async def test_same_name_from_another_module_is_refused() -> None:
    @function(name="taken")
    async def one(ctx: Context) -> None: ...

    async def two(ctx: Context) -> None: ...

    two.__module__ = "somewhere.else"
    with pytest.raises(agnt5.ConfigurationError, match=r"somewhere\.else"):
        function(name="taken")(two)


async def test_a_traced_function_tells_what_it_asks_and_how_it_ended(caplog: pytest.LogCaptureFixture) -> None:
    @function(trace=True, retry_policy=QUICK)
    async def traced(ctx: Context, n: int) -> int:
        await ctx.state.set("n", n)
        if ctx.attempt == 1:
            raise ConnectionError("not yet")
        return await ctx.call(double, n)

    @function(retry_policy=QUICK)
    async def silent(ctx: Context, n: int) -> int:
        return await ctx.call(double, n)

    with caplog.at_level("DEBUG", logger="agnt5.trace"):
        run = traced.start(4)
        assert await run == 8
        assert await silent.run(4) == 8
    told = [record.getMessage() for record in caplog.records if record.name == "agnt5.trace"]
    begins = f"run {run.id}: traced "
    assert [line.removeprefix(begins).partition(" after ")[0] for line in told] == [
        "begins, attempt 1",
        "state_set 'n'",
        "raises ConnectionError: not yet,",
        "begins, attempt 2",
        "state_set 'n'",
        "asks step 'double'",
        "step 'double' answered",
        "ends",
    ]


@pytest.mark.parametrize("reuse", [True, False])
async def test_a_policy_says_whether_successes_are_kept(reuse: bool) -> None:
    policy = ExponentialBackoff(max_attempts=2, initial=0.001, reuse=reuse)
    made: list[str] = []

    async def part(name: str) -> int:
        made.append(name)
        return len(made)

    @function(retry_policy=policy)
    async def in_function(ctx: Context) -> int:
        got: int = await ctx.call(part, "function")
        if ctx.attempt == 1:
            raise ConnectionError("not yet")
        return got

    @flow(retry_policy=policy)
    async def in_flow(ctx: Context) -> int:
        got: int = await ctx.call(part, "flow")
        if ctx.attempt == 1:
            raise ConnectionError("not yet")
        return got

    for component, name in ((in_function, "function"), (in_flow, "flow")):
        made.clear()
        run = component.start()
        assert await run == (1 if reuse else 2)
        assert made == [name] * (1 if reuse else 2)
        assert run.replay().run_to_end() is not None
