"""What a question to a model said in full, out of journals that record each message once."""

from __future__ import annotations

from pathlib import Path

import pytest

import agnt5
from agnt5 import Agent, ConfigurationError, Context, StoreCorrupt, flow, function, tool
from agnt5.llm import Message, ScriptedLLM


@tool
def gaze(at: str) -> str:
    """Look."""
    return f"saw {at}"


def looking(turns: int) -> Agent:
    script = [{"tool": "gaze", "arguments": {"at": f"star {number}"}} for number in range(turns)]
    return Agent("looker", "Look well.", [gaze], llm=ScriptedLLM([*script, "All seen."]), max_iterations=turns + 1)


def spoken(messages: list[Message]) -> list[tuple[str, str]]:
    return [(one.role, one.text) for one in messages]


async def test_the_last_question_has_all_that_came_before_it() -> None:
    run = looking(2).start("what is there?")
    answer = await run
    chats = run.journal.chats
    assert len(chats) == 3
    whole = run.journal.conversation(chats[-1])
    assert spoken(whole) == [
        ("system", "Look well."),
        ("user", "what is there?"),
        ("assistant", ""),
        ("tool", "saw star 0"),
        ("assistant", ""),
        ("tool", "saw star 1"),
        ("assistant", "All seen."),
    ]
    assert whole[1:] == answer.messages
    assert run.journal.conversation(chats[0].seq) == whole[:3]


async def test_it_is_found_in_files_too(tmp_path: Path) -> None:
    run = looking(3).start("?")
    await run
    loaded = agnt5.load_journal(run.journal.save(tmp_path / "run.agnt5"))
    number = loaded.chats[-1].seq
    assert loaded.conversation(number) == run.journal.conversation(number)


async def test_forks_and_reruns_have_whole_conversations() -> None:
    agent = looking(2)
    run = agent.start("?")
    await run
    last = run.journal.chats[-1]
    fork = run.fork(outputs={last.path: "Nothing."})
    assert await fork == "Nothing."
    assert spoken(fork.journal.conversation(fork.journal.chats[-1]))[-2:] == [
        ("tool", "saw star 1"),
        ("assistant", "Nothing."),
    ]


async def test_bodies_side_by_side_have_conversations_of_their_own() -> None:
    llm = ScriptedLLM(lambda request: f"{len(request.messages)}")

    @function
    async def talk(ctx: Context, name: str) -> str:
        first = await ctx.chat(f"I am {name}.", llm=llm)
        second = await ctx.chat([f"I am {name}.", first.message, "Who am I?"], llm=llm)
        return second.text

    @flow
    async def both(ctx: Context) -> list[str]:
        return await ctx.spawn([(talk, "Ann"), (talk, "Bob")])

    run = both.start()
    assert await run == ["3", "3"]
    found = {spoken(run.journal.conversation(entry))[0][1] for entry in run.journal.chats}
    assert found == {"I am Ann.", "I am Bob."}
    assert [len(run.journal.conversation(entry)) for entry in run.journal.chats if "after" in entry.input.args[0]] == [
        4,
        4,
    ]


async def test_a_question_without_an_answer_ends_with_the_question() -> None:
    llm = ScriptedLLM([ValueError("no")])

    @flow
    async def asks(ctx: Context) -> str:
        try:
            await ctx.chat("hello?", llm=llm, retry_policy=1)
        except ValueError:
            return "failed"
        return "answered"

    run = asks.start()
    assert await run == "failed"
    assert spoken(run.journal.conversation(run.journal.chats[0])) == [("user", "hello?")]


async def test_what_is_no_question_is_said() -> None:
    run = looking(1).start("?")
    await run
    called = next(entry for entry in run.journal if entry.kind == "call")
    with pytest.raises(ConfigurationError, match="call gaze\\) is no question to a model"):
        run.journal.conversation(called)
    with pytest.raises(KeyError):
        run.journal.conversation(9999)
    foreign = looking(2).start("another")
    await foreign
    with pytest.raises(ConfigurationError, match="not of the journal"):
        run.journal.conversation(foreign.journal.chats[-1])


async def test_a_lost_beginning_is_damage() -> None:
    run = looking(1).start("?")
    await run
    journal = run.journal
    first = journal.chats[0]
    journal._entries.remove(first)
    with pytest.raises(StoreCorrupt, match="goes on from a conversation of 3 messages"):
        journal.conversation(journal.chats[-1])


async def test_journals_show_who_said_what() -> None:
    run = looking(1).start("what is there?")
    await run
    table = str(run.journal)
    assert "user: what is there?" in table
    assert "→ gaze(at='star 0')" in table
    assert "gaze: saw star 0" in table
