"""A run of an agent is a run like any other: replay it, fork it at any answer, rerun it with other words."""

from __future__ import annotations

import os
import re
from typing import Any

from agnt5 import Agent, Answer, Context, Run, flow, tool
from agnt5.llm import Message, Request, ScriptedLLM, ToolCall

# Kept where no code of a step reaches it as a value: a list of this module that the tool changes would be part of what
# the tool reads, and a rerun would rightly call the tool again.
LOOKED = "AGNT5_TEST_LOOKED"


def looked() -> list[str]:
    return os.environ.get(LOOKED, "").split()


@tool
def look_up(word: str) -> str:
    """Look a word up."""
    os.environ["AGNT5_TEST_LOOKED"] = os.environ.get("AGNT5_TEST_LOOKED", "") + f" {word}"
    return f"{word} means {word[::-1]}"


WORDS = ["alpha", "beta", "gamma"]


def scholar(llm: ScriptedLLM, instructions: str = "Explain words.") -> Agent:
    return Agent("scholar", instructions, [look_up], llm=llm)


def explaining(request: Request) -> Any:
    """Looks up one word after the other, then answers."""
    done = sum(message.role == "tool" for message in request.messages)
    if done < len(WORDS):
        return ToolCall(f"call_{done}", "look_up", {"word": WORDS[done]})
    return " ".join(message.text for message in request.messages if message.role == "tool")


async def recorded() -> tuple[Agent, ScriptedLLM, Run]:
    os.environ.pop(LOOKED, None)
    llm = ScriptedLLM(explaining)
    agent = scholar(llm)
    run = agent.start("Explain.")
    await run
    return agent, llm, run


async def test_a_replay_asks_no_model_and_calls_no_tool() -> None:
    _, llm, run = await recorded()
    before = run.journal.stored
    replay = run.replay()
    replay.run_to_end()
    assert replay.divergence is None
    assert len(llm.requests) == 4
    assert looked() == WORDS
    assert [entry.seq for entry in run.journal.stored] == [entry.seq for entry in before]
    replay.back(2)
    assert replay.entry is not None
    assert replay.entry.path == "chat#3"
    assert str(replay).splitlines() == [
        f"Replay of {run.id} after entry 9, chat#3: 5 of 7 answers",
        "  system: Explain words.",
        "  user: Explain.",
        "  assistant: → look_up(word='alpha')",
        "  look_up: alpha means ahpla",
        "  assistant: → look_up(word='beta')",
        "  look_up: beta means ateb",
        "  assistant: → look_up(word='gamma')",
    ]
    assert str(replay.step()).splitlines()[-1] == "  call look_up#3 (word='gamma') → 'gamma means ammag'"
    assert str(replay.run_to_end()).splitlines()[1] == "  ... 1 more before"
    assert str(replay.reset()) == f"Replay of {run.id} at the start: 0 of 7 answers"


async def test_equal_answers_of_child_agents_are_the_same_in_a_diff() -> None:
    clerk = Agent("diff_clerk", "-", llm=ScriptedLLM(lambda request: "It is on its way."))

    @flow
    async def desk(ctx: Context, question: str) -> Answer:
        return await clerk.run(question)

    one, two = desk.start("where?"), desk.start("where?")
    assert (await one).run_id != (await two).run_id
    diff = one.diff(two)
    assert ([row.entry.kind for row in diff], diff.changed, diff.result) == (["child"], [], [])
    other = desk.start("when?")
    await other
    places = [change.path for change in one.diff(other)[0].changes]
    assert places == ["input[0]", "output.messages[0].content"], "an Answer is compared part by part"


async def test_a_fork_gives_another_answer_in_a_models_place() -> None:
    _, llm, run = await recorded()
    fork = run.fork(outputs={"chat#3": "That is enough."})
    answer = await fork
    assert answer == "That is enough."
    assert isinstance(answer, Answer)
    assert len(llm.requests) == 4, "what is shared is not asked again, and the third answer was given"
    assert looked() == WORDS
    detour = run.fork(outputs={"chat#3": {"tool": "look_up", "arguments": {"word": "delta"}}})
    assert "delta means atled" in await detour
    assert looked() == [*WORDS, "delta"]
    assert await run == " ".join(f"{word} means {word[::-1]}" for word in WORDS), "the parent is as it was"


async def test_a_fork_gives_another_result_of_a_tool() -> None:
    _, _, run = await recorded()
    answer = await run.fork(outputs={"look_up#2": "beta is a letter"})
    assert "beta is a letter" in answer
    assert looked() == WORDS + WORDS[2:], "the tool before the cut was not called again"


async def test_every_fork_with_nothing_changed_ends_as_its_parent() -> None:
    _, llm, run = await recorded()
    asked = len(llm.requests)
    for entry in run.journal:
        assert await run.fork(at=entry, inflight="reuse") == await run
    assert len(llm.requests) > asked
    again = run.rerun()
    assert await again == await run
    assert len(again.reused.executed) == 0


async def test_edited_instructions_ask_the_model_again_and_keep_the_tools_results() -> None:
    _, llm, run = await recorded()
    scholar(llm, "Explain words briefly.")  # the cell is run again
    again = run.rerun()
    assert await again == await run
    assert len(llm.requests) == 8
    assert looked() == WORDS, "the same calls of unchanged tools were answered from the older run"
    assert [entry.name for entry in again.reused] == ["look_up"] * 3
    first, *later = (one.reason for one in again.reused.executed)
    assert re.fullmatch(r"its arguments changed: messages\[0\]\.content: '.+' → 'Explain words briefly.*'", first)
    assert set(later) == {"its arguments changed: after: one conversation → another"}


async def test_an_edited_agent_does_not_go_on_with_an_older_run_unseen() -> None:
    _, llm, run = await recorded()
    scholar(llm, "Something else.")
    replay = run.replay()
    replay.run_to_end()
    assert replay.divergence is not None
    assert "chat" in str(replay.divergence)
    assert "stands at" not in str(replay.divergence), "our own loop is no place of who wrote the agent"


async def test_two_runs_are_compared() -> None:
    _, _, run = await recorded()
    fork = run.fork(outputs={"chat#2": "Enough."})
    await fork
    diff = run.diff(fork)
    assert diff.first is not None
    assert diff.first.new.path == "chat#2"


async def test_a_conversation_of_two_hundred_turns_grows_in_a_line() -> None:
    turns = 200

    def chatter(request: Request) -> Any:
        done = sum(message.role == "tool" for message in request.messages)
        return "done" if done == turns else ToolCall(f"c{done}", "look_up", {"word": f"word{done:04}"})

    run = Agent("chatter", "x" * 1000, [look_up], llm=ScriptedLLM(chatter), max_iterations=turns + 1).start("go")
    answer = await run
    assert len(answer.messages) == 2 * turns + 2
    sizes = [len(entry.stored_input) + len(entry.stored_output) for entry in run.journal if entry.name == "chat"]
    assert max(sizes[2:-1]) - min(sizes[2:-1]) < 60
    assert answer.messages[-1] == Message("assistant", "done")
