"""Another process that owns the store of a test, with a run in it that was interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = """
import os, pathlib, sys, time
import agnt5
from agnt5 import Context, flow, function

agnt5.configure(recover=sys.argv[2])

def slow(n: int) -> int:
    if sys.argv[1] == "die":
        os.kill(os.getpid(), 9)
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
    return n

@function(effect="at_most_once")
def pay(n: int) -> int:
    return slow(n)

def define():
    @flow
    async def works(ctx: Context, n: int) -> int:
        return await ctx.call(slow, n) + 1

    @flow
    async def pays(ctx: Context, n: int) -> int:
        return await ctx.call(pay, n) + 1

    return {"works": works, "pays": pays, "pay": pay}

if sys.argv[1] == "die":
    define()[sys.argv[3]].start(2, run_id="r_works").result()
agnt5.runs()  # it owns the store from here on
print("owns", flush=True)
for line in sys.stdin:
    define()
    print("defined", flush=True)
"""


class Owner:
    """The living process. It knows no component until it is told to define them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._heard("owns")

    def define(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("define\n")
        self._process.stdin.flush()
        self._heard("defined")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def _heard(self, word: str) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == f"{word}\n"


@contextmanager
def owner(directory: Path, recover: str = "ask", component: str = "works") -> Iterator[Owner]:
    """A process killed in the middle of `r_works`, and another that owns the store now. A step of the run ends when
    there is a file `go` in the directory."""
    program = directory / "owner_program.py"
    program.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, str(program)]
    killed = subprocess.run([*command, "die", recover, component], cwd=directory, env=environment, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    process = subprocess.Popen(
        [*command, "own", recover],
        cwd=directory,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    other = Owner(process)
    try:
        yield other
    finally:
        other.kill()
