"""Chains of lives on one store: killed at a point, opened again by the next process, killed at another point.

Each chain ends with a life that is left alone and must end every run.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from crash.witness import Witness

ROOT = Path(__file__).parents[2]
# In the program's vocabulary: a kill from outside, at a time that nothing in the program decides.
ANY_MOMENT = "any moment"
NAMES = (
    *("sequence", "fan", "nests", "sleepy", "parent", "tallies", "retries", "once", "listens", "stopped", "solo"),
    *("relay", "relays"),
)


class Chain:
    def __init__(self, home: Path, seed: int) -> None:
        self.home = home
        self.random = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.witness = Witness(home / ".agnt5" / "default", home / "ledger")
        self.lives = 0
        home.mkdir(parents=True)
        self.nursery = subprocess.Popen(
            [sys.executable, "-m", "crash.nursery"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=home,
            text=True,
        )

    def live(self, point: str, highest: int) -> None:
        """One process; then look at what it left behind."""
        nth = self.random.randint(1, highest)
        killed = self._run(point, nth)
        said = (self.home / f"said-{self.lives}").read_text()
        assert killed or point, f"nobody asked for this: {said}"
        told = self.witness.look()
        if killed:
            hit = point == ANY_MOMENT or any(fact.word == "hit" for fact in told)
            assert hit, f"life {self.lives} ended without reaching {point!r}"
            self.kills[point] += 1
        self.lives += 1

    def finish(self) -> None:
        """The last life ends everything."""
        assert not self._run("", 0), "killed without a trap"
        self.witness.look()
        self.witness.check_end()

    def _first_unfinished(self) -> int:
        """The first batch with a run whose result nobody has got."""
        for batch in range(self.lives):
            if any(f"{name}-{batch}" not in self.witness.results for name in NAMES):
                return batch
        return self.lives

    def _run(self, point: str, nth: int) -> bool:
        said = self.home / f"said-{self.lives}"
        seed = self.random.randrange(1 << 30)
        life = {
            "argv": [
                *(str(self.home / ".agnt5"), str(self.home / "ledger"), str(self._first_unfinished())),
                *(str(self.lives), point, str(nth), str(seed)),
            ],
            "said": str(said),
            "kill": self.random.uniform(0.05, 0.7) if point == ANY_MOMENT else None,
        }
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        self.nursery.stdin.write(json.dumps(life) + "\n")
        self.nursery.stdin.flush()
        code = int(self.nursery.stdout.readline())
        text = said.read_text()
        assert code in (0, -signal.SIGKILL), f"life {self.lives} ({point!r}, {nth}) ended with {code}:\n{text}"
        return code == -signal.SIGKILL

    def close(self) -> None:
        self.nursery.kill()
        self.nursery.communicate()
