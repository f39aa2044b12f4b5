"""A word atlas of Python's own documentation, made by a flow that is killed halfway and goes on.

Run it with `make demo`. The program starts itself twice: the first process is killed with SIGKILL in the middle of the
work; the second finds the interrupted run, goes on from its last recorded step, and prints the journal. A ledger file,
written by the step's body, shows which process really did what.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import agnt5
from agnt5 import Context, flow

MODULES = [
    *("argparse", "asyncio.locks", "collections", "csv", "dataclasses", "difflib", "enum", "fractions", "functools"),
    *("heapq", "json", "logging", "random", "shelve", "statistics", "textwrap", "typing", "zipfile"),
]
COMMON = {
    *("an", "and", "are", "as", "at", "be", "by", "for", "from", "if", "in", "is", "it"),
    *("not", "of", "or", "that", "the", "this", "to", "with"),
}
RUN_ID = "word-atlas"
KILL_AFTER = 7  # lines in the ledger


def read_documentation(module: str) -> dict:
    """One step: read every docstring of a module. Its body leaves a mark in the ledger each time it really runs."""
    with Path(os.environ["WORD_ATLAS_LEDGER"]).open("a") as ledger:
        ledger.write(f"{os.getpid()} {module}\n")
    time.sleep(0.05)  # a real step would wait for a network or a model
    source = Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8")
    places = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    texts = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, places)]
    words = Counter(word for word in re.findall(r"[a-z]{2,}", " ".join(texts).lower()) if word not in COMMON)
    return {"docstrings": sum(map(bool, texts)), "words": words.total(), "frequent": dict(words.most_common(30))}


def draw_atlas(pages: list[dict]) -> dict:
    """The last step: add the modules up."""
    docstrings, words = (sum(page[kind] for page in pages) for kind in ("docstrings", "words"))
    total: Counter[str] = Counter()
    for page in pages:
        total.update(page["frequent"])
    return {"docstrings": docstrings, "words": words, "top": total.most_common(5)}


@flow
async def word_atlas(ctx: Context, modules: list[str]) -> dict:
    """Reads the modules one by one, then draws the atlas. Each `ctx.call` is recorded once."""
    pages = [await ctx.call(read_documentation, module, name=f"read {module}") for module in modules]
    return await ctx.call(draw_atlas, pages)


def first_process() -> None:
    word_atlas.start(MODULES, run_id=RUN_ID).result()


def second_process() -> None:
    run = agnt5.get_run(RUN_ID)
    recorded = [entry.name for entry in run.journal if entry.ended]
    print(f"  process {os.getpid()} finds run {RUN_ID!r}: {len(recorded)} steps are recorded, resuming")
    run.resume()
    atlas = run.result()
    print(f"  done: {atlas['docstrings']} docstrings, {atlas['words']} words")
    print("  the most frequent words: " + ", ".join(f"{word} ({count})" for word, count in atlas["top"]))
    print("\nIts journal:\n")
    print(run.journal)

    done_here = {line.split()[1] for line in ledger_lines() if line.split()[0] == str(os.getpid())}
    repeated = sorted(done_here & {name.removeprefix("read ") for name in recorded})
    print(f"\nRecorded before the kill: {len(recorded)} steps. Executed again: {len(repeated)}.")
    if repeated:
        sys.exit(f"recorded steps ran again: {repeated}")


def ledger_lines() -> list[str]:
    ledger = Path(os.environ["WORD_ATLAS_LEDGER"])
    return ledger.read_text().splitlines() if ledger.exists() else []


def story() -> None:
    with tempfile.TemporaryDirectory(prefix="word-atlas-") as home:
        os.environ |= {"AGNT5_HOME": f"{home}/.agnt5", "WORD_ATLAS_LEDGER": f"{home}/ledger"}
        print(f"1. A process starts the flow: it reads the documentation of {len(MODULES)} modules, a step each.")
        child = subprocess.Popen([sys.executable, __file__, "first"])
        while len(ledger_lines()) < KILL_AFTER and child.poll() is None:
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
        child.wait()
        begun = len(ledger_lines())
        print(f"2. After {begun} steps had begun, SIGKILL: process {child.pid} ended with {child.returncode}.")
        print("3. A new process goes on from the last recorded step:")
        if code := subprocess.call([sys.executable, __file__, "second"]):
            sys.exit(code)
        twice = [module for module, times in Counter(line.split()[1] for line in ledger_lines()).items() if times > 1]
        if twice:
            print(f"The step under way at the kill ({', '.join(twice)}) ran again: a step's code runs at least once.")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # three processes write here: keep their lines in order
    agnt5.configure(recover="ask")  # the story resumes by hand; the default in a script is to resume at once
    {"first": first_process, "second": second_process, "story": story}[sys.argv[1] if len(sys.argv) > 1 else "story"]()
