"""The connection to an MCP server, from opening to close, held by one task that enters and leaves the SDK's client.

It notes why it broke, for whoever asked something meanwhile. It must never be used after it closed: make another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import threading
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agnt5.mcp import thread
from agnt5.secret import HIDDEN, Secret, mask

if TYPE_CHECKING:
    Hidden = Mapping[str, "str | Secret"]

_CREDENTIAL = re.compile("key|token|secret|pass|auth|cookie|credential", re.IGNORECASE)

_LINES = 8
"""Of what a program writes to stderr, the last lines are kept, to say why it ended."""
_HEARING = 1.0
"""Seconds for the last lines of a program that has ended; what it started may still hold the pipe open."""


@dataclass(frozen=True)
class Address:
    """How to reach a server: a program to start (`command`), or an `url`. `timeout`: seconds for one answer."""

    command: str
    args: tuple[str, ...]
    env: Hidden = field(repr=False)
    cwd: str | None
    url: str
    headers: Hidden = field(repr=False)
    timeout: float


class Connection:
    """Made on the thread. What it notes says what an error of the client means."""

    def __init__(self, address: Address) -> None:
        self._closed = False
        self._pid = os.getpid()
        self.status = 0
        """HTTP status of the last answer when it was no success; 0 otherwise."""
        self.unreachable = ""
        """Why no connection can be made."""
        self.broken = ""
        """Why a connection broke in the middle."""
        self.forgotten = False
        """The server no longer knows this session."""
        given = {**revealed(address.env), **revealed(address.headers)}
        self._credentials = [value for name, value in given.items() if _CREDENTIAL.search(name) and len(value) > 5]
        self._words: deque[str] = deque(maxlen=_LINES)
        self._listener: threading.Thread | None = None
        self._end = asyncio.Event()
        self._ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._ready.add_done_callback(lambda done: done.cancelled() or done.exception())  # heard by those who wait
        self._task = asyncio.create_task(self._live(self._transport(address)))
        thread.keep(self)

    @property
    def closed(self) -> bool:
        """Whether it can be used no more; in a forked child that is so from the beginning."""
        return self._closed or self._pid != os.getpid()

    @property
    def greeted(self) -> bool:
        """Whether it ever worked."""
        return self._ready.done() and not self._ready.cancelled() and self._ready.exception() is None

    async def client(self) -> Any:
        """The SDK's client, once the server has greeted; the error that came instead."""
        return await asyncio.shield(self._ready)

    async def close(self) -> None:
        self._closed = True
        self._end.set()
        if not self._ready.done():
            self._task.cancel()
        await asyncio.wait([self._task])

    def close_soon(self) -> None:
        """Close from any thread, without waiting."""
        with contextlib.suppress(RuntimeError):  # the loop is gone, and the server with it
            thread.submit(self.close())

    async def heard_out(self) -> None:
        """Wait until all that an ended program wrote to stderr has been read."""
        self._end.set()
        await asyncio.wait([self._task], timeout=_HEARING)
        if self._listener is not None:
            await asyncio.to_thread(self._listener.join, _HEARING)

    def last_words(self) -> str:
        """The end of what a program wrote to stderr, for a message."""
        text = self.hide("\n".join(self._words)).strip()
        return f" It wrote:\n{text}" if text else ""

    def hide(self, text: str) -> str:
        """The text without credentials, those among the variables and headers included."""
        for value in self._credentials:
            text = text.replace(value, HIDDEN)
        return mask(text)

    async def _live(self, transport: Any) -> None:
        from mcp import Client

        try:
            async with Client(transport, cache=None) as client:
                self._ready.set_result(client)
                await self._end.wait()
        except Exception as error:  # whatever a transport raises: the server cannot be used
            while isinstance(error, ExceptionGroup):
                error = error.exceptions[0]
            if not self._ready.done():
                self._ready.set_exception(error)
        finally:
            self._closed = True
            thread.let_go(self)
            self._ready.cancel()

    # Transports

    def _transport(self, address: Address) -> Any:
        return self._watched(self._stdio(address) if address.command else self._http(address))

    @contextlib.asynccontextmanager
    async def _watched(self, transport: Any) -> AsyncGenerator[Any, None]:
        async with transport as (read, write):
            yield _Watched(read, self._ended), write

    def _ended(self) -> None:
        self._closed = True
        self._end.set()

    @contextlib.asynccontextmanager
    async def _stdio(self, address: Address) -> AsyncGenerator[Any, None]:
        from mcp import StdioServerParameters, stdio_client

        parameters = StdioServerParameters(
            command=address.command, args=list(address.args), env=revealed(address.env), cwd=address.cwd
        )
        receive, send = os.pipe()
        self._listener = threading.Thread(target=self._listen, args=(receive,), name="agnt5-mcp-stderr", daemon=True)
        self._listener.start()
        with os.fdopen(send, "w") as errors:
            async with stdio_client(parameters, errlog=errors) as streams:
                yield streams

    def _listen(self, receive: int) -> None:
        with os.fdopen(receive, errors="replace") as lines:
            for line in lines:
                self._words.append(line.rstrip()[:500])

    @contextlib.asynccontextmanager
    async def _http(self, address: Address) -> AsyncGenerator[Any, None]:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        connection = self

        class Watching(httpx2.AsyncHTTPTransport):
            async def handle_async_request(self, request: Any) -> Any:
                try:
                    response = await super().handle_async_request(request)
                except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                    connection.unreachable = connection.hide(str(error)) or type(error).__name__
                    raise
                except httpx2.TransportError as error:
                    connection.broken = connection.hide(str(error)) or type(error).__name__
                    raise
                connection.unreachable = connection.broken = ""
                # The optional stream of notices is answered with 405 by servers that have none.
                if request.method == "POST":
                    connection.status = response.status_code if response.status_code >= 400 else 0
                    connection.forgotten = response.status_code == 404 and "mcp-session-id" in request.headers
                return response

        timeout = httpx2.Timeout(min(30.0, address.timeout), read=None)
        client = httpx2.AsyncClient(headers=revealed(address.headers), timeout=timeout, transport=Watching())
        async with client, streamable_http_client(address.url, http_client=client) as streams:
            yield streams


class _Watched:
    """A read stream that tells when it has ended."""

    def __init__(self, stream: Any, on_end: Any) -> None:
        self._stream = stream
        self._on_end = on_end

    async def receive(self) -> Any:
        return await self._stream.receive()

    def __aiter__(self) -> _Watched:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._stream.__anext__()
        except StopAsyncIteration:
            self._on_end()
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> _Watched:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *exc: Any) -> Any:
        return await self._stream.__aexit__(*exc)

    @property
    def last_context(self) -> Any:
        return getattr(self._stream, "last_context", None)


def revealed(hidden: Hidden) -> dict[str, str]:
    """Variables or headers with their secrets, for the moment of use."""
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in hidden.items()}
