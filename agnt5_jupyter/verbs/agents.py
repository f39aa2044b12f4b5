"""`%%agnt5 agent`: a cell that is the instructions of an agent."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError

import agnt5

from ..usage import Parser, meant
from ..words import interpolate
from .verb import Call, Verb


def _takes(parser: Parser) -> None:
    parser.take("name", metavar="NAME", help="its name, and the variable that holds it")
    parser.take("--model", metavar="M", help="as provider/name (default: the configured one)")
    parser.take("--tools", metavar="A,B", default="", kind="tool", help="tools, functions, flows and agents, by name")
    parser.take("--memory", action="store_true", help="it remembers")
    parser.take("--hitl", action="store_true", help="a person approves each of its tool calls")


def _agent(call: Call) -> agnt5.Agent:
    if call.body is None:
        raise UsageError("%agnt5 agent: write the instructions below a line `%%agnt5 agent NAME`")
    settings: dict[str, Any] = {
        "name": call.name,
        "instructions": interpolate(call.body, call.names).strip(),
        "tools": [_tool(word.strip(), call.names) for word in call.tools.split(",") if word.strip()],
        "memory": call.memory or None,
        "human_in_loop": call.hitl,
        "model": call.model,
    }
    # Made in the notebook's own namespace: a component belongs to the module whose code made it.
    agent = eval("_make(**_settings)", call.names, {"_make": agnt5.Agent, "_settings": settings})
    if call.name.isidentifier():
        call.names[call.name] = agent
    else:
        print(f"{call.name!r} is no name of a variable: `%agnt5 run {call.name!r}` starts this agent.")
    return agent


def _tool(word: str, names: dict[str, Any]) -> Any:
    if word in names:
        return names[word]
    known = {component.name: component for component in agnt5.components()}
    if word not in known:
        callables = [name for name, value in names.items() if callable(value) and not name.startswith("_")]
        raise UsageError(f"%%agnt5 agent: there is no tool {word!r}{meant(word, [*known, *callables])}")
    return known[word]


_SAYS = "define an agent: the cell is its instructions, {variables} are filled in"
VERBS = (Verb("agent", _SAYS, _agent, _takes, cell=True),)
