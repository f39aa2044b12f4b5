"""What an agent remembers between runs: earlier exchanges and facts, as much as fits, and how a run adds to them.

Every operation goes through the run's context. What is remembered never changes what a recorded run saw.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from agnt5.agent.rendering import as_json
from agnt5.llm.types import Message
from agnt5.tool import Tool

if TYPE_CHECKING:
    from agnt5.memory import Memory

EXCHANGE = "conversation"

CONTEXT_TOKENS = 2000
"""How much of a model's context memories may take, in tokens; a token is counted as four characters."""

_EXCHANGES = 50
_FACTS = 100
_FOUND = 5


class Recall:
    """The memory of one agent, for one session."""

    __slots__ = ("_memory", "_tokens")

    def __init__(self, memory: Memory, tokens: int = CONTEXT_TOKENS) -> None:
        self._memory = memory
        self._tokens = tokens

    async def all(self, question: str) -> tuple[str, list[Message]]:
        """What may matter here: facts for the instructions ("" when there are none), and earlier exchanges."""
        facts, exchanges = await asyncio.gather(self._facts(question), self._exchanges())
        return facts, exchanges

    async def _facts(self, question: str) -> str:
        memory = self._memory
        noted = await memory.working.snapshot(_FACTS)
        lines = [f"- {entry.key}: {_told(entry.value)}" for entry in noted.entries]
        if question.strip():
            facts, ways = await asyncio.gather(
                memory.semantic.search(question, _FOUND), memory.procedural.recall(question, _FOUND)
            )
            lines[:0] = [f"- {fact.text}" for fact in facts]
            lines[:0] = [f"- how to {way.name}: {_steps(way.steps)}" for way in ways]
        kept = _first_that_fit(lines, self._tokens // 2)
        return "What you remember:\n" + "\n".join(kept) if kept else ""

    async def _exchanges(self) -> list[Message]:
        """The latest exchanges that fit, oldest first."""
        left = self._tokens * 4
        found: list[Message] = []
        for episode in await self._memory.episodic.recall(kind=EXCHANGE, limit=_EXCHANGES):  # newest first
            asked, answered = _said(episode.data)
            if not (asked and answered):
                continue  # something else that somebody remembered under this word
            left -= len(asked) + len(answered)
            if left < 0:
                break
            found[:0] = [Message("user", asked), Message("assistant", answered)]
        return found

    async def keep(self, asked: str, answered: str, run_id: str) -> None:
        """Remember an exchange."""
        await self._memory.episodic.remember(EXCHANGE, {"user": asked, "assistant": answered, "run": run_id})

    def tools(self) -> list[Tool[..., Any]]:
        """What the model may do with its memory."""
        semantic = self._memory.semantic

        async def remember(fact: str) -> str:
            """Keep a fact for later conversations."""
            await semantic.add(fact)
            return "remembered"

        async def recall(query: str) -> list[str]:
            """Find kept facts about something."""
            return [fact.text for fact in await semantic.search(query, _FOUND)]

        return [Tool(name="remember_fact", function=remember), Tool(name="recall_facts", function=recall)]


def _said(data: Any) -> tuple[str, str]:
    """Both sides of a remembered exchange; "" for what is none."""
    told: Mapping[str, Any] = cast("Mapping[str, Any]", data) if isinstance(data, Mapping) else {}
    asked, answered = told.get("user"), told.get("assistant")
    return (asked, answered) if isinstance(asked, str) and isinstance(answered, str) else ("", "")


def _steps(steps: Any) -> str:
    return "; ".join(map(_told, cast("list[Any]", steps))) if isinstance(steps, list | tuple) else _told(steps)


def _told(value: Any) -> str:
    """A value as a replay tells it again: a set has another order in another process, an object another place."""
    return value if isinstance(value, str) else as_json(value)


def _first_that_fit(lines: list[str], tokens: int) -> list[str]:
    left = tokens * 4
    kept: list[str] = []
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        kept.append(line)
    return kept
