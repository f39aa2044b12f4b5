"""What is wrong with an agent's settings or input, told where a person wrote them: before a run, not in it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from agnt5.agent.budget import Budget
from agnt5.errors import ConfigurationError
from agnt5.hints import struct_in
from agnt5.llm import check_model
from agnt5.llm.types import as_content

if TYPE_CHECKING:
    from agnt5.agent.agent import Agent

_LONGEST_NAME = 200


def several(what: str, given: Any) -> tuple[Any, ...]:
    """A list of tools or agents. One alone, and a text, are no list."""
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        shown = given if isinstance(given, str) else getattr(given, "__name__", None) or repr(given)
        raise ConfigurationError(f"{what}= is a list, as in `{what}=[{shown}]`, not {given!r}.")
    return tuple(cast("Iterable[Any]", given))


def check_settings(agent: Agent) -> None:
    """ConfigurationError names the setting that no run could work with."""
    if not agent.name.isprintable() or len(agent.name) > _LONGEST_NAME:
        raise ConfigurationError(
            f"The name of an agent is one line of 1 to {_LONGEST_NAME} printable characters, not {agent.name[:80]!r}."
        )
    if struct_in(agent.output_type) is not None:
        raise ConfigurationError(
            f"output_type= holds a msgspec.Struct, which journals cannot keep: make {agent.output_type!r} a dataclass."
        )
    if not isinstance(cast("Any", agent.instructions), str):
        raise ConfigurationError(f"instructions= is a text, not {agent.instructions!r}.")
    check_model(agent.model)
    if type(agent.max_iterations) is not int or agent.max_iterations < 1:
        raise ConfigurationError(f"max_iterations is a whole number from 1, not {agent.max_iterations!r}.")
    if agent.max_tokens is not None and (type(agent.max_tokens) is not int or agent.max_tokens < 1):
        raise ConfigurationError(f"max_tokens is a whole number from 1, not {agent.max_tokens!r}.")
    if agent.timeout is not None and not (isinstance(cast("Any", agent.timeout), int | float) and agent.timeout > 0):
        raise ConfigurationError(f"timeout is in seconds and above 0, not {agent.timeout!r}.")
    if agent.budget is not None and not isinstance(cast("Any", agent.budget), Budget):
        raise ConfigurationError(f"budget= is a Budget, as in Budget(tokens=100_000), not {agent.budget!r}.")
    _check_memory(agent.memory)
    _check_person(agent.human_in_loop)


def _check_memory(given: Any) -> None:
    if given is None or given is True:
        return
    from agnt5.memory import Memory

    if not isinstance(given, Memory):
        raise ConfigurationError(
            f"memory= is True for the agent's own, or a Memory, as in Memory(semantic=SemanticMemory()), not {given!r}."
        )


def _check_person(given: Any) -> None:
    if isinstance(given, bool):
        return
    if not callable(given):
        raise ConfigurationError(
            f"human_in_loop= is True, False, or a function of a tool's name and its arguments, not {given!r}."
        )
    if inspect.iscoroutinefunction(given):
        raise ConfigurationError(
            f"human_in_loop= is a plain function: {given.__name__} is async, and whether to ask is decided at once."
        )


def plain_input(prompt: Any) -> Any:
    """What a run begins with: a text, or parts. ConfigurationError for what no model could read."""
    if prompt is None:
        raise ConfigurationError("The input is None: give a text, or parts such as ['Read this', image].")
    as_content(prompt, "the input")
    # Another agent's Answer is its text here: recorded whole, it would bring its conversation along.
    return str.__str__(prompt) if isinstance(prompt, str) else prompt


def check_session(session: Any) -> None:
    if session is not None and not (isinstance(session, str) and session and session.isprintable()):
        raise ConfigurationError(f"session= is the name of whose conversation it is, a text, not {session!r}.")
