"""Namespaces keep memories apart; a Memory is one namespace of all four kinds."""

from __future__ import annotations

import pytest

import agnt5
from agnt5 import ConfigurationError, flow
from agnt5.memory import EpisodicMemory, Memory, ProceduralMemory, SemanticMemory, WorkingMemory, namespaces


async def fill(memory: Memory, word: str) -> None:
    await memory.working.store("word", word)
    await memory.episodic.remember("word", word)
    await memory.semantic.add(f"the word is {word}")
    await memory.procedural.learn("say", [word])


async def said(memory: Memory) -> list[object]:
    return [
        await memory.working.get("word"),
        [episode.data for episode in await memory.episodic.recall(query="word")],
        [fact.text for fact in await memory.semantic.search("word")],
        [one.steps for one in await memory.procedural.recall("say")],
    ]


async def test_namespaces_are_apart() -> None:
    ada, bob = Memory(namespace="ada"), Memory(namespace="bob")
    await fill(ada, "tea")
    await fill(bob, "coffee")
    assert await said(ada) == ["tea", ["tea"], ["the word is tea"], [["tea"]]]
    assert await said(bob) == ["coffee", ["coffee"], ["the word is coffee"], [["coffee"]]]
    assert await said(Memory()) == [None, [], [], []]
    kinds = ["episodic", "procedural", "semantic", "working"]
    listed = [(shelf.namespace, shelf.kind, shelf.count) for shelf in await namespaces()]
    assert listed == [(name, kind, 1) for name in ("ada", "bob") for kind in kinds]
    assert await ada.clear() == 4
    assert await said(ada) == [None, [], [], []]
    assert (await said(bob))[0] == "coffee"


async def test_a_group_takes_kinds_that_were_set_up_otherwise() -> None:
    memory = Memory(
        working=WorkingMemory(capacity=2),
        episodic=EpisodicMemory(namespace="shared"),
        semantic=SemanticMemory(embed=None),
        procedural=ProceduralMemory(capacity=9),
        namespace="ada",
    )
    assert memory.working.capacity == 2
    assert memory.procedural.capacity == 9
    assert [memory.working.namespace, memory.semantic.namespace] == ["ada", "ada"]
    assert memory.episodic.namespace == "shared", "it was given one of its own"
    assert (Memory().namespace, Memory().working.namespace) == ("default", "default")
    inner = memory.within("bob")
    assert (inner.namespace, inner.working.namespace, inner.working.capacity) == ("ada/bob", "ada/bob", 2)
    assert inner.episodic.namespace == "shared/bob", "apart, whatever was given"
    assert WorkingMemory().within("x").within("y").namespace == "default/x/y"
    with pytest.raises(ConfigurationError, match="working= of a Memory is a WorkingMemory"):
        Memory(working=EpisodicMemory())  # type: ignore[arg-type]


async def test_deleting_and_pruning_runs_leave_memory_alone() -> None:
    memory = Memory(namespace="ada")

    @flow(name="memory.group.learns")
    async def learns(ctx: agnt5.Context) -> None:
        await fill(memory, "tea")

    run = learns.start()
    await run
    run.delete()
    await learns.run()
    assert agnt5.prune(older=0) == 1
    assert (await said(memory))[0] == "tea"
