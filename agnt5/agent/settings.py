"""An agent's settings as text: what stands in a run's record of its code, so that an edited prompt is an edited line.

It tells what a person wrote. It must never hold what changes by itself, such as what was spent or remembered.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from agnt5.llm.base import LLM
from agnt5.llm.schema import Schema

if TYPE_CHECKING:
    from agnt5.agent.agent import Agent


def settings_text(agent: Agent) -> str:
    """One line a setting, settings at their defaults left out; texts of several lines are indented."""
    asks = agent.human_in_loop
    told: dict[str, Any] = {
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
    }
    lines = [f"agent {agent.name}"]
    for name, value in told.items():
        if value is None or value == "":
            continue
        text = str(value)
        lines += [f"{name}:", *(f"    {line}" for line in text.splitlines())] if "\n" in text else [f"{name}: {text}"]
    return "\n".join(lines)


def _schema_text(output_type: Any) -> str:
    try:
        return _schema_text_of_type(output_type)
    except TypeError:  # a schema given as a dict is not hashable
        return _render(output_type)


@functools.lru_cache(maxsize=256)
def _schema_text_of_type(output_type: Any) -> str:
    return _render(output_type)


def _render(output_type: Any) -> str:
    schema = Schema.of(output_type)
    return f"{schema.name} {json.dumps(schema.json_schema, sort_keys=True)}"
