"""Tools of servers that speak the Model Context Protocol, as tools of this package.

    from agnt5 import Agent
    from agnt5.mcp import mcp_tools

    tools = await mcp_tools(command="uvx", args=["mcp-server-time"])
    agent = Agent("clock", tools=tools)

Needs the extra `mcp`: the protocol itself is the official SDK's affair. Nothing here runs when it is imported.
"""

from __future__ import annotations

from agnt5.mcp.tools import mcp_tools

__all__ = ["mcp_tools"]
