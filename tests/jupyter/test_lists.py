"""Lists of runs and of components: what they tell in text and in a page, inert and within bounds."""

from __future__ import annotations

from typing import Any

import pytest

import agnt5
from agnt5 import Agent, flow, function
from agnt5.llm import Message, Reply, Usage
from agnt5.llm.scripted import ScriptedLLM
from agnt5_jupyter.display import lists
from agnt5_jupyter.display.lists import components_page, runs_page
from panels import until

EVIL = "<script>alert(1)</script>\x1b[31m"


@flow
async def listed(ctx: Any, word: str, unit: str = "C") -> str:
    """What is listed.

    And more of it.
    """
    if word == "fail":
        raise ValueError(EVIL)
    if word == "wait":
        await ctx.wait_for_event("go")
    return word


@function
def listed_adds(a: int, b: int = 2) -> int:
    return a + b


def row(text: str, run: agnt5.Run) -> str:
    return " ".join(next(line for line in text.splitlines() if line.startswith(run.id)).split()[2:])


def test_runs_are_told_with_what_is_to_be_known() -> None:
    fine, bad, waiting = listed.start("fine"), listed.start("fail"), listed.start("wait")
    fine.result()
    with pytest.raises(agnt5.RunFailed):
        bad.result()
    reply = Reply(Message("assistant", "Hello."), Usage(1_200, 34), "script", "scripted", cost=0.25)
    asked = Agent("listed_teller", "-", llm=ScriptedLLM(lambda request: reply)).start("hi")
    asked.result()
    until(lambda: waiting.status == "waiting")
    page = runs_page(agnt5.runs())
    assert row(page.text, fine).startswith("✓ completed")
    assert "✕ failed" in row(page.text, bad)
    assert "ValueError: <script>" in row(page.text, bad)
    assert row(page.text, waiting).endswith("waits for go")
    assert row(page.text, asked).endswith(" 1,234")
    assert "cost" not in page.text.splitlines()[0], "a column that would be empty is not there"
    assert "<script" not in page.html
    assert "\x1b" not in page.html + page.text
    assert "2 completed" in page.html
    for one in (fine, bad, waiting, asked):
        assert one.id in page.html
    waiting.cancel()


def test_cost_is_told_when_there_is_any(monkeypatch: pytest.MonkeyPatch) -> None:
    run = listed.start("fine")
    run.result()
    facts = {"entries": 1, "states": {}, "tokens": 10, "cost": 0.25}
    monkeypatch.setattr("agnt5_jupyter.display.lists.Totals.facts", lambda _: facts)
    assert row(runs_page([run]).text, run).endswith("10 $0.25")


def test_an_interrupted_run_tells_how_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    run = listed.start("wait")
    until(lambda: run.status == "waiting")
    monkeypatch.setattr("agnt5_jupyter.display.trace.Trace.interrupted", True)
    text = runs_page(agnt5.runs()).text
    assert "◌ interrupted" in row(text, run)
    assert row(text, run).endswith(f"%agnt5 resume {run.id}")
    run.cancel()


def test_a_long_list_says_how_much_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "_MOST", 2)
    for word in "abc":
        listed.start(word).result()
    page = runs_page(agnt5.runs())
    assert page.text.count("completed") == 2
    assert page.text.endswith("1 more runs")
    assert "1 more runs" in page.html
    assert runs_page([]).text == "no runs yet"


def test_components_are_told_with_what_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = Agent("listed_agent", "Never tell <b>anybody</b>.", llm=ScriptedLLM([]))
    known = [one for one in agnt5.components() if one.name.startswith(("listed", "agnt5."))]
    page = components_page(known)
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in page.text.splitlines()}
    assert lines["listed"].endswith("(word: 'str', unit: 'str' = 'C') -> 'str' What is listed.")
    assert lines["listed_adds"].startswith("function")
    assert lines[agent.name].startswith("agent")
    assert not any(name.startswith("agnt5.") for name in lines), "what agents are made of"
    assert "<b>" not in page.html
    monkeypatch.setattr(lists, "values_saved", lambda: False)
    hidden = components_page(known)
    assert "Never" not in hidden.text + hidden.html
    assert components_page([]).text == "no components yet"
