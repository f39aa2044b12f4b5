"""Technical support: finds what the manual says and how bad it is, as a value that a flow can decide by."""

import json
from dataclasses import dataclass
from typing import Literal

from agents.model import model, tools_done
from agnt5 import Agent, tool
from agnt5.llm import Request

MANUAL = {
    "smoke": "Unplug it. Smoke comes from a damaged battery, which only a technician may replace.",
    "noise": "A rattle comes from a loose cover: tighten the two screws below.",
}


@dataclass
class Diagnosis:
    cause: str
    severity: Literal["low", "high"]
    advice: str


@tool
def search_manual(words: str) -> str:
    """What the manual says about something."""
    found = [text for word, text in MANUAL.items() if word in words.lower()]
    return found[0] if found else "The manual does not mention it."


def script(request: Request) -> object:
    """What the offline model says: it asks the manual and repeats it."""
    asked = next(message.text for message in reversed(request.turns) if message.role == "user")
    done = tools_done(request)
    if not done:
        return {"tool": "search_manual", "arguments": {"words": asked}}
    severity = "high" if "technician" in done[-1] else "low"
    return json.dumps({"cause": asked, "severity": severity, "advice": done[-1]})


technical_support = Agent(
    name="technical_support",
    instructions="You find out what is wrong with a device. Ask the manual first. Severity is high when it hurts.",
    tools=[search_manual],
    output_type=Diagnosis,
    llm=model(script),
)
