"""The process is killed for real; the next one goes on from the last recorded step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROGRAM = """
import asyncio, os, signal, sys, time
import agnt5
from agnt5 import Context, flow, function

LEDGER = os.environ["LEDGER"]
KILL_AT = os.environ.get("KILL_AT", "")

def note(word):
    with open(LEDGER, "a") as file:
        file.write(word + "\\n")
    if word == KILL_AT:
        os.kill(os.getpid(), signal.SIGKILL)
    return word

def after(word):
    done = note(word)
    return done

def charge():
    note("charge")
    return "charged"

@function
async def nested(ctx: Context):
    first, second = await asyncio.gather(ctx.call(after, "n1"), ctx.call(after, "n2"))
    third = await ctx.call(after, "n3")
    return [first, second, third]

@flow
async def work(ctx: Context):
    found = [await ctx.call(after, "a")]
    found.append(await ctx.call(after, "b"))
    found += await ctx.call(nested)
    await asyncio.sleep(0.05)
    found += await ctx.spawn([(after, "c"), (after, "d")])
    found.append(await ctx.call(after, "e"))
    return found

@flow
async def once(ctx: Context):
    await ctx.call(after, "before")
    return await ctx.call(charge, effect="at_most_once")

"""


def play(tmp_path: Path, body: str, *, kill_at: str = "") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "AGNT5_HOME": str(tmp_path / ".agnt5"),
        "LEDGER": str(tmp_path / "ledger"),
        "KILL_AT": kill_at,
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, "-c", PROGRAM + textwrap.dedent(body)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )


START = 'print(work.start(run_id="r1").result())'
GO_ON = 'run = agnt5.get_run("r1"); print(run.result(20))'
DONE = "['a', 'b', 'n1', 'n2', 'n3', 'c', 'd', 'e']"


def test_killed_at_every_step(tmp_path: Path) -> None:
    for word in ("a", "b", "n1", "n2", "n3", "c", "d", "e"):
        home = tmp_path / word
        home.mkdir()
        first = play(home, START, kill_at=word)
        assert first.returncode == -signal.SIGKILL, first.stderr
        second = play(home, GO_ON)
        assert second.stdout.strip() == DONE, second.stderr
        ledger = (home / "ledger").read_text().split()
        again = {done for done in ledger if ledger.count(done) > 1}
        # Only what was under way may have been done twice.
        side_by_side = next((pair for pair in ({"n1", "n2"}, {"c", "d"}) if word in pair), {word})
        assert again <= side_by_side


def test_killed_again_and_again(tmp_path: Path) -> None:
    play(tmp_path, START, kill_at="b")
    play(tmp_path, GO_ON, kill_at="n2")
    play(tmp_path, GO_ON, kill_at="d")
    assert play(tmp_path, GO_ON).stdout.strip() == DONE


def test_an_at_most_once_step_asks(tmp_path: Path) -> None:
    first = play(tmp_path, 'once.start(run_id="r1").result()', kill_at="charge")
    assert first.returncode == -signal.SIGKILL
    second = play(
        tmp_path,
        """
        run = agnt5.get_run("r1")
        try:
            run.result(20)
        except agnt5.RunPaused as error:
            print("uncertain" in str(error), run.status)
        run.resume(values={"charge": "it was charged"})
        print(run.result(20))
        """,
    )
    assert second.stdout.split("\n")[:2] == ["True paused", "it was charged"], second.stderr
    assert (tmp_path / "ledger").read_text().split().count("charge") == 1


def test_an_at_most_once_step_can_be_run_again(tmp_path: Path) -> None:
    play(tmp_path, 'once.start(run_id="r1").result()', kill_at="charge")
    second = play(
        tmp_path,
        """
        run = agnt5.get_run("r1")
        while run.status != "paused": time.sleep(0.01)
        run.resume(again=["charge"])
        print(run.result(20))
        """,
    )
    assert second.stdout.strip() == "charged", second.stderr


def test_exit_while_bodies_run_is_clean_and_quick(tmp_path: Path) -> None:
    answer = play(
        tmp_path,
        """
        @flow
        async def stuck(ctx):
            await ctx.spawn([(time.sleep, 600), (asyncio.sleep, 600)])
        run = stuck.start(run_id="s1")
        while len(run.journal) < 2: time.sleep(0.01)
        time.sleep(0.1)
        """,
    )
    assert answer.returncode == 0
    assert answer.stderr == ""
    looked = play(
        tmp_path,
        """
        agnt5.configure(recover="ask")
        print(agnt5.get_run("s1").interrupted, [run.id for run in agnt5.runs(status="interrupted")])
        print(agnt5.runs(status="interrupted", limit=0), agnt5.runs(status="interrupted", component="other"))
        """,
    )
    assert looked.stdout.splitlines() == ["True ['s1']", "[] []"], looked.stderr


def test_changed_code_pauses_and_says_what_diverged(tmp_path: Path) -> None:
    play(tmp_path, START, kill_at="n1")
    second = play(
        tmp_path,
        """
        @flow
        async def work(ctx: Context):
            await ctx.call(after, "a")
            return await ctx.call(charge)
        run = agnt5.get_run("r1")
        try:
            run.result(20)
        except agnt5.DivergenceError as error:
            print(error)
        print(run.status, "|", (run.error or "").splitlines()[0])
        """,
    )
    assert "charge" in second.stdout, second.stdout + second.stderr
    assert "Nothing was written" in second.stdout
    assert second.stdout.splitlines()[-1].startswith("paused | DivergenceError"), second.stdout
    third = play(tmp_path, 'run = agnt5.get_run("r1"); run.resume(); print(run.result(20))')
    assert third.stdout.strip() == DONE, third.stderr


def test_a_forked_child_refuses(tmp_path: Path) -> None:
    answer = play(
        tmp_path,
        """
        print(work.run_sync())
        pid = os.fork()
        if pid == 0:
            try:
                work.start()
            except agnt5.RuntimeUnavailableError as error:
                print("forked" in str(error), flush=True)
            os._exit(0)
        os.waitpid(pid, 0)
        print(work.run_sync() == work.run_sync())
        """,
    )
    assert answer.stdout.split("\n")[1:3] == ["True", "True"], answer.stdout + answer.stderr


def test_a_second_process_reads_and_asks_the_owner(tmp_path: Path) -> None:
    answer = play(
        tmp_path,
        """
        import subprocess
        @flow
        async def waits(ctx):
            return await ctx.wait_for_event("go")
        run = waits.start(run_id="w1")
        other = 'import agnt5; r = agnt5.get_run("w1"); print(r.status); agnt5.send_event("go", 5); print(r.result(10))'
        said = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True)
        print(said.stdout.split(), said.stderr)
        print(run.result(10))
        """,
    )
    assert answer.stdout.split("\n")[0] in ("['waiting', '5'] ", "['running', '5'] "), answer.stdout + answer.stderr
