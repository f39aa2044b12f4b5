"""Limits of models: so many at once, so many a minute, all held after a refusal; each model and loop for itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agnt5.errors import ConfigurationError, LLMError, ProviderUnavailable, RateLimited
from agnt5.llm import Request, ScriptedLLM, limit_model, limits


class Counter:
    """A script that knows how many are inside at once, and holds them until told."""

    def __init__(self) -> None:
        self.inside = self.peak = self.total = 0
        self.gate = asyncio.Event()

    async def __call__(self, _: Request) -> str:
        self.inside += 1
        self.total += 1
        self.peak = max(self.peak, self.inside)
        await self.gate.wait()
        self.inside -= 1
        return "done"


async def settled() -> None:
    """Let everything that can go on go on."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_no_more_than_allowed_at_once() -> None:
    limit_model("scripted/script", concurrency=3)
    counter = Counter()
    llm = ScriptedLLM(counter)
    asked = [asyncio.create_task(llm.generate("x")) for _ in range(10)]
    await settled()
    assert (counter.inside, counter.total) == (3, 3)
    counter.gate.set()
    await asyncio.gather(*asked)
    assert (counter.peak, counter.total) == (3, 10)


async def test_a_limit_of_a_provider_counts_for_each_of_its_models() -> None:
    limit_model("scripted", concurrency=2)
    limit_model("scripted/b", concurrency=1)
    counters = {name: Counter() for name in "abc"}
    asked = [
        asyncio.create_task(ScriptedLLM(counter, model=name).generate("x"))
        for name, counter in counters.items()
        for _ in range(4)
    ]
    await settled()
    assert {name: counter.inside for name, counter in counters.items()} == {"a": 2, "b": 1, "c": 2}
    for counter in counters.values():
        counter.gate.set()
    await asyncio.gather(*asked)


async def test_a_model_without_a_limit_has_the_usual_one() -> None:
    counter = Counter()
    asked = [asyncio.create_task(ScriptedLLM(counter).generate("x")) for _ in range(limits.CONCURRENCY + 9)]
    await settled()
    assert counter.inside == limits.CONCURRENCY
    counter.gate.set()
    await asyncio.gather(*asked)


async def test_streams_and_embeddings_take_their_turns_too() -> None:
    limit_model("scripted/script", concurrency=1)
    counter = Counter()
    llm = ScriptedLLM(counter)
    first = asyncio.create_task(llm.generate("x"))
    await settled()

    async def read() -> None:
        _ = [item async for item in llm.stream("x")]

    others = [asyncio.create_task(read()), asyncio.create_task(llm.embed("x"))]
    await settled()
    assert not any(one.done() for one in others)
    counter.gate.set()
    await asyncio.gather(first, *others)


async def test_a_caller_that_leaves_gives_its_place_free() -> None:
    limit_model("scripted/script", concurrency=1)
    counter = Counter()
    llm = ScriptedLLM(counter)
    first, second = (asyncio.create_task(llm.generate("x")) for _ in range(2))
    await settled()
    first.cancel()
    await settled()
    assert counter.total == 2
    counter.gate.set()
    assert str(await second) == "done"


class Sleeps:
    """Stands in for the clock: what is slept is noted, and time passes at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.slept: list[float] = []
        self.now = 1000.0
        monkeypatch.setattr(limits, "_now", lambda: self.now)
        monkeypatch.setattr(limits, "_pause", self.pause)

    async def pause(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def test_no_more_than_allowed_in_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_model("scripted/script", per_minute=2)
    llm = ScriptedLLM(["a"], repeat=True)
    clock = Sleeps(monkeypatch)
    for _ in range(2):
        await llm.answer(request())
    assert clock.slept == []
    clock.now += 20
    await llm.answer(request())
    assert clock.slept == [40]  # until the first of the two is a minute ago
    await llm.answer(request())
    assert clock.slept == [40]
    clock.now += 61
    await llm.answer(request())
    assert clock.slept == [40]


@pytest.mark.parametrize(("said", "waited"), [(7.5, [7.5]), (0.0, []), (None, []), (10**9, [3600])])
async def test_a_refusal_that_says_when_is_heeded(
    said: float | None, waited: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    llm = ScriptedLLM([RateLimited("Slow down.", retry_after=said), "a", "b"])
    clock = Sleeps(monkeypatch)
    with pytest.raises(RateLimited) as caught:
        await llm.answer(request())
    assert (caught.value.provider, caught.value.model) == ("scripted", "script")
    await llm.answer(request())
    await llm.answer(request())
    assert clock.slept == waited


async def test_a_later_refusal_never_shortens_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Sleeps(monkeypatch)
    limits.heed("scripted/script", RateLimited("x", retry_after=30))
    limits.heed("scripted/script", RateLimited("x", retry_after=5))
    await ScriptedLLM(["a"]).answer(request())
    assert clock.slept == [30]


@pytest.mark.parametrize("error", [ProviderUnavailable("x"), LLMError("x"), ValueError("x")])
async def test_other_failures_hold_nobody(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Sleeps(monkeypatch)
    llm = ScriptedLLM([error, "a"])
    with pytest.raises(type(error)):
        await llm.answer(request())
    await llm.answer(request())
    assert clock.slept == []


def test_each_loop_has_places_of_its_own() -> None:
    """A semaphore belongs to its loop: the same model on two loops in turn must not mix them up."""
    limit_model("scripted/script", concurrency=1)
    llm = ScriptedLLM(["a"], repeat=True)

    async def ask() -> list[str]:
        return [str(reply) for reply in await asyncio.gather(llm.generate("x"), llm.generate("x"))]

    assert [asyncio.run(ask()) for _ in range(2)] == [["a", "a"]] * 2


async def test_a_changed_limit_counts_from_the_next_request_on() -> None:
    limit_model("scripted/script", concurrency=1)
    counter = Counter()
    llm = ScriptedLLM(counter)
    asked = [asyncio.create_task(llm.generate("x")) for _ in range(2)]
    await settled()
    assert counter.inside == 1
    limit_model("scripted/script", concurrency=4)
    asked += [asyncio.create_task(llm.generate("x")) for _ in range(3)]
    await settled()
    assert counter.inside == 4
    counter.gate.set()
    await asyncio.gather(*asked)


async def test_a_changed_limit_still_waits_after_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Sleeps(monkeypatch)
    limits.heed("scripted/script", RateLimited("x", retry_after=30))
    limit_model("scripted", concurrency=4)
    await ScriptedLLM(["a"]).answer(request())
    assert clock.slept == [30]


@pytest.mark.parametrize("wrong", [{"concurrency": 0}, {"concurrency": True}, {"per_minute": -1}])
def test_limits_that_are_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="whole number from 1"):
        limit_model("scripted", **wrong)


def request() -> Request:
    from agnt5.llm.types import as_messages

    return Request(as_messages("x"))
