"""Semantic memory finds what means the same and what says the very word, and never mixes two makers of vectors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agnt5 import ConfigurationError, Context, flow
from agnt5.llm.base import LLM
from agnt5.llm.types import Embedded, Usage
from agnt5.memory import SemanticMemory, namespaces

ROOT = Path(__file__).parents[2]

FACTS = {
    "cat": "The cat sleeps on the sofa all afternoon",
    "paris": "Paris is the capital of France",
    "money": "Invoices have to be paid within thirty days",
    "car": "His automobile would not start this morning",
    "rain": "Tomorrow there will be heavy rain in the north",
    "bread": "She bakes sourdough bread every weekend",
    "ticket": "Ticket ZX-8141 was closed by the night shift",
    "gym": "He lifts weights to get stronger",
}
# No word of a question is in the fact it means.
PARAPHRASES = {
    "a kitten naps": "cat",
    "which city governs the French": "paris",
    "when must bills be settled": "money",
    "broken vehicle": "car",
    "wet weather forecast": "rain",
    "homemade loaf": "bread",
    "strength training": "gym",
}


async def filled(**settings: Any) -> SemanticMemory:
    memory = SemanticMemory(**settings)
    for name, text in FACTS.items():
        await memory.add(text, {"name": name})
    return memory


async def test_a_paraphrase_and_an_exact_rare_word_are_found() -> None:
    memory = await filled()
    for question, name in PARAPHRASES.items():
        (best, *_) = await memory.search(question, k=1)
        assert best.data == {"name": name}, question
        assert best.similarity is not None
    (ticket, *others) = await memory.search("zx 8141", k=3)
    assert ticket.text == FACTS["ticket"]
    assert all(other.score < ticket.score for other in others)
    assert len(await memory.search("bread", k=3)) <= 3


async def test_words_alone_find_without_any_model() -> None:
    memory = await filled(embed=None)
    (best, *_) = await memory.search("the capital")
    assert (best.data, best.similarity) == ({"name": "paris"}, None)
    assert await memory.search("a kitten naps", k=1) == []
    (shelf,) = await namespaces()
    assert (shelf.embedder, shelf.count) == ("", len(FACTS))


async def test_the_same_text_replaces_and_forgetting_takes_id_or_text() -> None:
    memory = SemanticMemory()
    first = await memory.add("Ada likes tea", {"sure": False})
    assert await memory.add("Ada likes tea", {"sure": True}) == first
    second = await memory.add("Bob likes coffee")
    (fact,) = await memory.search("tea", k=1)
    assert (fact.id, fact.data) == (first, {"sure": True})
    assert await memory.forget(first)
    assert await memory.forget("Bob likes coffee")
    assert not await memory.forget(second)
    assert await memory.search("likes") == []


async def test_a_snapshot_has_the_vectors_and_pages() -> None:
    memory = await filled(capacity=6)
    await memory.add("…", None)
    page = await memory.snapshot(limit=4)
    assert (page.count, page.trimmed, page.capacity, page.dimension) == (6, 3, 6, 256)
    assert page.embedder.startswith("wordllama")
    assert page.facts[0].text == "…"
    for vector in page.vectors[1:]:
        assert vector is not None
        assert sum(number * number for number in vector) == pytest.approx(1.0, abs=1e-5)
    rest = await memory.snapshot(limit=4, before=page.next)
    texts = [fact.text for fact in [*page.facts, *rest.facts]]
    assert texts == ["…", *reversed([text for text in FACTS.values() if text not in list(FACTS.values())[:3]])]
    assert rest.next == 0


def length(texts: list[str]) -> list[list[float]]:
    return [[float(len(text)), 1.0] for text in texts]


async def vowels(texts: list[str]) -> Sequence[Sequence[float]]:
    return [(float(sum(letter in "aeiou" for letter in text)), 2.0) for text in texts]


class Provider(LLM):
    """A model as `agnt5.llm` has them."""

    provider = "acme"

    async def _embed(self, texts: list[str], model: str | None) -> Embedded:
        vectors = [[1.0, float(text.count("e")), 0.0] for text in texts]
        return Embedded(vectors, Usage(input=7), model or self.model)


@pytest.mark.parametrize("embed", [length, vowels, Provider("small-embed-1")], ids=["sync", "async", "model"])
async def test_vectors_may_come_from_anywhere(embed: Any) -> None:
    memory = SemanticMemory(embed=embed)
    await memory.add("tree")
    await memory.add("a")
    (best,) = await memory.search("free", k=1)
    assert best.text == "tree"
    assert best.similarity == pytest.approx(1.0)
    (shelf,) = await namespaces()
    assert shelf.dimension == (3 if isinstance(embed, Provider) else 2)
    assert shelf.embedder == "acme/small-embed-1" or shelf.embedder.endswith((":length", ":vowels"))


async def test_vectors_of_two_makers_are_never_mixed() -> None:
    await SemanticMemory(embed=length).add("first")
    for other in (vowels, Provider("other"), "local"):
        with pytest.raises(ConfigurationError, match=r"holds vectors of .*:length.* with 2 numbers"):
            await SemanticMemory(embed=other).add("second")
        with pytest.raises(ConfigurationError, match="clear"):
            await SemanticMemory(embed=other).search("first")
    assert [fact.text for fact in await SemanticMemory(embed=None).search("first")] == ["first"]
    await SemanticMemory(namespace="elsewhere", embed=vowels).add("second")
    await SemanticMemory(embed=None).clear()
    await SemanticMemory(embed=vowels).add("second")


async def test_what_vectors_of_a_provider_cost_is_noted_with_the_step() -> None:
    memory = SemanticMemory(embed=Provider("small-embed-1"))

    @flow(name="memory.provider")
    async def adds(ctx: Context) -> None:
        await memory.add("tree")

    run = adds.start()
    await run
    noted = run.journal[0].meta
    assert (noted["provider"], noted["model"], noted["tokens"]) == ("acme", "small-embed-1", 7)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ([], "made 0 vectors of 1 texts"),
        ([["x"]], "no vector of numbers"),
        ([[float("nan")]], "not finite"),
        ([[]], "empty"),
        ([[1.0] * 9000], "at most 8192"),
    ],
)
async def test_what_is_no_vector_is_refused(made: list[Any], told: str) -> None:
    memory = SemanticMemory(embed=lambda texts: made)
    with pytest.raises(ConfigurationError, match=told):
        await memory.add("text")
    assert (await memory.snapshot()).count == 0


async def test_what_is_no_fact_is_refused() -> None:
    memory = SemanticMemory(embed=None)
    for text in ("", "x" * 20_001, None):
        with pytest.raises(ConfigurationError, match="1 to 20,000 characters"):
            await memory.add(text)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="embed="):
        SemanticMemory(embed=3)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="k="):
        await memory.search("x", k=0)
    with pytest.raises(ConfigurationError, match="A query is a text, not None"):
        await memory.search(None)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="A fact or its id is a text, not 3"):
        await memory.forget(3)  # type: ignore[arg-type]


async def test_halves_of_characters_hurt_nothing() -> None:
    memory = SemanticMemory()
    await memory.add("caf\ud800e")
    (found,) = await memory.search("caf\ud800e")
    assert found.text == "caf\ud800e"
    assert await memory.forget("caf\ud800e")


@pytest.mark.parametrize("missing", ["wordllama", "tokenizers", "safetensors"])
def test_without_the_extra_it_says_how_to_go_on(missing: str, tmp_path: Path) -> None:
    program = f"""
import asyncio, sys
import agnt5
sys.modules[{missing!r}] = None  # as if it were not installed
from agnt5.memory import SemanticMemory
async def main():
    await SemanticMemory(embed=None).add("words")
    await SemanticMemory(embed="auto").add("more words")
    print(len(await SemanticMemory(embed="auto").search("words")))
    try:
        await SemanticMemory(namespace="other").add("text")
    except agnt5.ConfigurationError as error:
        print(error)
asyncio.run(main())
"""
    command = [sys.executable, "-c", program]
    environment = {"AGNT5_HOME": str(tmp_path / ".agnt5"), "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert 'pip install "agnt5[memory]"' in answer.stdout, answer.stdout + answer.stderr
    assert answer.stdout.startswith("2\n"), "auto goes by words"
    assert missing in answer.stdout
    assert "embed=None" in answer.stdout
