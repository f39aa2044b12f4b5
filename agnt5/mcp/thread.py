"""The loop on which the connections to MCP servers live: one daemon thread, started when it is first needed.

A connection outlives the loop of any caller: tools run on the host loop, in notebooks and in scripts. It must never run
a caller's code.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from agnt5.execution.ioless import IOLessLoop

T = TypeVar("T")

_CLOSING_SECONDS = 8.0
"""A server gets 2 s to end by itself, 2 after SIGTERM and 2 after SIGKILL."""

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_pid = 0
_open: set[Any] = set()


async def on_thread(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that runs on the thread; cancelling this cancels it."""
    running = asyncio.get_running_loop()
    if isinstance(running, IOLessLoop):
        work.close()
        raise running.refuse_io(
            "talking to an MCP server",
            "Make the tools before the run, and write `await ctx.call(tool, ...)` in the flow.",
        )
    return await asyncio.wrap_future(submit(work))


def submit(work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Start a coroutine on the thread."""
    return asyncio.run_coroutine_threadsafe(work, _running())


def keep(closable: Any) -> None:
    """Await `closable.close()` before the program ends, unless it is let go before. On the thread."""
    _open.add(closable)


def let_go(closable: Any) -> None:
    _open.discard(closable)


def _running() -> asyncio.AbstractEventLoop:
    global _loop, _pid
    with _lock:
        # A forked child has the loop's memory and not its thread.
        if _loop is None or _pid != os.getpid():
            if _loop is None:
                atexit.register(_close)
            _open.clear()
            _pid = os.getpid()
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_main, args=(_loop,), name="agnt5-mcp", daemon=True).start()
        return _loop


def _main(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()


def _close() -> None:
    if _loop is None or _pid != os.getpid():
        return
    with contextlib.suppress(Exception):  # the program ends in any case
        asyncio.run_coroutine_threadsafe(_close_all(), _loop).result(_CLOSING_SECONDS)


async def _close_all() -> None:
    await asyncio.gather(*(one.close() for one in list(_open)), return_exceptions=True)
