"""Which model the agents ask: the one AGNT5_MODEL names, or else a script, so that the example needs no network."""

import os
from collections.abc import Callable

from agnt5.llm import Request, ScriptedLLM


def model(script: Callable[[Request], object]) -> ScriptedLLM | None:
    """None lets the agent use the configured model."""
    return None if os.environ.get("AGNT5_MODEL") else ScriptedLLM(script)


def tools_done(request: Request) -> list[str]:
    """What the tools have answered since the last thing that the user said."""
    answers: list[str] = []
    for message in request.turns:
        answers = [] if message.role == "user" else [*answers, message.text] if message.role == "tool" else answers
    return answers
