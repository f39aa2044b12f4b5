"""Memory outlives its process: restarts, kills in the middle of an operation, and a second process beside the owner."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# `ask` returns when a change is durable; the step that asked is not recorded yet. That is where the process dies.
PROGRAM = """
import asyncio, json, os, signal, subprocess, sys
import agnt5
from agnt5 import Context, flow
from agnt5.memory import Memory, SemanticMemory, episodic, operation, procedural, semantic, working

memory = Memory(namespace="ada", semantic=SemanticMemory(embed=None))
KILL_AT = int(os.environ.get("KILL_AT", "0"))
asked = 0

async def ask(work):
    global asked
    done = await operation.ask(work)
    asked += 1
    if asked == KILL_AT:
        os.kill(os.getpid(), signal.SIGKILL)
    return done

for module in (episodic, procedural, semantic, working):
    module.ask = ask

async def notes():
    await memory.episodic.remember("step", "same")
    await memory.episodic.remember("step", "same")

@flow
async def remembers(ctx: Context):
    await memory.procedural.learn("climb", ["up"])
    await memory.working.store("place", "camp")
    for n in range(2):
        await memory.episodic.remember("day", {"n": n})
        await memory.episodic.remember("day", "same")
        await memory.procedural.reinforce("climb", True)
    await ctx.call(notes)
    await memory.semantic.add("the summit is near")
    return await told()

async def told():
    return {
        "episodes": sorted(str(one.data) for one in await memory.episodic.recall(limit=100)),
        "successes": (await memory.procedural.snapshot()).procedures[0].successes,
        "keys": await memory.working.keys(),
        "facts": [fact.text for fact in await memory.semantic.search("summit")],
    }

"""

ALL = {
    "episodes": ["same", "same", "same", "same", "{'n': 0}", "{'n': 1}"],
    "successes": 2,
    "keys": ["place"],
    "facts": ["the summit is near"],
}
CHANGES = 11


def play(home: Path, body: str, *, kill_at: int = 0) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"AGNT5_HOME": str(home / ".agnt5"), "KILL_AT": str(kill_at), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM + textwrap.dedent(body)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, cwd=home)


START = 'print(json.dumps(remembers.start(run_id="r1").result(30)))'


@pytest.mark.parametrize("kill_at", range(1, CHANGES + 1))
def test_killed_after_any_change_nothing_is_remembered_twice_or_lost(kill_at: int, tmp_path: Path) -> None:
    first = play(tmp_path, START, kill_at=kill_at)
    assert first.returncode == -signal.SIGKILL, first.stdout + first.stderr
    second = play(tmp_path, 'print(json.dumps(agnt5.get_run("r1").result(30)))')
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout) == ALL


def test_what_was_remembered_is_there_after_a_restart(tmp_path: Path) -> None:
    assert json.loads(play(tmp_path, START).stdout) == ALL
    again = play(tmp_path, "print(json.dumps(asyncio.run(told())))")
    assert json.loads(again.stdout) == ALL, again.stderr


def test_a_second_process_reads_and_asks_the_owner_to_write(tmp_path: Path) -> None:
    answer = play(
        tmp_path,
        """
        OTHER = '''
        import asyncio, agnt5
        from agnt5.memory import Memory, SemanticMemory
        memory = Memory(namespace="ada", semantic=SemanticMemory(embed=lambda texts: [[1.0, 2.0] for text in texts]))
        async def main():
            print(await memory.working.get("place"), agnt5.runtime.open_runtime())
            await memory.working.store("from", {"the": ("other", b"process")})
            await asyncio.gather(*(memory.episodic.remember("visit", n) for n in range(20)))
            await memory.procedural.learn("visit", ["knock"])
            await memory.procedural.reinforce("visit", True)
            await memory.semantic.add("visitors knock")
            (fact,) = await memory.semantic.search("knock")
            print(round(fact.similarity, 3), await memory.working.delete("place"), await memory.procedural.forget("no"))
            print(await Memory(namespace="ada").procedural.clear())
            try:
                await SemanticMemory(namespace="ada", embed=lambda texts: [[1.0] for text in texts]).add("other")
            except agnt5.ConfigurationError as error:
                print("holds vectors" in str(error))
        asyncio.run(main())
        '''
        import textwrap
        async def main():
            await memory.working.store("place", "camp")
            said = subprocess.run([sys.executable, "-c", textwrap.dedent(OTHER)], capture_output=True, text=True)
            print(said.stdout + said.stderr)
            print(await memory.working.get("from"), await memory.working.keys())
            print((await memory.episodic.snapshot()).count, len(await memory.semantic.search("knock")))
        asyncio.run(main())
        """,
    )
    lines = answer.stdout.split("\n")
    assert lines[:4] == ["camp None", "1.0 True False", "1", "True"], answer.stdout + answer.stderr
    assert lines[5:7] == ["{'the': ('other', b'process')} ['from']", "20 1"]


def test_a_forked_child_refuses_to_write(tmp_path: Path) -> None:
    answer = play(
        tmp_path,
        """
        asyncio.run(memory.working.store("a", 1))
        core = agnt5.runtime.memory()
        pid = os.fork()
        if pid == 0:
            async def through_the_package(): await memory.working.store("b", 2)
            async def through_the_core(): core.clear("ada", "working")
            for what in (through_the_package, through_the_core):
                try:
                    asyncio.run(what())
                except agnt5.AGNT5Error as error:
                    print("forked" in str(error), flush=True)
            os._exit(0)
        os.waitpid(pid, 0)
        print(asyncio.run(memory.working.keys()))
        """,
    )
    assert answer.stdout.split("\n")[:3] == ["True", "True", "['a']"], answer.stdout + answer.stderr
