"""The law of crashes: whenever a process is killed, nothing acknowledged is lost and nothing recorded is done again.

Chains of processes are killed at every named point, in an order drawn from a seed, and each chain is then left alone to
end all its runs. What is checked after every single life is in `witness`. A chain that fails prints its seed.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from crash import trap
from crash.chains import ANY_MOMENT, Chain

ROUNDS = 8
LIVES = 10
SEED = int(os.environ.get("AGNT5_CRASH_SEED", "0")) or random.randrange(1, 1 << 30)


def _play(home: Path, seed: int, points: list[str]) -> Counter[str]:
    chain = Chain(home, seed)
    try:
        for point in points:
            chain.live(point, trap.POINTS.get(point, 1))
        chain.finish()
    except AssertionError as broken:
        broken.add_note(f"seed {SEED}, chain {home.name}: AGNT5_CRASH_SEED={SEED}; points {points}")
        raise
    finally:
        chain.close()
    return chain.kills


def test_two_hundred_kills_lose_nothing_and_repeat_nothing(tmp_path: Path, kills: Counter[str]) -> None:
    order = random.Random(SEED)
    points = [*trap.POINTS, ANY_MOMENT]
    drawn = [point for _ in range(ROUNDS) for point in order.sample(points, len(points))]
    chains = [drawn[at : at + LIVES] for at in range(0, len(drawn), LIVES)]
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        played = [
            pool.submit(_play, tmp_path / str(number), SEED + number, points) for number, points in enumerate(chains)
        ]
        for chain in played:
            kills.update(chain.result())
    assert kills.total() >= 200
    assert kills.keys() == set(points), "a point was never reached"
