"""The scripted model: lines one by one, a function, errors; streams, embeddings and usage as an adapter has them."""

from __future__ import annotations

from typing import Any

import pytest

from agnt5.errors import ConfigurationError, ContentRefused, OutputInvalid, ProviderUnavailable
from agnt5.llm import LLM, Delta, Message, Reply, Request, ScriptedLLM, ToolCall, Usage


async def test_lines_are_answers_one_by_one() -> None:
    call = ToolCall("id", "f", {"a": 1})
    llm = ScriptedLLM(["a", call, [call, call], {"tool": "g", "arguments": {"b": 2}}, Message("assistant", "e")])
    replies = [await llm.generate(str(number)) for number in range(5)]
    assert [reply.text for reply in replies] == ["a", "", "", "", "e"]
    assert [len(reply.tool_calls) for reply in replies] == [0, 1, 2, 1, 0]
    assert replies[3].tool_calls == (ToolCall("call_4", "g", {"b": 2}),)
    assert [reply.finish for reply in replies] == ["stop", "tool_calls", "tool_calls", "tool_calls", "stop"]
    assert [request.messages[0].text for request in llm.requests] == list("01234")
    assert {(reply.provider, reply.model, reply.cost) for reply in replies} == {("scripted", "script", 0.0)}


async def test_a_script_that_is_used_up_says_so() -> None:
    llm = ScriptedLLM(["a"])
    await llm.generate("x")
    with pytest.raises(ConfigurationError, match="has 1 lines, and this is request 2"):
        await llm.generate("x")
    again = ScriptedLLM(["a", "b"], repeat=True)
    assert [str(await again.generate("x")) for _ in range(5)] == list("ababa")


async def test_a_function_of_the_request_answers() -> None:
    async def echo(request: Request) -> str:
        return request.messages[-1].text.upper()

    assert str(await ScriptedLLM(echo).generate("hi")) == "HI"
    assert str(await ScriptedLLM(lambda request: str(request.temperature)).generate("x", temperature=0.5)) == "0.5"


async def test_an_error_of_the_script_is_raised_and_signed() -> None:
    llm = ScriptedLLM([ProviderUnavailable("down"), ValueError("other")])
    with pytest.raises(ProviderUnavailable, match="down") as caught:
        await llm.generate("x")
    assert (caught.value.provider, caught.value.model) == ("scripted", "script")
    with pytest.raises(ValueError, match="other"):
        await llm.generate("x")


async def test_a_stream_has_the_pieces_and_the_whole() -> None:
    *pieces, whole = [item async for item in ScriptedLLM(["one two three"]).stream("x")]
    assert pieces == [Delta("one"), Delta(" two"), Delta(" three")]
    assert isinstance(whole, Reply)
    assert whole.text == "one two three"


async def test_usage_is_counted_in_words() -> None:
    reply = await ScriptedLLM(["one two"]).generate(["a b c", "d"])
    assert reply.usage == Usage(4, 2)


async def test_forms_refusals_and_embeddings_work_as_with_adapters() -> None:
    llm = ScriptedLLM(['{"value": [1]}', "no", Reply(Message("assistant", "I will not."), finish="refusal")])
    assert (await llm.generate("x", response_format=list[int])).output == [1]
    with pytest.raises(OutputInvalid):
        await llm.generate("x", response_format=list[int])
    with pytest.raises(ContentRefused, match="scripted/script declined to answer: I will not"):
        await llm.generate("x")
    found = await llm.embed(["abc", "cab", "xyz"])
    assert found.vectors[0] == found.vectors[1] != found.vectors[2]
    assert found.provider == "scripted"


@pytest.mark.parametrize("line", [7, None, ["x"], {"name": "f"}, Message("user", "x")])
async def test_a_line_that_is_no_answer(line: Any) -> None:
    with pytest.raises(ConfigurationError):
        await ScriptedLLM([line]).generate("x")


class Mute(LLM):
    provider = "mute"


async def test_an_adapter_says_what_it_cannot_do() -> None:
    with pytest.raises(ConfigurationError, match="mute/m cannot stream"):
        await Mute("m").generate("x")
    with pytest.raises(ConfigurationError, match="mute/m makes no embeddings"):
        await Mute("m").embed("x")
    with pytest.raises(ConfigurationError, match="Mute needs the name of a model"):
        Mute("")


@pytest.mark.parametrize(
    "line",
    [
        "hello",
        {"role": "assistant", "content": "hello"},
        Message("assistant", "hello"),
        Reply(Message("assistant", "hello")),
    ],
)
async def test_one_line_may_stand_alone_or_in_a_list(line: Any) -> None:
    for replies in (line, [line]):
        assert str(await ScriptedLLM(replies).generate("x")) == "hello"
    with pytest.raises(ConfigurationError, match="are a line, a list of them, or a function"):
        ScriptedLLM(7)  # pyright: ignore[reportArgumentType]
