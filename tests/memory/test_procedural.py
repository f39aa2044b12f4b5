"""Procedural memory: how things are done, the way that works best first."""

from __future__ import annotations

import asyncio

import pytest

from agnt5 import ConfigurationError
from agnt5.memory import ProceduralMemory


async def test_the_most_successful_way_comes_first() -> None:
    memory = ProceduralMemory()
    await memory.learn("deploy by hand", ["build the app", "copy it", "restart"])
    await memory.learn("deploy by pipeline", ["push", "wait for the pipeline"])
    await memory.learn("bake bread", ["mix", "wait", "bake"])
    untried = await memory.recall("deploy the app")
    assert [one.name for one in untried] == ["deploy by hand"], "a far better match stands alone"
    both = await memory.recall("deploy")
    assert {one.name for one in both} == {"deploy by hand", "deploy by pipeline"}
    assert [one.success_rate for one in both] == [0.5, 0.5]
    for success in (True, False, False):
        await memory.reinforce("deploy by hand", success)
    after = await memory.reinforce("deploy by pipeline", True)
    assert (after.successes, after.failures, after.uses) == (1, 0, 1)
    first, second = await memory.recall("deploy")
    assert (first.name, first.success_rate) == ("deploy by pipeline", 2 / 3)
    assert (second.name, second.success_rate) == ("deploy by hand", 2 / 5)
    assert first.steps == ["push", "wait for the pipeline"]
    assert await memory.recall("deploy", limit=1) == [first]
    assert await memory.recall("sing") == []


async def test_learning_again_replaces_the_steps_and_keeps_the_counts() -> None:
    memory = ProceduralMemory()
    await memory.learn("greet", ["say hi"])
    await memory.reinforce("greet", True)
    await memory.learn("greet", {"then": "bow"})
    (known,) = await memory.recall("bow")
    assert (known.steps, known.successes) == ({"then": "bow"}, 1)
    assert await memory.recall("hi") == [], "what was replaced is not found any more"
    with pytest.raises(ConfigurationError, match=r"No procedure 'sing' .* learn"):
        await memory.reinforce("sing", True)


async def test_all_reinforcements_count_however_many_come_at_once() -> None:
    memory = ProceduralMemory()
    await memory.learn("climb", ["up"])
    await asyncio.gather(*(memory.reinforce("climb", n % 4 != 0) for n in range(200)))
    (known,) = (await memory.snapshot()).procedures
    assert (known.successes, known.failures) == (150, 50)


async def test_what_was_learned_longest_ago_goes_and_all_can_be_forgotten() -> None:
    memory = ProceduralMemory(capacity=2)
    for name in ("one", "two"):
        await memory.learn(name, [name])
    await memory.reinforce("one", True)
    await memory.learn("three", ["three"])
    snapshot = await memory.snapshot()
    assert [one.name for one in snapshot.procedures] == ["three", "one"]
    assert (snapshot.count, snapshot.trimmed, snapshot.capacity) == (2, 1, 2)
    assert await memory.forget("one")
    assert not await memory.forget("one")
    assert await memory.clear() == 1
    assert (await memory.snapshot()).procedures == []


async def test_a_task_is_a_text() -> None:
    with pytest.raises(ConfigurationError, match="A task is a text, not None"):
        await ProceduralMemory().recall(None)  # type: ignore[arg-type]
