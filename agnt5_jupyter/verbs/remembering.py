"""`memory`: what an agent, a session or a namespace remembers. Looking is no use of what is looked at."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError

import agnt5

from .. import show
from ..display.remembered import answer
from ..usage import Parser, meant
from .verb import Call, Verb


def _takes(parser: Parser) -> None:
    says = "an agent, a variable that holds a memory, or a namespace (default: list all)"
    parser.take("name", metavar="AGENT", nargs="?", kind="memory", help=says)
    parser.take("--session", metavar="S", help="whose memory it is, where sessions are kept apart")


def _memory(call: Call) -> None:
    if call.name is None:
        if call.session is not None:
            raise UsageError("%agnt5 memory: --session needs an AGENT")
        show.show_memory(None)
        return
    memory = _find(call.name, call.names)
    show.show_memory(memory if call.session is None else memory.within(call.session))


def _find(name: str, names: dict[str, Any]) -> Any:
    from agnt5.memory import EpisodicMemory, Memory, ProceduralMemory, SemanticMemory, WorkingMemory, namespaces

    held = names.get(name)
    if isinstance(held, agnt5.Agent):
        return held.memory_of(None)
    if isinstance(held, Memory | WorkingMemory | EpisodicMemory | SemanticMemory | ProceduralMemory):
        return held
    known = {one.namespace for one in answer(namespaces)}
    for namespace in (name, f"agent/{name}"):
        if namespace in known:
            return Memory(namespace=namespace)
    raise UsageError(f"%agnt5 memory: nothing is remembered under {name!r}{meant(name, known)} (see %agnt5 memory)")


VERBS = (Verb("memory", "what an agent, a session or a namespace remembers", _memory, _takes),)
