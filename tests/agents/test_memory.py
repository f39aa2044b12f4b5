"""Agents that remember: exchanges, facts, and whose they are."""

from __future__ import annotations

from agnt5 import Agent, get_run
from agnt5.llm import Message, ScriptedLLM
from agnt5.memory import EpisodicMemory, Memory, SemanticMemory


def repeating() -> ScriptedLLM:
    return ScriptedLLM(lambda request: f"you said {request.turns[-1].text}")


async def test_an_agent_remembers_earlier_conversations() -> None:
    llm = repeating()
    agent = Agent("friend", "Be kind.", memory=True, llm=llm)
    await agent.run("I like tea")
    answer = await agent.run("What do I like?")
    assert llm.requests[1].turns == (
        Message("user", "I like tea"),
        Message("assistant", "you said I like tea"),
        Message("user", "What do I like?"),
    )
    assert answer.messages[0].text == "What do I like?", "an answer tells its own run only"
    run = get_run(answer.run_id)
    replay = run.replay()
    replay.run_to_end()
    assert replay.divergence is None
    assert len(llm.requests) == 2


async def test_sessions_are_apart() -> None:
    llm = repeating()
    agent = Agent("friend", "", memory=True, llm=llm)
    await agent.run("I like tea", session="ann")
    await agent.run("And I?", session="bob")
    assert [message.text for message in llm.requests[1].turns] == ["And I?"]
    shared = Agent("shared", "", memory=Memory(semantic=SemanticMemory(embed=None), namespace="house"), llm=llm)
    await shared.run("I like tea", session="ann")
    await shared.run("And I?", session="bob")
    assert [message.text for message in llm.requests[3].turns] == ["And I?"]


async def test_a_model_keeps_facts_and_is_told_of_them_when_they_matter() -> None:
    llm = ScriptedLLM(
        [
            {"tool": "remember_fact", "arguments": {"fact": "Ann's favourite tea is oolong"}},
            "Noted.",
            {"tool": "recall_facts", "arguments": {"query": "favourite tea"}},
            "Oolong.",
        ]
    )
    memory = Memory(semantic=SemanticMemory(embed=None), namespace="ann")
    agent = Agent("waiter", "Serve.", memory=memory, llm=llm)
    await agent.run("Remember that I like oolong")
    await memory.working.store("table", 7)
    answer = await agent.run("Which tea is Ann's favourite?")
    assert "- Ann's favourite tea is oolong" in llm.requests[2].system
    assert "- table: 7" in llm.requests[2].system
    assert answer.messages[2].content == '["Ann\'s favourite tea is oolong"]'


async def test_memories_take_a_part_of_the_models_context_only() -> None:
    llm = repeating()
    agent = Agent("long", "", memory=True, llm=llm)
    for number in range(6):
        await agent.run(f"{number} " + "x" * 1500)
    asked = llm.requests[-1].turns
    assert len(asked) < 8
    assert sum(len(message.text) for message in asked[:-1]) <= 8000
    assert asked[-3].text.startswith("4 "), "the latest are kept"


async def test_a_killed_run_forgets_nothing_and_keeps_nothing_twice() -> None:
    agent = Agent("once", "", memory=True, llm=repeating())
    run = agent.start("hello")
    await run
    fork = run.fork(at=run.journal[-1], inflight="reuse")
    await fork
    kept = await Memory(namespace="agent/once").episodic.recall(kind="conversation")
    assert [episode.data["user"] for episode in kept] == ["hello"]


async def test_episodes_that_are_no_exchange_and_halves_of_characters_hurt_no_agent() -> None:
    episodic = EpisodicMemory("shared")
    for data in ("just words", None, ["a"], {"question": "?"}, {"user": 3, "assistant": "x"}):
        await episodic.remember("conversation", data)
    await episodic.remember("conversation", {"user": "Who?", "assistant": "Me.", "timestamp": "2024-01-15T10:30:00Z"})
    llm = ScriptedLLM(["fine"])
    answer = await Agent("listener", memory=Memory(episodic=episodic), llm=llm).run("half \ud800 a character")
    assert answer == "fine"
    assert [message.text for message in llm.requests[0].messages] == ["Who?", "Me.", "half � a character"]


async def test_what_is_noted_is_told_the_same_in_every_process() -> None:
    memory = Memory(namespace="noted")
    await memory.working.store("languages", {"de", "en", "fr"})
    await memory.procedural.learn("greet", ["wave", {"say": {"b", "a"}}])
    llm = ScriptedLLM(["fine"])
    await Agent("greeter", memory=memory, llm=llm).run("greet me")
    assert llm.requests[0].messages[0].text == (
        'What you remember:\n- how to greet: wave; {"say":["a","b"]}\n- languages: ["de","en","fr"]'
    )
