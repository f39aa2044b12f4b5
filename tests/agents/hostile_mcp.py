"""An MCP server over stdio that keeps to the letter of the protocol and to none of its sense: `python hostile_mcp.py`.

It is written without the SDK, which would refuse to say such things.
"""

from __future__ import annotations

import json
import sys
from typing import Any

TOOLS = {
    "": {"type": "object"},
    "banana": {"type": "object", "properties": {"x": {"type": "banana"}}},
    "endless": {"type": "object", "properties": {"x": {"$ref": "#/properties/x"}}},
    "elsewhere": {"type": "object", "properties": {"x": {"$ref": "http://127.0.0.1:9/x.json"}}},
    "pattern": {"type": "object", "properties": {"x": {"type": "string", "pattern": "("}}},
    "picture": {"type": "object"},
    "ask_back": {"type": "object"},
}


def offered(turn: str) -> dict[str, Any]:
    tools = [{"name": name, "inputSchema": schema} for name, schema in TOOLS.items()]
    return {"tools": tools, "nextCursor": "again"} if turn == "turning" else {"tools": tools}


def called(tool: str) -> dict[str, Any]:
    if tool == "picture":
        return {"content": [{"type": "image", "data": "abcde", "mimeType": "image/png"}]}
    if tool == "ask_back":
        schema = {"type": "object", "properties": {"name": {"type": "string"}}}
        send(id=0, method="elicitation/create", params={"message": "Who are you?", "requestedSchema": schema})
        answer = json.loads(sys.stdin.readline())
        return {"content": [{"type": "text", "text": answer["error"]["message"]}]}
    return {"content": [{"type": "text", "text": "ok"}]}


def send(**message: Any) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


for line in sys.stdin:
    asked = json.loads(line)
    params = asked.get("params", {})
    if asked["method"] == "initialize":
        told = {"name": "hostile", "version": "1"}
        version = params["protocolVersion"]
        send(id=asked["id"], result={"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": told})
    elif asked["method"] == "tools/list":
        send(id=asked["id"], result=offered(sys.argv[1] if sys.argv[1:] else ""))
    elif asked["method"] == "tools/call":
        send(id=asked["id"], result=called(params["name"]))
    elif "id" in asked:
        send(id=asked["id"], error={"code": -32601, "message": "no such method"})
