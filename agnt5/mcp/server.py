"""One MCP server: how to reach it, the connection while there is one, and what its errors mean.

A Server is what tools hold on to; its Connection lives on the thread of `agnt5.mcp.thread`. Nothing of its environment,
its headers or the query of its address may get into a message.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from agnt5.errors import (
    ConfigurationError,
    MCPAuthError,
    MCPConnectionLost,
    MCPError,
    MCPTimeout,
    MCPUnavailable,
    ToolFailed,
)
from agnt5.mcp import thread
from agnt5.mcp.connection import Address, Connection
from agnt5.mcp.results import text_of, value_of
from agnt5.secret import mask

E = TypeVar("E", bound=MCPError)

_PAGES = 1000
"""Of the list of tools; a server that has more never comes to an end."""


class Server:
    """What answers at an address. `shown` is its name in messages, `identity` what makes it the same elsewhere."""

    def __init__(self, address: Address) -> None:
        if not address.command:
            parts = urlsplit(address.url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ConfigurationError(f"The url of an MCP server begins with http://, not {address.url[:8]!r}.")
            bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
            self.shown = f"The MCP server at {bare}"
            self.identity = ["http", bare]
        else:
            self.shown = f"The MCP server `{mask(' '.join((address.command, *address.args)))}`"
            self.identity = ["stdio", address.command, *address.args]
        self.address = address
        self._connection: Connection | None = None
        self._closing: weakref.finalize[Any, Any] | None = None

    async def tools(self) -> list[Any]:
        """What it offers, page by page."""
        _sdk()
        return await thread.on_thread(self._tools())

    async def call(self, tool: str, arguments: dict[str, Any]) -> Any:
        """The value of one call. ToolFailed when the tool says so, else an MCPError."""
        result = await thread.on_thread(self._call(tool, arguments))
        if result.is_error:
            raise ToolFailed(text_of(result) or f"{tool} failed and did not say why.", tool=tool)
        try:
            return value_of(result)
        except ValueError as error:
            raise self._made(MCPError, tool, f"gave a picture that is no base64: {error}") from None

    # On the thread

    async def _tools(self) -> list[Any]:
        found: list[Any] = []
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await self._ask("", lambda client, at=cursor: client.list_tools(cursor=at))
            found += page.tools
            if not page.next_cursor:
                return found
            if page.next_cursor == cursor:
                break
            cursor = page.next_cursor
        raise self._made(MCPError, "", f"does not end its list of tools, after {len(found):,} of them.")

    async def _call(self, tool: str, arguments: dict[str, Any]) -> Any:
        return await self._ask(tool, lambda client: client.call_tool(tool, arguments, self.address.timeout))

    async def _ask(self, tool: str, question: Any) -> Any:
        for last in (False, True):
            connection = self._connected()
            try:
                async with asyncio.timeout(self.address.timeout):
                    client = await connection.client()
                    return await question(client)
            except TimeoutError:
                if not connection.greeted:
                    await connection.close()
                raise self._timeout(tool, connection) from None
            except Exception as error:  # of many kinds: the SDK's, its transports', and those of checking the answer
                if connection.forgotten and not last:
                    # It has lost the session, so it did not take the question either.
                    await connection.close()
                    continue
                if connection.closed or not connection.greeted:
                    await connection.heard_out()
                found = self._error(tool, error, connection)
                if not isinstance(found, ToolFailed):
                    await connection.close()
                raise found from None
        raise AssertionError("unreachable: the second round returns or raises")

    def _connected(self) -> Connection:
        found = self._connection
        if found is None or found.closed:
            if self._closing is not None:
                self._closing.detach()
            found = self._connection = Connection(self.address)
            # When the last tool is gone, so is the connection; at exit the thread closes what is left.
            self._closing = weakref.finalize(self, found.close_soon)
            self._closing.atexit = False
        return found

    def _timeout(self, tool: str, connection: Connection) -> MCPError:
        seconds = self.address.timeout
        if not connection.greeted:
            return self._made(
                MCPUnavailable,
                tool,
                f"was started or reached but did not greet within {seconds:g} s. Does it speak MCP over this "
                f"transport?{connection.last_words()}",
            )
        what = f"did not answer the call of {tool}" if tool else "did not list its tools"
        error = self._made(
            MCPTimeout,
            tool,
            f"{what} within {seconds:g} s; what was asked may be done. Give it more time with "
            f"`mcp_tools(..., timeout=)`.",
        )
        error.seconds = seconds
        return error

    def _error(self, tool: str, error: Exception, connection: Connection) -> Exception:
        """What an exception of the SDK or its transport means."""
        import mcp_types
        from mcp import MCPError as Answer

        words = connection.hide(str(error)) or type(error).__name__
        code = error.code if isinstance(error, Answer) else 0
        status = connection.status
        if code == mcp_types.REQUEST_TIMEOUT:
            return self._timeout(tool, connection)
        if status in (401, 403):
            how = "{'Authorization': 'Bearer ...'}"
            return self._made(
                MCPAuthError, tool, f"refused the credentials (HTTP {status}). Give others: `headers={how}`."
            )
        if isinstance(error, OSError) and not connection.greeted:
            why = f"could not be started: {error.strerror or words}. Install the program, or give its full path."
            return self._made(MCPUnavailable, tool, why)
        if connection.unreachable:
            why = f"cannot be reached: {connection.unreachable}. Does it run, and is the address right?"
            return self._made(MCPUnavailable, tool, why)
        if not connection.greeted:
            why = f"HTTP {status}" if status else words
            return self._made(MCPUnavailable, tool, f"ended before it greeted ({why}).{connection.last_words()}")
        if connection.closed or connection.broken or status >= 500 or code == mcp_types.CONNECTION_CLOSED:
            why = f"HTTP {status}" if status >= 500 else connection.broken or words
            return self._made(
                MCPConnectionLost,
                tool,
                f"went away before it answered ({why}); what was asked may be done. The next call connects again."
                f"{connection.last_words()}",
            )
        if code and tool:
            return ToolFailed(words, tool=tool)
        return self._made(MCPError, tool, f"gave an answer that cannot be used: {words}")

    def _made(self, kind: type[E], tool: str, text: str) -> E:
        return kind(f"{self.shown} {text}", server=self.shown, tool=tool)


def _sdk() -> None:
    try:
        import mcp  # noqa: F401  # pyright: ignore[reportUnusedImport]
        import mcp_types  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        raise ConfigurationError(
            'Tools of MCP servers need the MCP SDK, version 2 or newer: pip install "agnt5[mcp]".'
        ) from None
