"""Memory: a search over a full semantic memory, and puts. The floor of a search is numpy's product of such a matrix
with the query, in memory; the floor of a put is one committed row.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from statistics import median

from agnt5.memory import SemanticMemory, WorkingMemory

from .bench import home, scratch
from .floor import Floor
from .report import Finding

FACTS = 50_000
DIMENSION = 256
STORES = 2_000
ROUNDS = 20

_WORDS = [f"word{n}" for n in range(5_000)]


def _vectors(texts: list[str]) -> list[list[float]]:
    made: list[list[float]] = []
    for text in texts:
        rng = random.Random(text)
        made.append([rng.uniform(-1, 1) for _ in range(DIMENSION)])
    return made


def _text(rng: random.Random) -> str:
    return " ".join(rng.choices(_WORDS, k=12))


async def _timed(ask: Callable[[str], Awaitable[object]], queries: list[str]) -> float:
    seconds: list[float] = []
    for query in queries:
        started = time.perf_counter()
        await ask(query)
        seconds.append(time.perf_counter() - started)
    return median(seconds)


async def _searches() -> tuple[float, float, float, float]:
    rng = random.Random(1)
    facts = SemanticMemory(embed=_vectors, capacity=FACTS)
    texts = [_text(rng) for _ in range(FACTS)]
    started = time.perf_counter()
    for first in range(0, FACTS, 1_000):
        await asyncio.gather(*(facts.add(text) for text in texts[first : first + 1_000]))
    adding = FACTS / (time.perf_counter() - started)
    queries = [_text(rng) for _ in range(ROUNDS)]
    embedding = await _timed(_embed, queries)
    both = await _timed(lambda query: facts.search(query, 10), queries)
    words = await _timed(lambda query: SemanticMemory(embed=None).search(query, 10), queries)
    return adding, both - embedding, words, embedding


async def _embed(query: str) -> object:
    return _vectors([query])


def _product() -> float:
    import numpy

    rng = numpy.random.default_rng(1)
    matrix = rng.random((FACTS, DIMENSION), dtype=numpy.float32)
    seconds: list[float] = []
    for _ in range(ROUNDS):
        query = rng.random(DIMENSION, dtype=numpy.float32)
        started = time.perf_counter()
        numpy.argpartition(matrix @ query, -10)
        seconds.append(time.perf_counter() - started)
    return median(seconds)


async def _stores() -> tuple[float, float]:
    working = WorkingMemory(capacity=STORES)
    started = time.perf_counter()
    await asyncio.gather(*(working.store(f"key{n}", {"n": n}) for n in range(STORES)))
    together = STORES / (time.perf_counter() - started)
    started = time.perf_counter()
    for n in range(STORES // 10):
        await working.store(f"key{n}", {"n": n})
    return together, STORES / 10 / (time.perf_counter() - started)


def search() -> list[Finding]:
    with scratch() as directory:
        with Floor(directory) as bare:
            floor = bare.rows_per_second(500, 1)
        with home(directory):
            adding, both, words, _ = asyncio.run(_searches())
            together, alone = asyncio.run(_stores())
    product = _product()
    size = f"{FACTS:,} facts of 12 words, vectors of {DIMENSION}; without making the query's vector"
    return [
        Finding(
            "semantic search, words and vectors",
            both * 1e3,
            "ms",
            product * 1e3,
            "ms, numpy's product",
            "< 100",
            [size],
        ),
        Finding("semantic search, words only", words * 1e3, "ms"),
        Finding(
            "facts added, 1,000 at once", adding, "adds/s", floor, "commits/s", "", ["vectors made in Python included"]
        ),
        Finding("working stores, all at once", together, "stores/s", floor, "commits/s"),
        Finding("working stores, one after the other", alone, "stores/s", floor, "commits/s"),
    ]
