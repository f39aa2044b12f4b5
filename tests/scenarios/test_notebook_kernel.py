"""What happens to runs when the kernel is restarted, a cell is interrupted or run again: with a real kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.kernel import Kernel

DEFINE = """
%load_ext agnt5
import asyncio, pathlib, time, agnt5
from agnt5 import flow, function
def note(word):
    with open("ledger", "a") as file:
        file.write(word + "\\n")
    return word
def long(seconds):
    note("long")
    time.sleep(seconds)
    return "long"
@flow
async def work(ctx, seconds):
    return [await ctx.call(note, "first"), await ctx.call(long, seconds), await ctx.call(note, "last")]
"""
BUSY = """
while not pathlib.Path("ledger").exists() or "long" not in pathlib.Path("ledger").read_text():
    time.sleep(0.02)
"""


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    started = Kernel(tmp_path)
    yield started
    started.close()


def test_a_restarted_kernel_lists_what_was_interrupted_and_one_call_resumes_it(kernel: Kernel, tmp_path: Path) -> None:
    assert kernel.run(DEFINE) == ""
    assert kernel.run(f"run = work.start(600, run_id='w1')\n{BUSY}") == ""
    kernel.kill_and_restart()
    assert kernel.run(DEFINE.replace("time.sleep(seconds)", "time.sleep(0)")) == ""
    assert "interrupted" in kernel.run("%agnt5 runs")
    assert kernel.run("run = agnt5.get_run('w1'); run.interrupted") == "True"
    # Nothing goes on by itself in a notebook, and who waits hears what to do.
    assert "run.resume()" in kernel.run("await run")
    assert (tmp_path / "ledger").read_text().split() == ["first", "long"]
    assert kernel.run("run.resume()") == "True"
    assert kernel.run("await run") == "['first', 'long', 'last']"
    assert (tmp_path / "ledger").read_text().split() == ["first", "long", "long", "last"]
    assert kernel.run("run.interrupted") == "False"


@pytest.mark.parametrize("wait", ["await run", "run.result()"])
def test_an_interrupted_wait_leaves_the_run_alone(kernel: Kernel, tmp_path: Path, wait: str) -> None:
    assert kernel.run(DEFINE) == ""
    assert kernel.run(f"run = work.start(2, run_id='w1')\n{BUSY}") == ""
    waiting = kernel.begin(f"print('waiting', flush=True)\n{wait}")
    said = kernel.answer(waiting, interrupt_at="waiting")
    assert "KeyboardInterrupt" in said or "CancelledError" in said
    assert kernel.run("await run") == "['first', 'long', 'last']"
    assert (tmp_path / "ledger").read_text().split() == ["first", "long", "last"]


def test_a_cell_that_is_run_again_does_not_reach_runs_in_flight(kernel: Kernel) -> None:
    assert kernel.run(DEFINE) == ""
    assert kernel.run(f"old = work.start(1)\n{BUSY}") == ""
    assert kernel.run(DEFINE.replace('"last"', '"new"').replace("%load_ext", "%reload_ext")) == ""
    assert kernel.run("new = work.start(0)\n[await new, await old]") == (
        "[['first', 'long', 'new'], ['first', 'long', 'last']]"
    )


def test_the_same_run_id_in_a_cell_run_twice_is_the_same_run(kernel: Kernel, tmp_path: Path) -> None:
    assert kernel.run(DEFINE) == ""
    assert kernel.run("first = work.start(0, run_id='w1')\nawait first") == "['first', 'long', 'last']"
    assert kernel.run("work.start(0, run_id='w1') == first") == "True"
    assert kernel.run("await work.start(0, run_id='w1')") == "['first', 'long', 'last']"
    assert "RunConflict" in kernel.run("work.start(1, run_id='w1')")
    assert (tmp_path / "ledger").read_text().split() == ["first", "long", "last"]


def test_a_body_that_blocks_the_loop_is_named_and_the_notebook_stays_usable(kernel: Kernel) -> None:
    assert kernel.run(DEFINE) == ""
    said = kernel.run(
        """
        agnt5.setup_logging()
        async def hogs_the_loop():
            time.sleep(3)
        @flow
        async def blocked(ctx):
            await ctx.call(hogs_the_loop)
        run = blocked.start()
        print(1 + 1)
        await run
        """
    )
    assert said.startswith("2\n")
    assert "`hogs_the_loop` has blocked" in said
