"""`sys.exit()`, Ctrl-C and their like inside of runs: they end the run or step that raised them, never the loop that
all runs share."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

import agnt5
from agnt5 import ConfigurationError, Context, flow, function
from agnt5.durable import object as durable_object

RAISED = [
    SystemExit(3),
    KeyboardInterrupt("stop"),
    GeneratorExit(),
    BaseExceptionGroup("both", [SystemExit(), OSError()]),
]


def work(number: int) -> int:
    return number


@flow
async def goes_on(ctx: Context) -> int:
    return await ctx.call(work, 1)


async def others_go_on() -> None:
    assert await asyncio.wait_for(goes_on.run(), 30) == 1


@pytest.mark.parametrize("raised", RAISED, ids=repr)
async def test_a_child_run_that_ends_a_program_ends_itself(raised: BaseException) -> None:
    @flow
    async def leaves(ctx: Context) -> None:
        raise raised

    @flow
    async def parent(ctx: Context) -> str:
        try:
            return await ctx.call(leaves)
        except agnt5.StepError as error:
            return str(error)

    run = parent.start()
    told = f"leaves: the body raised {type(raised).__name__}({raised}), which ends programs, not steps."
    assert await run == told
    with run.replay() as replay:
        assert replay.run_to_end().divergence is None
    assert await run.fork(at=0) == told
    await others_go_on()


async def test_an_object_that_ends_a_program_ends_its_call() -> None:
    @durable_object
    class Door:
        async def slam(self) -> None:
            sys.exit("bye")

    @flow
    async def visits(ctx: Context) -> None:
        await (await ctx.get_object(Door, "front")).slam()

    with pytest.raises(agnt5.RunFailed, match=r"slam: the body raised SystemExit\(bye\)"):
        await visits.run()
    await others_go_on()


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
async def test_a_task_of_a_body_that_ends_a_program_fails_alone(kind: type[BaseException]) -> None:
    @function
    async def starts_a_task(ctx: Context) -> str:
        async def leaves() -> None:
            raise kind("now")

        task = asyncio.create_task(leaves())
        await asyncio.wait([task])
        return repr(task.exception())

    assert await asyncio.wait_for(starts_a_task.run(), 30) == f"{kind.__name__}('now')"
    await others_go_on()


@pytest.mark.parametrize("given", [*RAISED, KeyboardInterrupt, asyncio.CancelledError, "text"], ids=repr)
async def test_a_fork_is_given_errors_that_a_step_can_have(given: Any) -> None:
    run = goes_on.start()
    await run
    with pytest.raises(ConfigurationError, match="'work' is to fail with is an Exception"):
        run.fork(fail={"work": given})
    with pytest.raises(ConfigurationError, match="made of its class alone .* give an instance"):
        run.fork(fail={"work": UnicodeDecodeError})
    with pytest.raises(agnt5.RunFailed, match="KeyError"):
        await run.fork(fail={"work": KeyError})
