"""Inside runs every operation is a recorded command; in a plain step and in a test's MockContext it is not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import agnt5
from agnt5 import ConfigurationError, Context, ExponentialBackoff, Secret, flow, function
from agnt5.durable import object
from agnt5.memory import EpisodicMemory, Memory, ProceduralMemory, SemanticMemory, WorkingMemory
from agnt5.testing import MockContext

memory = Memory(namespace="ada", semantic=SemanticMemory(embed=None))


@flow(name="memory.learns")
async def learns(ctx: Context, word: str) -> list[Any]:
    await memory.working.store("word", word)
    await memory.episodic.remember("word", {"word": word})
    await memory.semantic.add(f"the word is {word}")
    await memory.procedural.learn("say", [word])
    return [
        await memory.working.get("word"),
        await memory.working.get("nothing", default=(1, 2)),
        await memory.episodic.recall(query=word),
        await memory.semantic.search("word"),
        await memory.procedural.reinforce("say", True),
        await memory.working.keys(),
        (await memory.episodic.snapshot()).count,
        await memory.working.delete("nothing"),
    ]


NAMES = [
    *("memory.working.store", "memory.episodic.remember", "memory.semantic.add", "memory.procedural.learn"),
    *("memory.working.get", "memory.working.get#2", "memory.episodic.recall", "memory.semantic.search"),
    *("memory.procedural.reinforce", "memory.working.keys", "memory.episodic.snapshot", "memory.working.delete"),
]


async def test_every_operation_of_a_flow_is_a_step_and_a_replay_touches_nothing() -> None:
    run = learns.start("tea")
    live = await run
    assert [entry.path for entry in run.journal] == NAMES
    assert run.journal[0].input.args == ("ada", "word", "tea")
    await memory.clear()
    with run.replay() as replay:
        replay.run_to_end()
        assert replay.divergence is None
        assert replay.at_end
    assert await memory.working.keys() == [], "nothing was written"
    again = agnt5.get_run(run.id).result(10)
    assert again == live
    assert [type(one) for one in again] == [type(one) for one in live]
    episode, fact, procedure = live[2][0], live[3][0], live[4]
    assert (episode.data, fact.text, procedure.successes) == ({"word": "tea"}, "the word is tea", 1)
    assert live[1] == (1, 2)


async def test_a_fork_does_not_roll_memory_back() -> None:
    @flow
    async def counts(ctx: Context) -> int:
        n = await memory.working.get("n", 0)
        await memory.working.store("n", n + 1)
        return n + 1

    run = counts.start()
    assert await run == 1
    fork = run.fork(at=2)
    assert await fork == 1, "it had read before the cut"
    assert await memory.working.get("n") == 1
    assert await run.fork(at=0) == 2, "it reads what is there now"


async def test_a_rerun_takes_over_what_memory_answered() -> None:
    run = learns.start("tea")
    await run
    await memory.clear()
    rerun = run.rerun()
    assert await rerun == await run
    assert len(rerun.reused) == len(NAMES)
    assert await memory.working.keys() == []


async def test_another_bound_or_embedder_is_no_other_command() -> None:
    set_up = Memory(WorkingMemory(capacity=5), semantic=SemanticMemory(embed=None), namespace="ada")

    @flow(name="memory.set up")
    async def notes(ctx: Context) -> str:
        await set_up.working.store("a", 1)
        return await set_up.semantic.add("a fact")

    run = notes.start()
    await run
    set_up = Memory(WorkingMemory(capacity=6), semantic=SemanticMemory(embed=lambda texts: [[1.0]]), namespace="ada")
    with run.replay(code=notes) as replay:
        assert replay.run_to_end().divergence is None
    rerun = run.rerun()
    await rerun
    assert list(rerun.reused) == [], "what they would do is another thing"


async def test_a_function_remembers_what_it_recorded_when_it_is_tried_again() -> None:
    tried: list[int] = []

    @function(retry_policy=ExponentialBackoff(max_attempts=3, initial=0.01))
    async def twice(ctx: Context) -> int:
        await memory.episodic.remember("try", "once")
        tried.append(ctx.attempt)
        if ctx.attempt < 3:
            raise ConnectionError("again")
        return len(await memory.episodic.recall())

    assert await twice.run() == 1
    assert tried == [1, 2, 3]


async def test_in_a_plain_step_it_acts_at_once_and_a_retry_does_not_do_it_twice() -> None:
    async def notes() -> None:
        await memory.episodic.remember("note", "same")
        await memory.episodic.remember("note", "same")
        await memory.episodic.remember("note", "other")
        await memory.procedural.reinforce("say", True)
        context = agnt5.current_context()
        assert context is not None
        if context.attempt == 1:
            raise ConnectionError("after all of it was done")

    @flow
    async def steps(ctx: Context) -> list[Any]:
        await memory.procedural.learn("say", [])
        await ctx.call(notes, retry_policy=ExponentialBackoff(max_attempts=2, initial=0.01))
        return [episode.data for episode in await memory.episodic.recall()]

    run = steps.start()
    assert sorted(await run) == ["other", "same", "same"]
    assert [entry.path for entry in run.journal] == ["memory.procedural.learn", "notes", "memory.episodic.recall"]
    assert (await memory.procedural.reinforce("say", False)).successes == 1


async def test_branches_remember_at_once_and_in_order_of_the_journal() -> None:
    @flow
    async def many(ctx: Context) -> int:
        await asyncio.gather(*(memory.episodic.remember("n", n) for n in range(50)))
        return len(await memory.episodic.recall(limit=100))

    run = many.start()
    assert await run == 50
    with run.replay() as replay:
        replay.run_to_end()
        assert replay.divergence is None


async def test_a_method_of_an_object_and_a_sync_function_remember_too() -> None:
    @object
    class Diary:
        async def write(self, word: str) -> int:
            await memory.episodic.remember("diary", word)
            return len(await memory.episodic.recall(kind="diary"))

    @function
    def blocks(ctx: Context, word: str) -> str:
        asyncio.run(memory.working.store("sync", word))
        return asyncio.run(memory.working.get("sync"))

    @flow
    async def both(ctx: Context) -> list[Any]:
        diary = await ctx.get_object(Diary, "mine")
        return [await diary.write("dear"), await ctx.call(blocks, "tea")]

    run = both.start()
    assert await run == [1, "tea"]
    paths = [entry.path for entry in run.journal]
    assert [path for path in paths if "memory" in path] == ["blocks/memory.working.store", "blocks/memory.working.get"]


async def test_errors_are_those_of_the_memory_and_are_recorded() -> None:
    @flow
    async def wrong(ctx: Context) -> str:
        try:
            await memory.procedural.reinforce("nobody", True)
        except ConfigurationError as error:
            return str(error)
        return ""

    run = wrong.start()
    assert "nobody" in await run
    assert run.journal[0].error is not None


async def test_secrets_are_kept_by_name() -> None:
    await memory.working.store("key", Secret("MEMORY_CANARY", "canary-value-4711"))
    found = await memory.working.get("key")
    assert found.reveal() == "canary-value-4711"
    agnt5.runtime.close_runtime()
    for file in agnt5.settings().store_directory.iterdir():
        if file.is_file():
            assert b"canary-value-4711" not in file.read_bytes()


@pytest.mark.parametrize("inside", [True, False])
async def test_credentials_are_refused_where_that_is_wanted(inside: bool) -> None:
    agnt5.configure(redact="refuse")
    try:
        key = {"key": "sk-ant-api03-" + "a1B2" * 20}

        @flow(name="memory.leaks")
        async def leaks(ctx: Context) -> None:
            await memory.working.store("key", key)

        with pytest.raises((agnt5.SerializationError, agnt5.RunFailed), match="credential"):
            await (leaks.run() if inside else memory.working.store("key", key))
        assert await memory.working.keys() == []
    finally:
        agnt5.runtime.close_runtime()
        agnt5.config.reset()


async def test_a_mock_context_has_a_memory_of_its_own_and_can_be_told_what_to_answer() -> None:
    with MockContext() as ctx:
        assert await learns(ctx, "tea") == [
            *("tea", (1, 2)),
            *(await memory.episodic.recall(), await memory.semantic.search("word")),
            *((await memory.procedural.snapshot()).procedures[0], ["word"], 1, False),
        ]
        await memory.episodic.remember("same", 1)
        await memory.episodic.remember("same", 1)
        assert len(await memory.episodic.recall(kind="same")) == 2
        assert [call.name for call in ctx.calls][:2] == ["memory.working.store", "memory.episodic.remember"]
        ctx.mock_call("memory.working.get", return_value="mocked")
        assert await memory.working.get("anything") == "mocked"
    with MockContext():
        assert await memory.working.keys() == []
    assert agnt5.runtime.open_runtime() is None, "no store was opened"


def test_memory_objects_are_made_anywhere() -> None:
    @flow
    async def makes(ctx: Context) -> list[Any]:
        await WorkingMemory(namespace="made").store("a", 1)
        await EpisodicMemory(namespace="made").remember("b", 2)
        await SemanticMemory(namespace="made", embed=None).add("c")
        await ProceduralMemory(namespace="made").learn("d", 3)
        return await WorkingMemory(namespace="made").keys()

    assert makes.run_sync() == ["a"]
    with pytest.raises(ConfigurationError):
        WorkingMemory(capacity=0)
