"""The clients of providers' SDKs: imported when first asked, one for each event loop, closed on it before it ends.

A client must never be used on another loop than its own: its connections belong to that one.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from importlib import import_module
from types import ModuleType
from typing import Any, Generic, TypeVar

from agnt5.errors import ConfigurationError

_Client = TypeVar("_Client")
_PATIENCE = 2.0
"""Seconds to wait at exit for a loop in another thread to close its clients."""


def sdk(module: str, extra: str) -> ModuleType:
    """A provider's SDK. ConfigurationError says what to install."""
    try:
        return import_module(module)
    except ImportError as error:
        if not (error.name or "").startswith(module.partition(".")[0]):
            raise  # it is there, and something that it needs is not
        raise ConfigurationError(
            f'The package {module.partition(".")[0]} is not installed: pip install "agnt5[{extra}]"'
        ) from None


def http_client(module: Any) -> Any:
    """The HTTP client of OpenAI's or Anthropic's SDK, except that it stays at the address it was given: see
    `failures.redirected`."""
    return module.DefaultAsyncHttpxClient(follow_redirects=False)


class Clients(Generic[_Client]):
    """The clients of one model: `await clients.here()` is that of the running loop, made when there is none yet.

    Each is held by an async generator that its loop knows, so `asyncio.run` closes it with the loop's other generators,
    and dropping the model closes it on its own loop. It must never be garbage before it is closed: SDKs close what is
    collected with a task on whatever loop runs at that moment, and that may be the loop of somebody's flow.
    """

    def __init__(self, make: Callable[[], _Client], close: Callable[[_Client], Awaitable[None]]) -> None:
        self._make = make
        self._close = close
        self._held: dict[asyncio.AbstractEventLoop, tuple[_Client, AsyncGenerator[_Client, None]]] = {}
        weakref.finalize(self, _drop, self._held).atexit = False  # it keeps what is held until it is closed

    async def here(self) -> _Client:
        loop = asyncio.get_running_loop()
        held = self._held.get(loop)
        return held[0] if held is not None else await self._first(loop)

    async def _first(self, loop: asyncio.AbstractEventLoop) -> _Client:
        for dead in [known for known in list(self._held) if known.is_closed()]:
            self._held.pop(dead, None)
        # In a thread: importing an SDK takes half a second, in which the loop would stand still for everyone.
        client = await asyncio.to_thread(self._make)
        held = self._held.get(loop)
        if held is not None:  # another task was faster
            await self._close(client)
            return held[0]
        keeper = _keep(client, self._close, self._held, loop)
        await anext(keeper)  # never waits, so no other task comes between
        self._held[loop] = (client, keeper)
        _open.add(self)
        _close_at_exit()
        return client

    def close(self) -> None:
        """Close what loops of other threads, and loops that have stopped without an end, still hold open."""
        for loop, (_, keeper) in list(self._held.items()):
            with contextlib.suppress(Exception):
                if loop.is_running():
                    asyncio.run_coroutine_threadsafe(_end(keeper), loop).result(_PATIENCE)
                elif not loop.is_closed():
                    loop.run_until_complete(_end(keeper))


async def _keep(
    client: _Client,
    close: Callable[[_Client], Awaitable[None]],
    held: dict[asyncio.AbstractEventLoop, Any],
    loop: asyncio.AbstractEventLoop,
) -> AsyncGenerator[_Client, None]:
    try:
        yield client
    finally:
        held.pop(loop, None)
        await close(client)


def _drop(held: dict[asyncio.AbstractEventLoop, tuple[Any, AsyncGenerator[Any, None]]]) -> None:
    """The model is gone, perhaps found by the garbage collector in the middle of anything: close on the right loops."""
    for loop, (_, keeper) in list(held.items()):
        with contextlib.suppress(RuntimeError):  # the loop has been closed, and its connections with it
            loop.call_soon_threadsafe(_end_soon, loop, keeper)


def _end_soon(loop: asyncio.AbstractEventLoop, keeper: AsyncGenerator[Any, None]) -> None:
    ending = loop.create_task(_end(keeper))
    _ending.add(ending)
    ending.add_done_callback(_ending.discard)


async def _end(keeper: AsyncGenerator[Any, None]) -> None:
    await keeper.aclose()


_open: weakref.WeakSet[Clients[Any]] = weakref.WeakSet()
_ending: set[asyncio.Task[None]] = set()


@functools.cache
def _close_at_exit() -> None:
    """Registered with the first client: what is registered later runs earlier, so the loop of runs is still there."""
    atexit.register(lambda: [clients.close() for clients in list(_open)])
