"""Agents as their users meet them: tools, typed answers, other agents, limits, streams."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

import agnt5
from agnt5 import Agent, Answer, Budget, ConfigurationError, Context, RunFailed, RunPaused, flow, tool
from agnt5.asking import paused_below
from agnt5.llm import Image, Message, Reply, Request, ScriptedLLM, Text, ToolCall, Usage, set_price
from agnt5.runtime import reader


@tool
def search(query: str, limit: int = 2) -> list[str]:
    """Search the shelves."""
    return [f"{query} {number}" for number in range(limit)]


@tool
def broken(word: str) -> str:
    """Fails."""
    raise LookupError(f"no {word} here")


def calls(*names: str, **arguments: object) -> list[ToolCall]:
    return [ToolCall(f"call_{number}", name, dict(arguments)) for number, name in enumerate(names)]


async def test_an_agent_calls_tools_and_answers() -> None:
    llm = ScriptedLLM([{"tool": "search", "arguments": {"query": "tea", "limit": "3"}}, "Three teas."])
    agent = Agent(name="shop", instructions="Sell tea.", tools=[search], llm=llm)
    answer = await agent.run("What is there?")
    assert answer == "Three teas."
    assert isinstance(answer, Answer)
    assert [call.name for call in answer.tool_calls] == ["search"]
    assert answer.messages[0] == Message("user", "What is there?")
    assert answer.messages[2].content == '["tea 0","tea 1","tea 2"]'
    assert answer.usage == Usage(19, 7)
    assert answer.cost == 0.0
    run = agnt5.get_run(answer.run_id)
    assert [(entry.kind, entry.path) for entry in run.journal] == [
        ("step", "chat"),
        ("call", "search"),
        ("step", "chat#2"),
    ]
    assert run.result() == answer
    assert run.result().messages == answer.messages
    assert llm.requests[0].messages[0] == Message("system", "Sell tea.")
    assert [spec.name for spec in llm.requests[0].tools] == ["search"]


async def test_an_answer_that_was_cut_off_is_warned_of() -> None:
    reply = Reply(Message("assistant", "Once upon a"), Usage(3, 3), "script", "scripted", finish="length")
    teller = Agent("short_teller", llm=ScriptedLLM(lambda request: reply))
    run = teller.start("Tell me a story.")
    assert await run == "Once upon a"
    assert [text for _, _, text in run.journal.logs] == [
        "WARNING agnt5.run: the answer of the agent 'short_teller' was cut off after 3 tokens; raise its max_tokens="
    ]


async def test_who_waits_for_a_paused_run_below_is_told(caplog: pytest.LogCaptureFixture) -> None:
    again = {"tool": "search", "arguments": {"query": "tea"}}
    helper = Agent("paused_helper", "", [search], llm=ScriptedLLM([again, again, "Two."]), max_iterations=1)
    ask = {"tool": "paused_helper", "arguments": {"prompt": "How many?"}}
    boss = Agent("waiting_boss", "", [helper], llm=ScriptedLLM([ask, "Two, they say."]))

    @flow
    async def office(ctx: Context) -> str:
        return await ctx.call(boss, "Ask.")

    run = office.start()
    while not (below := [one for one in agnt5.runs(component="paused_helper") if one.status == "paused"]):
        await asyncio.sleep(0.01)
    who = f"that it called, {below[0].id}, which is paused: the agent 'paused_helper' has used 1 of 1 turns"
    assert any(who in record.getMessage() for record in caplog.records)
    with pytest.raises(TimeoutError, match=who):
        run.result(timeout=0.01)
    below[0].resume(values={"allowance": 5})
    assert await run == "Two, they say."
    assert paused_below(run.id, reader()) == []


async def test_tools_of_one_answer_are_called_at_once() -> None:
    together: list[int] = []
    at_once = asyncio.Event()

    @tool
    async def meet(place: str) -> str:
        """Waits until two are there."""
        together.append(1)
        if len(together) == 2:
            at_once.set()
        await asyncio.wait_for(at_once.wait(), 5)
        return place

    llm = ScriptedLLM([calls("meet", "meet", place="here"), "met"])
    answer = await Agent("host", "", [meet], llm=llm).run("go")
    assert [message.content for message in answer.messages if message.role == "tool"] == ["here", "here"]


async def test_whatever_goes_wrong_with_a_tool_goes_back_to_the_model() -> None:
    llm = ScriptedLLM(
        [
            [
                ToolCall("1", "broken", {"word": "tea"}),
                ToolCall("2", "nothing", {}),
                ToolCall("3", "search", {"query": "x", "limit": "many"}),
                ToolCall("4", "search", {}, malformed="{oops"),
            ],
            "sorry",
        ]
    )
    run = Agent("clumsy", "", [search, broken], llm=llm).start("go")
    answer = await run
    results = [message for message in answer.messages if message.role == "tool"]
    assert all(message.failed for message in results)
    assert results[0].content == "LookupError: no tea here"
    assert results[1].content == "There is no tool 'nothing'. There are: search, broken."
    assert "limit" in results[2].text
    assert "{oops" in results[3].text
    assert await run.rerun() == "sorry"


@dataclass
class Order:
    item: str
    count: int


async def test_an_answer_of_a_type_is_mended_or_given_up() -> None:
    llm = ScriptedLLM(["one tea", '{"item": "tea"}', '{"item": "tea", "count": 1}'])
    answer = await Agent("clerk", "", llm=llm, output_type=Order).run("one tea")
    assert answer.output == Order("tea", 1)
    assert "count" in llm.requests[2].messages[-1].text, "the model is told what is wrong"
    assert agnt5.get_run(answer.run_id).result().output == Order("tea", 1)
    hopeless = Agent("hopeless", "", llm=ScriptedLLM(["no"] * 3), output_type=Order)
    with pytest.raises(RunFailed, match="did not give a Order in 3 answers"):
        await hopeless.run("one tea")


async def test_an_agent_is_a_tool_of_another() -> None:
    expert = Agent("expert", "You know tea.", llm=ScriptedLLM(["Green."]))
    llm = ScriptedLLM([{"tool": "expert", "arguments": {"prompt": "Which tea?"}}, "Green tea."])
    answer = await Agent("front", "Ask the expert.", [expert], llm=llm).run("tea?")
    assert answer == "Green tea."
    (child,) = [entry for entry in agnt5.get_run(answer.run_id).journal if entry.kind == "child"]
    assert agnt5.get_run(child.child_id).result() == "Green."
    assert llm.requests[0].tools[0].parameters["required"] == ["prompt"]


async def test_an_agent_hands_the_conversation_over() -> None:
    refunds = Agent("refunds", "You give money back.", llm=ScriptedLLM(["Here is your money."]))
    front = Agent(
        "front",
        "Send people on.",
        llm=ScriptedLLM([{"tool": "transfer_to_refunds", "arguments": {"reason": "refund"}}]),
        handoffs=[refunds],
    )
    answer = await front.run("My money!")
    assert (answer, answer.agent) == ("Here is your money.", "refunds")
    asked: Request = refunds.model.requests[0]  # type: ignore[union-attr]
    assert asked.system == "You give money back."
    assert asked.turns[0].text == "My money!", "the other agent sees what was said"


async def test_an_agent_is_called_from_a_flow() -> None:
    agent = Agent("helper", "", llm=ScriptedLLM(lambda request: request.turns[-1].text[::-1]))

    @flow
    async def twice(ctx: Context, text: str) -> list[str]:
        one = await ctx.call(agent, text)
        two = await agent.run(one)
        return [one, two, type(two).__name__]

    run = twice.start("abc")
    assert await run == ["cba", "abc", "Answer"]
    assert [entry.kind for entry in run.journal] == ["child", "child"]


async def test_pictures_go_to_the_model() -> None:
    llm = ScriptedLLM(["A dot."])
    image = Image(data=b"\x89PNG")
    await Agent("eye", "", llm=llm).run(["What is this?", image])
    assert llm.requests[0].turns[0].content == (Text("What is this?"), image)


async def test_turns_are_limited_and_a_person_may_allow_more() -> None:
    more = {"tool": "search", "arguments": {"query": "x"}}
    run = Agent("tireless", "", [search], llm=ScriptedLLM([more] * 4 + ["done"]), max_iterations=2).start("go")
    with pytest.raises(RunPaused, match=r"used 2 of 2 turns.*resume\(values=\{'allowance': 5\}\)"):
        await run
    assert run.status == "paused"
    assert run.resume(values={"allowance": 1})
    with pytest.raises(RunPaused, match=r"3 of 3 turns.*'allowance#2'"):
        await run
    run.resume(values={"allowance#2": 5})
    assert await run == "done"
    assert [entry.path for entry in run.journal if entry.name == "chat"] == [
        f"chat#{n}" if n > 1 else "chat" for n in range(1, 6)
    ]


async def test_a_person_may_refuse_more() -> None:
    more = {"tool": "search", "arguments": {"query": "x"}}
    run = Agent("tireless", "", [search], llm=ScriptedLLM([more] * 4), max_iterations=1).start("go")
    with pytest.raises(RunPaused):
        await run
    run.resume(values={"allowance": 0})
    with pytest.raises(RunFailed, match="was not allowed to go on after 1 of 1 turns"):
        await run


async def test_a_spent_budget_pauses_and_nothing_is_lost() -> None:
    more = {"tool": "search", "arguments": {"query": "x"}}
    agent = Agent("thrifty", "", [search], llm=ScriptedLLM([more, more, "done"]), budget=Budget(calls=1))
    run = agent.start("go")
    with pytest.raises(RunPaused, match="1 of 1 model calls"):
        await run
    agent.budget = Budget(calls=5)
    run.resume()
    assert await run == "done"
    assert run.journal.find("allowance").output == Budget(calls=5)


async def test_a_budget_in_money_needs_a_price() -> None:
    llm = ScriptedLLM(["fine"], model="dear")
    llm.provider = "unheard"
    agent = Agent("rich", "", llm=llm, budget=Budget(cost=1.0))
    with pytest.raises(ConfigurationError, match="set_price"):
        await agent.run("go")
    set_price("unheard/dear", 100_000.0, 100_000.0)
    answer = await agent.run("go there")
    assert answer.cost == pytest.approx(0.3)


async def test_a_budget_counts_a_session_or_an_agent() -> None:
    agent = Agent("shared", "", llm=ScriptedLLM(["ok"] * 9), budget=Budget(calls=2, per="session"))
    await agent.run("a", session="ann")
    await agent.run("b", session="ann")
    await agent.run("a", session="bob")
    with pytest.raises(RunPaused, match="2 of 2 model calls"):
        await agent.run("c", session="ann")
    whole = Agent("whole", "", llm=ScriptedLLM(["ok"] * 9), budget=Budget(calls=2, per="agent"))
    await whole.run("a", session="ann")
    await whole.run("a", session="bob")
    with pytest.raises(RunPaused):
        await whole.run("a", session="cid")


async def test_an_agent_is_watched_while_it_works() -> None:
    llm = ScriptedLLM([{"tool": "search", "arguments": {"query": "x", "limit": 1}}, "all done"])
    seen = [update async for update in Agent("busy", "", [search], llm=llm).stream("go")]
    assert [(update.kind, update.text) for update in seen] == [
        ("tool_call", "search"),
        ("tool_result", '["x 0"]'),
        ("text", "all"),
        ("text", " done"),
        ("answer", "all done"),
    ]
    assert isinstance(seen[-1].data, Answer)


async def test_a_stream_says_when_an_answer_begins_again() -> None:
    class Stumbling(ScriptedLLM):
        tries = 0

        async def _stream(self, request: Request):  # type: ignore[override]
            self.tries += 1
            async for item in super()._stream(request):
                yield item
                if self.tries == 1:
                    raise agnt5.ProviderUnavailable("cut", retry_after=0.01)

    seen = [update async for update in Agent("s", "", llm=Stumbling(["one two"] * 2)).stream("go")]
    kinds = [update.kind for update in seen]
    assert kinds[: kinds.index("restart")] == ["text"]
    assert "".join(one.text for one in seen[kinds.index("restart") :] if one.kind == "text") == "one two"


async def test_a_stream_misses_no_word_of_a_run_that_is_quicker_than_its_start() -> None:
    agent = Agent("quick", "", llm=ScriptedLLM(["one two three"], repeat=True))
    for _ in range(20):
        assert "".join([one.text async for one in agent.stream("go") if one.kind == "text"]) == "one two three"


async def test_a_run_goes_on_when_its_watcher_leaves() -> None:
    agent = Agent("left", "", llm=ScriptedLLM(["one two three"], delay=0.02))
    async for update in agent.stream("go"):
        assert update.text == "one"
        break
    (run,) = agnt5.runs(component="left")
    assert await run == "one two three"


async def test_a_watcher_that_fails_hurts_no_run() -> None:
    from agnt5 import listen

    def fall(run_id: str, value: object) -> None:
        raise RuntimeError("the window is closed")

    stop = listen(fall)
    try:
        assert await Agent("watched", "", llm=ScriptedLLM(["fine"])).run("go") == "fine"
    finally:
        stop()


async def test_a_flow_may_not_go_by_what_is_not_recorded() -> None:
    agent = Agent("seen", "", llm=ScriptedLLM(["one two"]))

    @flow
    async def peeking(ctx: Context) -> list[str]:
        return [update.text async for update in agent.stream("go")]

    with pytest.raises(RunFailed, match="watching an agent at .*test_agents.py.*`await agent.run"):
        await peeking.run()


async def test_a_mocked_agent_is_watched_too() -> None:
    from agnt5.testing import MockContext

    with MockContext():
        seen = [update async for update in Agent("mocked", "Be kind.").stream("go")]
    assert "".join(one.text for one in seen if one.kind == "text") == str(seen[-1].data) == "Be kind.\ngo"


def test_what_cannot_work_is_said_when_the_agent_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGNT5_MODEL", raising=False)
    with pytest.raises(ConfigurationError, match="two tools called 'search'"):
        Agent("twice", "", [search, search])
    with pytest.raises(ConfigurationError, match="needs a name"):
        Agent("")
    with pytest.raises(ConfigurationError, match="max_iterations"):
        Agent("none", max_iterations=0)
    with pytest.raises(ConfigurationError, match="is no tool"):
        Agent("odd", tools=[3])
    with pytest.raises(ConfigurationError, match="two tools called 'remember_fact'"):
        Agent("odd", tools=[agnt5.Tool(name="remember_fact", function=search)], memory=True)
    with pytest.raises(ConfigurationError, match="No model is configured"):
        Agent("mute").start("hello")
    assert agnt5.runs() == [], "nothing began"


class Point(msgspec.Struct):
    x: int


async def decides(name: str, arguments: dict[str, object]) -> bool:
    return True


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tools": search}, r"tools= is a list, as in `tools=\[search\]`"),
        ({"tools": "search"}, r"tools= is a list"),
        ({"instructions": None}, "instructions= is a text"),
        ({"model": 3}, "3 is no model"),
        ({"max_iterations": "3"}, "max_iterations is a whole number"),
        ({"max_tokens": 0}, "max_tokens is a whole number"),
        ({"timeout": -1}, "timeout is in seconds"),
        ({"budget": 100}, r"budget= is a Budget, as in Budget\(tokens=100_000\)"),
        ({"memory": "all"}, "memory= is True"),
        ({"human_in_loop": "yes"}, "human_in_loop= is True, False, or a function"),
        ({"human_in_loop": decides}, "decides is async"),
        ({"handoffs": [search]}, "handoffs= are agents"),
        ({"output_type": list[Point]}, "msgspec.Struct, which journals cannot keep"),
        (
            {"handoffs": [Agent("one a"), Agent("one_a")]},
            "two agents by 'transfer_to_one_a'",
        ),
    ],
    ids=lambda given: given if isinstance(given, str) else ",".join(given),
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Agent("wrong", **settings)


@pytest.mark.parametrize("name", ["two\nlines", "x" * 201, "a\u202eb", "\ud800", "", 3])
def test_a_name_is_one_line_that_can_be_shown(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="name"):
        Agent(name)


async def test_an_answer_is_a_text_to_the_next_agent() -> None:
    first = await Agent("first", llm=ScriptedLLM(["one"])).run("go")
    run = Agent("second", llm=ScriptedLLM(["two"])).start(first)
    answer = await run
    assert type(run.input.args[0]) is str
    assert [type(message.content) for message in answer.messages] == [str, str]


async def test_keys_of_maps_may_be_numbers() -> None:
    answer = await Agent("maps", output_type=dict[int, str], llm=ScriptedLLM(['{"1": "a"}'])).run("go")
    assert answer.output == {1: "a"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((None,), "The input is None"),
        ((42,), "the input must be a text or a list of parts, not int"),
        ((["a", 3],), r"the input\[1\] must be a text"),
        (("hi", ""), "session= is the name"),
        (("hi", 3), "session= is the name"),
    ],
    ids=str,
)
async def test_a_wrong_input_begins_nothing(given: tuple[Any, ...], words: str) -> None:
    agent = Agent("picky", llm=ScriptedLLM(["x"]))
    with pytest.raises(ConfigurationError, match=words):
        agent.start(*given)
    with pytest.raises(ConfigurationError, match=words):
        await agent.run(*given)
    assert agnt5.runs() == []


def test_an_agent_runs_from_plain_code() -> None:
    agent = Agent("plain", "", llm=ScriptedLLM(["hello"]))
    assert agent.run_sync("hi") == "hello"


async def test_a_refusal_of_the_model_is_an_error() -> None:
    refusal = Reply(Message("assistant", "I will not."), finish="refusal")
    with pytest.raises(RunFailed, match="ContentRefused"):
        await Agent("prim", "", llm=ScriptedLLM([refusal])).run("go")
