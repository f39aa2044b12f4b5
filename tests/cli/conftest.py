"""A home with runs of every kind, made by a real process that then went away, and a way to call the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agnt5 import config
from agnt5.cli import main
from calling import Answer, Call

APP = """
import asyncio, os, signal, sys
import agnt5
from agnt5 import Context, flow

def double(number: int) -> int:
    return number * 2

def fail() -> None:
    raise ValueError("\\x1b[31mboom")

@flow
async def doubler(ctx: Context, number: int) -> int:
    return await ctx.call(double, number)

@flow
async def failing(ctx: Context) -> None:
    await ctx.call(fail)

@flow
async def asking(ctx: Context, name: str) -> str:
    await ctx.call(double, 1)
    answer = await ctx.wait_for_event(name)
    return f"{name}: {answer}"

if __name__ == "__main__":
    agnt5.configure(recover="ask")
    doubler.start(21, run_id="r_doubled").result()
    try:
        failing.start(run_id="r_failed").result()
    except agnt5.errors.RunFailed:
        print("failed as it should")
    asking.start("go", run_id="r_asking")
    asking.start("other", run_id="r_askmore")
    while any(agnt5.get_run(i).status != "waiting" for i in ("r_asking", "r_askmore")):
        asyncio.run(asyncio.sleep(0.01))
    print("ready", flush=True)
    if sys.argv[1] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    while True:  # a busy kernel: it never sleeps and never answers by itself
        pass
"""


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Call:
    """Call the command line in this process: cli("runs", "--json") -> (code, out, err)."""

    def call(*arguments: str) -> Answer:
        capsys.readouterr()
        code = main(arguments)
        return Answer(code, *capsys.readouterr())

    return call


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The program of these tests; the working directory and AGNT5_HOME are this test's own."""
    path = tmp_path / "app.py"
    path.write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGNT5_HOME", str(tmp_path / ".agnt5"))
    monkeypatch.delenv("AGNT5_STORE", raising=False)
    monkeypatch.delenv("AGNT5_APP", raising=False)
    yield path
    config.reset()  # a command that drives runs configures its process, which here is the tests' own


@pytest.fixture
def dead(app: Path) -> Path:
    """A home whose owner was killed: one run completed, one failed, two interrupted while they waited."""
    ended = subprocess.run([sys.executable, app, "die"], capture_output=True, text=True, timeout=60)
    assert "ready" in ended.stdout, ended.stderr
    return app


@pytest.fixture
def busy(app: Path) -> Iterator[Path]:
    """The same, with the owner alive and spinning."""
    owner = subprocess.Popen([sys.executable, app, "stay"], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    try:
        assert any("ready" in line for line in owner.stdout)
        yield app
    finally:
        owner.kill()
        owner.wait()
        owner.stdout.close()
