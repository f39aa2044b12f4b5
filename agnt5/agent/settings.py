"""An agent's settings as text: what stands in a run's record of its code, so that an edited prompt is an edited line.

It tells what a person wrote. It must never hold what changes by itself, such as what was spent or remembered.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from agnt5.component import settings_text
from agnt5.llm.base import LLM
from agnt5.llm.schema import Schema

if TYPE_CHECKING:
    from agnt5.agent.agent import Agent


def agent_text(agent: Agent) -> str:
    asks = agent.human_in_loop
    return settings_text(
        f"agent {agent.name}",
        {
            "model": agent.model.name if isinstance(agent.model, LLM) else agent.model,
            "description": agent.description,
            "instructions": agent.instructions,
            "tools": ", ".join(tool.name for tool in agent.tools),
            "handoffs": ", ".join(to.name for to in agent.handoffs),
            "memory": "yes" if agent.memory else "",
            "human_in_loop": getattr(asks, "__name__", repr(asks)) if callable(asks) else "every call" if asks else "",
            "output": "" if agent.output_type is None else _schema_text(agent.output_type),
            "temperature": agent.temperature,
            "max_tokens": agent.max_tokens,
            "timeout": agent.timeout,
        },
    )


def _schema_text(output_type: Any) -> str:
    try:
        return _text_of_type(output_type)
    except TypeError:  # a schema given as a dict is not hashable
        return Schema.of(output_type).text


@functools.lru_cache(maxsize=256)
def _text_of_type(output_type: Any) -> str:
    return Schema.of(output_type).text
