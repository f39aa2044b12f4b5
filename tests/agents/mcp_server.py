"""A real MCP server for the tests, over stdio or streamable HTTP: `python mcp_server.py stdio|http PORT [TOKEN]`."""

from __future__ import annotations

import base64
import os
import sys
import time
from typing import Any

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

server = MCPServer("bench")
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@server.tool()
def add(a: int, b: int = 1) -> dict[str, int]:
    """Add two numbers."""
    return {"sum": a + b}


@server.tool(structured_output=False)
def greet(name: str) -> str:
    """Greet somebody."""
    return f"Hello {name}"


@server.tool(structured_output=False)
def picture() -> list[Any]:
    """A text and a picture."""
    return ["one pixel", Image(data=PIXEL, format="png")]


@server.tool()
def fail(why: str) -> str:
    """Fail with a reason."""
    raise ToolError(why)


@server.tool(structured_output=False)
def variable(name: str) -> str:
    """A variable of the server's environment."""
    return os.environ.get(name, "")


@server.tool(structured_output=False)
def slow(seconds: float) -> str:
    """Take some time."""
    time.sleep(seconds)
    return "done"


@server.tool(structured_output=False)
def pid() -> int:
    """The process that answers."""
    return os.getpid()


@server.tool(structured_output=False)
def die() -> str:
    """End the process in the middle of a call."""
    print("the server ends now", file=sys.stderr, flush=True)
    os._exit(3)


@server.tool(structured_output=False, annotations=ToolAnnotations(read_only_hint=True))
def die_once(marker: str) -> str:
    """End the process in the middle of the first call; answer the second one."""
    if not os.path.exists(marker):
        with open(marker, "w"):
            os._exit(3)
    return "alive"


def serve_http(port: int, token: str) -> None:
    import uvicorn
    from starlette.responses import PlainTextResponse

    app = server.streamable_http_app()

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and token:
            given = dict(scope["headers"]).get(b"authorization", b"").decode()
            if given != f"Bearer {token}":
                await PlainTextResponse("who are you?", 401)(scope, receive, send)
                return
        await app(scope, receive, send)

    uvicorn.run(guarded, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    if sys.argv[1] == "http":
        serve_http(int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
    else:
        server.run("stdio")
