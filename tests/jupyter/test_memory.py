"""`%agnt5 memory`: what is remembered, by agent, session, variable and namespace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from IPython.core.interactiveshell import InteractiveShell

import agnt5
from agnt5 import Agent
from agnt5.llm import ScriptedLLM
from agnt5.memory import Memory, WorkingMemory
from agnt5_jupyter.completing import offer

Cell = Callable[[str], str]


@pytest.fixture
def remembered(shell: InteractiveShell) -> Memory:
    memory = Memory(WorkingMemory(capacity=2), namespace="ada")

    async def fill() -> None:
        for key, value in (("one", "first value"), ("two", 2), ("three", [3])):
            await memory.working.store(key, value)
        await memory.episodic.remember("talk", {"said": "good morning"})
        await memory.semantic.add("Ada deploys on Fridays", {"source": "her"})
        await memory.procedural.learn("deploy", ["build", "push"])
        await memory.procedural.reinforce("deploy", True)

    asyncio.run(fill())
    shell.user_ns["ada"] = memory
    return memory


def test_all_four_kinds_of_a_namespace_or_variable(cell: Cell, remembered: Memory) -> None:
    for word in ("ada", "'ada'"):
        shown = cell(f"%agnt5 memory {word}")
        for text in ("three", "[3]", "talk", "good morning", "Ada deploys on Fridays", "deploy", "build", "67%"):
            assert text in shown
        assert "first value" not in shown, "it had to go"
    assert "ada" in cell("%agnt5 memory")
    assert "[3]" in cell("ada.working"), "memories display themselves"


def test_the_captions_count(shell: InteractiveShell, remembered: Memory) -> None:
    from agnt5_jupyter.remembered import tables

    captions = [table.caption for table in tables(remembered)]
    assert captions[0] == "working memory of ada: 2 of 2, 1 had to go"
    assert captions[1].startswith("episodic memory of ada: 1 of ")


def test_sessions_of_an_agent(shell: InteractiveShell, cell: Cell) -> None:
    bot = Agent("bot", "Be kind.", memory=True, llm=ScriptedLLM(["hello Bob"]))
    shell.user_ns["bot"] = bot
    str(bot.run_sync("I am Bob", session="bob"))
    assert "nothing is remembered in agent/bot" in cell("%agnt5 memory bot")
    assert "I am Bob" in cell("%agnt5 memory bot --session bob")
    assert "bot" in offer("%agnt5 memory b", shell.user_ns)[0]
    assert any(word.startswith("agent/bot") for word in offer("%agnt5 memory agent/", shell.user_ns)[0])


def test_in_a_summary_nothing_is_told_but_names_and_counts(cell: Cell, remembered: Memory) -> None:
    agnt5.configure(outputs="summary")
    shown = cell("%agnt5 memory ada")
    for text in ("three", "talk", "deploy", "67%"):
        assert text in shown
    for text in ("[3]", "good morning", "Fridays", "build", "her"):
        assert text not in shown


def test_mistakes(cell: Cell, remembered: Memory) -> None:
    assert "nothing is remembered under 'adda'; did you mean 'ada'?" in cell("%agnt5 memory adda")
    assert "--session needs an AGENT" in cell("%agnt5 memory --session bob")


def test_nothing_yet(cell: Cell) -> None:
    assert cell("%agnt5 memory").startswith("nothing is remembered yet")
