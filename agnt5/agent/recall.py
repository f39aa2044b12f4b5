"""What an agent remembers between runs: earlier exchanges and facts, as much as fits, and how a run adds to them.

Every operation goes through the run's context. What is remembered never changes what a recorded run saw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

    async def facts(self, question: str) -> str:
        """What is known and may matter here, for the instructions; "" when nothing is."""
        lines: list[str] = []
        if self._memory.working is not None:
            for key in (await self._memory.working.keys())[-_FACTS:]:
                lines.append(f"- {key}: {await self._memory.working.get(key)}")
        if self._memory.semantic is not None and question:
            lines += [f"- {hit.text}" for hit in await self._memory.semantic.search(question, k=_FOUND)]
        if self._memory.procedural is not None and question:
            for one in (await self._memory.procedural.recall(question))[:_FOUND]:
                lines.append(f"- how to {one.name}: {'; '.join(map(str, one.steps))}")
        kept = _newest_that_fit(lines, self._tokens // 2)
        return "What you remember:\n" + "\n".join(kept) if kept else ""

    async def exchanges(self) -> list[Message]:
        """The latest exchanges that fit, oldest first."""
        if self._memory.episodic is None:
            return []
        episodes = await self._memory.episodic.recall(kind=EXCHANGE, limit=_EXCHANGES)
        left = self._tokens * 4
        found: list[Message] = []
        for episode in episodes:  # newest first
            asked, answered = str(episode.data.get("user", "")), str(episode.data.get("assistant", ""))
            left -= len(asked) + len(answered)
            if left < 0:
                break
            found[:0] = [Message("user", asked), Message("assistant", answered)]
        return found

    async def keep(self, asked: str, answered: str, run_id: str) -> None:
        """Remember an exchange."""
        if self._memory.episodic is not None:
            await self._memory.episodic.remember(EXCHANGE, {"user": asked, "assistant": answered, "run": run_id})

    def tools(self) -> list[Tool[..., Any]]:
        """What the model may do with its memory."""
        found: list[Tool[..., Any]] = []
        memory = self._memory
        if memory.semantic is not None:
            semantic = memory.semantic

            async def remember(fact: str) -> str:
                """Keep a fact for later conversations."""
                await semantic.add(fact)
                return "remembered"

            async def recall(query: str) -> list[str]:
                """Find kept facts about something."""
                return [hit.text for hit in await semantic.search(query, k=_FOUND)]

            found += [Tool(name="remember_fact", function=remember), Tool(name="recall_facts", function=recall)]
        elif memory.working is not None:
            working = memory.working

            async def note(key: str, value: str) -> str:
                """Keep something under a short name for later conversations."""
                await working.store(key, value)
                return "kept"

            found.append(Tool(name="remember", function=note))
        return found


def _newest_that_fit(lines: list[str], tokens: int) -> list[str]:
    left = tokens * 4
    kept: list[str] = []
    for line in reversed(lines):
        left -= len(line) + 1
        if left < 0:
            break
        kept.insert(0, line)
    return kept
