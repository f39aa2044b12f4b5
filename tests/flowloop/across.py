"""Records or replays the whole corpus in a process of its own, on any Python: `across.py record|replay FILE SEED`.

Needs the standard library and the sources only: it loads `agnt5.execution` without running `agnt5/__init__.py`, whose
dependencies another interpreter may lack.
"""

from __future__ import annotations

import json
import sys
import types
from dataclasses import asdict
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]


def _load_sources() -> None:
    package = types.ModuleType("agnt5")
    package.__path__ = [str(ROOT / "agnt5")]
    sys.modules["agnt5"] = package
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]


def main(mode: str, file: str, seed: int) -> None:
    _load_sources()
    from flowloop.corpus import CORPUS
    from flowloop.noise import make_noise
    from flowloop.world import Story, record, replay

    if mode == "record":
        stories = {
            f"{name} {n}": asdict(record(flow, Random(f"{name} {seed} {n}").randrange))
            for name, flow in CORPUS.items()
            for n in range(4)
        }
        Path(file).write_text(json.dumps(stories))
        return
    for key, story in json.loads(Path(file).read_text()).items():
        kept = make_noise(seed)
        recorded = Story(**story)
        replayed = replay(CORPUS[key.partition(" ")[0]], recorded)
        # Texts of errors and warnings may differ between Pythons; what was asked, seen and returned may not.
        for part in ("commands", "log", "result"):
            if getattr(replayed, part) != getattr(recorded, part):
                was, now = getattr(recorded, part), getattr(replayed, part)
                sys.exit(f"{key} diverged in its {part} on {sys.version}:\nrecorded {was}\nreplayed {now}")
        del kept


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
