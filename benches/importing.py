"""Import: what `import agnt5` costs beside a bare interpreter."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

from .report import Finding

TRIES = 15


def _seconds(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def import_cost() -> list[Finding]:
    bare: list[float] = []
    whole: list[float] = []
    for _ in range(TRIES):
        bare.append(_seconds(""))
        whole.append(_seconds("import agnt5"))
    below = median(bare) * 1e3
    note = f"a process that imports agnt5 and ends, beside one that only ends; median of {TRIES}"
    return [Finding("import agnt5", median(whole) * 1e3, "ms", below, "ms, a bare start", "<= 10", [note])]
