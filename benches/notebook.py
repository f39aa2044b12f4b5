"""The notebook side: what `%load_ext agnt5_jupyter` takes, and what it adds to every cell."""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median

from .report import Finding

TRIES = 9
TARGET = 400

# In a process of its own each time: what was imported before would not be counted.
_LOADING = """
import json, sys, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
def timed(code):
    started = time.perf_counter()
    shell.run_cell(code, silent=False).raise_error()
    return time.perf_counter() - started
shell.run_cell("1;").raise_error()
autoreload = timed("%load_ext autoreload")
shell.run_line_magic("autoreload", "0")
before = min(timed("pass") for _ in range(50))
ours = timed("%load_ext agnt5_jupyter")
setup = "from agnt5 import flow\\n" + "".join(f"@flow\\nasync def f{n}(ctx): return {n}\\n" for n in range(20))
shell.run_cell(setup).raise_error()
after = min(timed("pass") for _ in range(50))
print(json.dumps([autoreload, ours, before, after]))
"""


def load_ext() -> list[Finding]:
    found: list[list[float]] = []
    for _ in range(TRIES):
        done = subprocess.run([sys.executable, "-c", _LOADING], check=True, capture_output=True, text=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    autoreload, ours, before, after = (median(column) * 1e3 for column in zip(*found, strict=True))
    note = f"in a shell that runs; median of {TRIES}"
    return [
        Finding("%load_ext agnt5_jupyter", ours, "ms", autoreload, "ms, autoreload", f"< {TARGET} ms", [note]),
        Finding("a cell, 20 flows defined", after, "ms", before, "ms, without the extension"),
    ]
