"""Shifts addresses between two drives of a flow, so that whatever is ordered by `id` shows itself."""

from __future__ import annotations

import gc
from random import Random
from typing import Any


def make_noise(seed: int) -> list[Any]:
    """Garbage of many sizes with holes in it; keep the result alive while the flow runs."""
    random = Random(seed)
    kept: list[Any] = []
    for _ in range(400):
        thing: Any = random.choice([object, dict, list, set])()
        if isinstance(thing, list):
            thing.extend(range(random.randrange(40)))
        kept.append(thing)
        kept.append(
            compile("async def f(): pass", "noise", "exec")
            if random.random() < 0.02
            else bytearray(random.randrange(300))
        )
    random.shuffle(kept)
    del kept[: len(kept) // 2]
    gc.collect(0)
    return kept
