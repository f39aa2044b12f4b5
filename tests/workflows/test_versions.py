"""What a run keeps of an agent's or a workflow's code: its own version while it is in flight, and a record of it."""

from __future__ import annotations

import json

import pytest

import agnt5
from agnt5 import Agent, Run, Step, Task, Workflow, flow, tool
from agnt5.execution.code import pin, snapshot
from agnt5.execution.fingerprint import fingerprint
from agnt5.llm import ScriptedLLM
from cells import Notebook


@pytest.fixture
def notebook() -> Notebook:
    made = {one.__name__: one for one in (Agent, ScriptedLLM, Step, Workflow, flow, tool)}
    return Notebook(sources=True, **made)


def records(run: Run) -> dict[str, str]:
    return {one["name"]: one["source"] for one in json.loads(run.journal.stored[0].code)}


GATED = """
def helper(): return "old"
def first(value): return helper()
def wanted(value): return helper() == "old"
def last(value): return f"{value} {helper()}"
async def gate(ctx, value):
    return await ctx.wait_for_event("go")
async def gated(ctx, value):
    await ctx.wait_for_event("go")
    return value
gated = flow(gated)
workflow = Workflow([Step("first", first), Step("gate", gated), Step("last", last, when=wanted)], name="gated work")
"""


async def test_a_workflow_in_flight_keeps_the_functions_of_its_cell(notebook: Notebook) -> None:
    notebook.cell(GATED)
    run = notebook["workflow"].start(1)
    notebook.cell("def helper(): return 'new'\ndef last(value): return 'other'")
    agnt5.send_event("go")
    assert await run == "old old"
    later = notebook["workflow"].start(1)
    agnt5.send_event("go")
    assert await later == "new", "the condition reads the helper of now, so the last step is left out"


async def test_an_agent_in_flight_keeps_its_tools_and_its_words(notebook: Notebook) -> None:
    notebook.cell(
        """
def helper(): return "old"
@tool(requires_approval=True)
def look(at: str) -> str:
    "Look."
    return helper()
llm = ScriptedLLM(lambda request: {"tool": "look", "arguments": {"at": "it"}} if len(request.turns) == 1
    else f"{request.system} {request.turns[-1].text}")
agent = Agent("looker", "first words", [look], llm=llm)
"""
    )
    agent = notebook["agent"]
    run = agent.start("go")
    notebook.cell("def helper(): return 'new'")
    agent.instructions = "other words"
    agnt5.send_event(f"approval:{run.id}:1", True, run=run)
    assert await run == "first words old"
    later = agent.start("go")
    agnt5.send_event(f"approval:{later.id}:1", True, run=later)
    assert await later == "other words new"


async def test_a_flow_pins_the_agents_and_workflows_that_it_names(notebook: Notebook) -> None:
    notebook.cell(GATED)
    notebook.cell("@flow\nasync def outer(ctx):\n    return await ctx.call(workflow, 1)")
    run = notebook["outer"].start()
    notebook.cell("def helper(): return 'new'")
    agnt5.send_event("go")
    assert await run == "old old"


def test_the_same_version_while_nothing_changes(notebook: Notebook) -> None:
    notebook.cell(GATED)
    component = notebook["workflow"].__agnt5_component__
    version = pin(component)
    assert version is not component
    assert pin(component) is version
    notebook.cell("def helper(): return 'new'")
    assert pin(component) is not version


def test_an_agent_that_a_tool_of_its_own_refers_to_is_copied_once(notebook: Notebook) -> None:
    notebook.cell(
        """
def ask_again(question: str) -> str:
    "Ask."
    return agent.name
agent = Agent("circular", "", [ask_again], model="local/none")
"""
    )
    version = pin(notebook["agent"].__agnt5_component__).whole
    assert version is not notebook["agent"]
    function = version.tools[0].fn
    assert function("?") == "circular"
    assert function.__globals__["agent"] is version


async def test_an_edited_prompt_is_an_edited_line() -> None:
    def agent(words: str) -> Agent:
        return Agent("support", words, [hunt], llm=ScriptedLLM(["hello"]), temperature=0.5)

    @tool(retry=2)
    def hunt(query: str) -> str:
        """Search."""
        return query

    old = agent("Be kind.\nBe brief.").start("hi")
    await old
    new = agent("Be kind.\nBe very brief.").start("hi")
    await new
    told = records(old)
    assert told["agent support"].splitlines() == [
        "agent support",
        "model: scripted/script",
        "instructions:",
        "    Be kind.",
        "    Be brief.",
        "tools: hunt",
        "temperature: 0.5",
    ]
    assert told["tool hunt"] == "tool hunt\nretry: 2"
    assert any("Search." in source for source in told.values())
    lines = old.diff(new).code.splitlines()
    assert [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")] == [
        "-    Be brief.",
        "+    Be very brief.",
    ]


async def test_a_task_is_a_version_too() -> None:
    def task(words: str) -> Task[int]:
        return Task(int, words, llm=ScriptedLLM(lambda request: '{"value": 7}'), name="sevens")

    old = task("Find a number.").start("seven")
    assert await old == 7
    first = task("Find a number.")
    many = first.start_map(["seven", "7"])
    first.instructions = "Find the number."
    assert await many == [7, 7]
    assert many.journal.conversation(many.journal.chats[0])[0].text == "Find a number."
    assert records(many)["task sevens"] == records(old)["task sevens"]
    later = first.start("seven")
    await later
    assert "+instructions: Find the number." in old.diff(later).code


async def test_a_flow_records_the_prompts_it_reaches() -> None:
    agent = Agent("reached", "Answer.", llm=ScriptedLLM(["yes"]))

    @flow
    async def asks(ctx: agnt5.Context) -> str:
        return await ctx.call(agent, "?")

    run = asks.start()
    assert await run == "yes"
    names = list(records(run))
    assert names[0].endswith("asks"), "the component comes first: a replay of recorded code begins there"
    assert "agent reached" in names


async def test_recorded_settings_are_not_run() -> None:
    run = Agent("plain", "Answer.", llm=ScriptedLLM(["yes"])).start("?")
    await run
    with pytest.raises(agnt5.ConfigurationError, match="made of settings"):
        run.replay(code="recorded")


def test_a_step_that_reaches_an_agent_can_be_reused_until_its_settings_change() -> None:
    agent = Agent("measured", "One.", model="local/x")

    def step() -> str:
        return agent.name

    first = fingerprint(step)
    assert first.digest
    assert fingerprint(step) == first
    agent.instructions = "Two."
    assert fingerprint(step) != first
    agent.instructions = "One."
    assert fingerprint(step) == first


def test_settings_change_the_digest_of_the_code() -> None:
    def step(value: int) -> int:
        return value

    before = snapshot(Workflow([Step("a", step)], name="one").__agnt5_component__).digest
    assert snapshot(Workflow([Step("a", step)], name="one").__agnt5_component__).digest == before
    assert snapshot(Workflow([Step("a", step, retry=2)], name="one").__agnt5_component__).digest != before
