"""`mcp_tools`: the tools that a server offers, each as a Tool with the server's own schema.

What makes a tool the same in another process is its server's command or address and its name; credentials, environment
and headers are no part of that. This module must never put them into a message.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agnt5.codec import register_type
from agnt5.errors import (
    ConfigurationError,
    MCPConnectionLost,
    MCPTimeout,
    MCPUnavailable,
    SerializationError,
)
from agnt5.log import logger
from agnt5.mcp.connection import Address
from agnt5.mcp.server import Server
from agnt5.retry import ExponentialBackoff, RetryPolicy
from agnt5.tool import Tool

if TYPE_CHECKING:
    from agnt5.secret import Secret

_LONGEST_NAME = 64


async def mcp_tools(
    command: str | None = None,
    args: Sequence[str] = (),
    *,
    env: Mapping[str, str | Secret] | None = None,
    cwd: str | None = None,
    url: str | None = None,
    headers: Mapping[str, str | Secret] | None = None,
    prefix: str = "",
    timeout: float = 60.0,
    retry: RetryPolicy | int | None = None,
    requires_approval: bool | Collection[str] = False,
) -> list[Tool[..., Any]]:
    """The tools of an MCP server: a program to start (`command`, spoken to over stdio), or an `url` (streamable HTTP).

    `env`: variables beside the few that programs need anyway; `headers`: sent with each request; both may hold
    Secrets. `prefix`: put before each name, to keep two servers apart. `timeout`: seconds for one answer.
    `requires_approval`: for all tools, or the names of those that do. `retry`: default, 3 attempts when the server
    could not be reached, and for tools that say they may be repeated also when it went away in mid-call.

    The server is asked for its tools now; one that no model could use is left out, with a warning. Later calls share
    the connection, which opens again after the server died, and closes with the program or the last of these tools. A
    result is the structured content, or a text, or a list of texts and Images. Errors: ConfigurationError,
    MCPUnavailable, MCPConnectionLost, MCPAuthError, MCPTimeout, and ToolFailed with what a tool answers when it fails.
    """
    if (command is None) == (url is None):
        raise ConfigurationError("mcp_tools needs either command= (a program to start) or url=, and not both.")
    if not timeout > 0:
        raise ConfigurationError(f"timeout is in seconds and above 0, not {timeout!r}.")
    if command is None and (args or env or cwd):
        raise ConfigurationError("args, env and cwd belong to command=; a server with an url takes headers=.")
    if url is None and headers:
        raise ConfigurationError("headers belong to url=; a program takes its credentials in env=.")
    server = Server(Address(command or "", tuple(args), dict(env or {}), cwd, url or "", dict(headers or {}), timeout))
    offered = await server.tools()
    made: dict[str, Tool[..., Any]] = {}
    known = {one.name for one in offered}
    asks = known if requires_approval is True else set(requires_approval or ())
    if asks - known:
        missing = ", ".join(sorted(asks - known))
        raise ConfigurationError(f"{server.shown} has no tools called {missing}; it has: {', '.join(sorted(known))}.")
    for one in offered:
        name = _name(prefix + one.name)
        if name in made:
            raise ConfigurationError(f"{server.shown} has two tools that would both be called {name!r}.")
        policy = _policy(retry, one.annotations)
        try:
            made[name] = Tool(
                name,
                functools.partial(_call, server, one.name),
                one.description or one.title or "",
                policy,
                requires_approval=one.name in asks,
                parameters={"type": "object", **one.input_schema},
            )
        except ConfigurationError as error:
            # Whoever uses a server can mend none of its tools, and has a use for the others.
            logger.warning("%s offers a tool that no model could use; it is left out. %s", server.shown, error)
    return list(made.values())


async def _call(server: Server, tool: str, /, **arguments: Any) -> Any:
    return await server.call(tool, arguments)


def _policy(retry: RetryPolicy | int | None, annotations: Any) -> RetryPolicy:
    if isinstance(retry, RetryPolicy):
        return retry
    repeatable = annotations is not None and (annotations.read_only_hint or annotations.idempotent_hint)
    retry_on: tuple[type[Exception], ...] = (MCPUnavailable,)
    if repeatable or retry is not None:
        retry_on = (MCPUnavailable, MCPConnectionLost, MCPTimeout)
    return ExponentialBackoff(max_attempts=3 if retry is None else retry, retry_on=retry_on)


def _name(wanted: str) -> str:
    """A name that all providers take; a long one keeps its beginning and gets a mark of its own."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", wanted)
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 9]}_{hashlib.blake2b(name.encode(), digest_size=4).hexdigest()}"


def _not_rebuilt(form: Any) -> Any:
    raise SerializationError("An MCP server is no value: pass its tools to agents, not to runs.")


# Reruns compare what a tool is bound to by these bytes.
register_type(Server, lambda server: server.identity, _not_rebuilt, name="agnt5:MCPServer")
