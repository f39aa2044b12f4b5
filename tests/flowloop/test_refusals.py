"""A flow that reaches for the world gets FlowIOError at its line, with the remedy, and cannot swallow it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from agnt5.errors import FlowIOError
from agnt5.execution import guard
from flowloop.world import Ctx, World, record

Reach = Callable[[Path], Any]


def poisoned(flow: Callable[[Ctx], Awaitable[Any]]) -> FlowIOError:
    """The error that `flow` is poisoned with, after it swallowed what was raised to it."""

    async def swallowing(ctx: Ctx) -> str:
        try:
            await flow(ctx)
        except Exception:
            await ctx.ask("never asked")
        return "swallowed"

    world = World(swallowing)
    world.drain()
    error = world.loop.poisoned()
    assert isinstance(error, FlowIOError)
    assert world.story.flat == []
    assert world.ended
    world.fence()
    return error


def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


BY_THE_LOOP: dict[str, Callable[[], Any]] = {
    "to_thread": lambda: asyncio.to_thread(print, "x"),
    "run_in_executor": lambda: _loop().run_in_executor(None, print),
    "getaddrinfo": lambda: _loop().getaddrinfo("localhost", 80),
    "create_connection": lambda: asyncio.open_connection("localhost", 80),
    "create_server": lambda: asyncio.start_server(print, "localhost", 0),  # type: ignore[arg-type]
    "subprocess_exec": lambda: asyncio.create_subprocess_exec("true"),
    "subprocess_shell": lambda: asyncio.create_subprocess_shell("true"),
    "add_reader": lambda: _loop().add_reader(0, print),
    "add_signal_handler": lambda: _loop().add_signal_handler(2, print),
    "sock_recv": lambda: _loop().sock_recv(None, 1),  # type: ignore[arg-type]
    "connect_read_pipe": lambda: _loop().connect_read_pipe(print, sys.stdin),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", BY_THE_LOOP)
def test_io_by_the_loop_is_refused_with_line_and_remedy(name: str) -> None:
    async def flow(ctx: Ctx) -> None:
        result = BY_THE_LOOP[name]()
        if asyncio.iscoroutine(result):
            await result

    error = poisoned(flow)
    assert __file__ in str(error)
    assert "await ctx.call(function, ...)" in str(error)


IN_THE_WORLD: dict[str, Reach] = {
    "open for writing": lambda path: open(path / "new", "w"),  # noqa: SIM115
    "os.open for writing": lambda path: os.open(path / "new", os.O_CREAT | os.O_WRONLY),
    "append": lambda path: (path / "old").open("a"),
    "write_text": lambda path: (path / "new").write_text("x"),
    "remove": lambda path: (path / "old").unlink(),
    "rename": lambda path: (path / "old").rename(path / "new"),
    "mkdir": lambda path: (path / "new").mkdir(),
    "rmdir": lambda path: path.rmdir(),
    "truncate": lambda path: os.truncate(path / "old", 0),
    "symlink": lambda path: (path / "new").symlink_to(path / "old"),
    "temporary file": lambda path: tempfile.mkstemp(dir=path),
    "socket": lambda path: socket.socket(),
    "getaddrinfo": lambda path: socket.getaddrinfo("localhost", 80),
    "subprocess": lambda path: subprocess.run(["true"], check=False),
    "shell": lambda path: os.system("true"),
    "database": lambda path: sqlite3.connect(path / "db"),
}


@pytest.mark.parametrize("what", IN_THE_WORLD)
def test_touching_the_world_is_refused_and_does_not_happen(what: str, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("here")
    reach = IN_THE_WORLD[what]
    line = reach.__code__.co_firstlineno

    async def flow(ctx: Ctx) -> None:
        reach(tmp_path)

    error = poisoned(flow)
    assert f"{__file__}:{line}" in str(error)
    assert error.location.startswith(f"{__file__}:{line}")
    assert [one.name for one in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text() == "here"


def test_what_a_flow_may_do(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "old").write_text("here")
    (tmp_path / "late_module.py").write_text("open(__file__ + '.imported', 'w').close()\n")
    log = logging.getLogger("flow-test")
    handler = logging.FileHandler(tmp_path / "log", delay=True)
    log.addHandler(handler)
    sys.path.insert(0, str(tmp_path))

    class Resource:
        def __del__(self) -> None:
            (tmp_path / "finalized").write_text("x")

    async def flow(ctx: Ctx) -> str:
        import late_module  # type: ignore[import-not-found]  # an import may write, if only its .pyc

        log.warning("a handler may open its file")
        Resource()  # a finalizer only happens to run now
        print("printing is fine", file=open(os.devnull, "w"))  # noqa: SIM115
        sqlite3.connect(":memory:").close()
        with guard.exempt():
            (tmp_path / "by the engine").write_text("x")
        return (tmp_path / "old").read_text() + late_module.__name__

    try:
        assert record(flow, lambda n: 0).result == "'herelate_module'"
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("late_module", None)
        log.removeHandler(handler)
        handler.close()
    assert {"finalized", "by the engine", "log", "late_module.py.imported"} <= {one.name for one in tmp_path.iterdir()}


def test_other_threads_and_the_rest_of_the_program_are_free(tmp_path: Path) -> None:
    def write(name: str) -> None:
        (tmp_path / name).write_text("x")

    async def flow(ctx: Ctx) -> None:
        thread = threading.Thread(target=write, args=("by a thread",))
        thread.start()
        thread.join()

    record(flow, lambda n: 0)
    write("after")
    assert len(list(tmp_path.iterdir())) == 2


async def _task_group() -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.sleep, 1)


async def _fail_after() -> None:
    with anyio.fail_after(5):
        await anyio.sleep(1)


async def _thread() -> None:
    await anyio.to_thread.run_sync(print)


@pytest.mark.parametrize("use", [_task_group, _fail_after, _thread])
def test_anyio_is_refused_not_left_hanging(use: Callable[[], Awaitable[None]]) -> None:
    async def flow(ctx: Ctx) -> None:
        await use()

    error = poisoned(flow)
    assert "anyio" in str(error)
    assert "asyncio.TaskGroup" in str(error)
    assert __file__ in str(error)


def test_anyio_that_is_imported_by_the_flow_itself_is_refused_too() -> None:
    """In a process of its own: anyio's asyncio side is imported once, and this one has it by now."""
    script = """
import asyncio, sys
from flowloop.world import World

async def flow(ctx):
    import anyio
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.sleep, 1)

world = World(flow)
world.drain()
print(world.loop.poisoned())
world.fence()
"""
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": f"{tests.parent}{os.pathsep}{tests}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "anyio (a task group, cancel scope or thread of it)" in done.stdout
    assert done.stderr == ""


def test_anyio_outside_of_flows_is_untouched() -> None:
    assert anyio.run(_fail_after_quickly) == "in time"


async def _fail_after_quickly() -> str:
    with anyio.fail_after(5):
        await anyio.sleep(0)
    return "in time"
