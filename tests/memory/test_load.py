"""Many at once: nothing is lost, nothing waits for a commit of its own, bounds hold."""

from __future__ import annotations

import asyncio

from agnt5 import Context, flow
from agnt5.memory import EpisodicMemory, SemanticMemory, WorkingMemory


async def test_a_thousand_stores_at_once() -> None:
    memory = WorkingMemory(capacity=2000)
    await asyncio.gather(*(memory.store(f"k{n}", {"n": n}) for n in range(1000)))
    assert sorted(await memory.keys()) == sorted(f"k{n}" for n in range(1000))
    found = await asyncio.gather(*(memory.get(f"k{n}") for n in range(1000)))
    assert found == [{"n": n} for n in range(1000)]


async def test_a_bound_holds_while_many_store() -> None:
    memory = WorkingMemory(capacity=10)
    await asyncio.gather(*(memory.store(f"k{n % 300}", n) for n in range(1000)))
    snapshot = await memory.snapshot()
    assert snapshot.count == len(snapshot.entries) == len(await memory.keys()) == 10
    assert snapshot.trimmed >= 290


async def test_a_hundred_runs_remember_in_one_namespace() -> None:
    episodes, facts = EpisodicMemory(namespace="shared"), SemanticMemory(namespace="shared", embed=None)

    @flow
    async def remembers(ctx: Context, n: int) -> None:
        await asyncio.gather(*(episodes.remember("run", [n, m]) for m in range(5)))
        await facts.add(f"run number {n}")

    await asyncio.gather(*(remembers.run(n) for n in range(100)))
    found = await episodes.recall(limit=1000)
    assert sorted(episode.data for episode in found) == [[n, m] for n in range(100) for m in range(5)]
    assert (await facts.snapshot()).count == 100
    assert [fact.text for fact in await facts.search("77", k=3)] == ["run number 77"]
