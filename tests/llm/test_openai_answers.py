"""OpenAI and compatible servers, through the real SDK: what is asked and what is understood of the answer."""

from __future__ import annotations

from typing import Any

import pytest

from agnt5.errors import ConfigurationError, ContentRefused, ProviderUnavailable
from agnt5.llm import LLM, Image, Message, Request, Text, ToolCall, ToolSpec, Usage, create_llm
from agnt5.llm.types import as_messages
from llm.canary import KEY
from llm.wire import Answer, Call, OpenAIDialect, Raw, Received, Vectors, WireServer

WEATHER = ToolSpec("weather", "The weather of a city.", {"type": "object", "properties": {"city": {"type": "string"}}})


def model_at(server: WireServer, name: str = "gpt-5.4-mini", **options: Any) -> LLM:
    return create_llm("openai", name, api_key=KEY, base_url=f"{server.url}/v1", **options)


async def test_a_question_and_its_answer() -> None:
    told = Answer("Hello!", input=1_000_000, cached=400_000, output=20, reasoning=5, model="gpt-5.4-mini-2026-03-17")
    with WireServer(OpenAIDialect(), told) as server:
        reply = await model_at(server).generate("Say hello.", temperature=0.2, max_tokens=50)
    assert str(reply) == reply.text == "Hello!"
    assert reply.usage == Usage(1_000_000, 20, cached=400_000, reasoning=5)
    assert (reply.provider, reply.model, reply.finish) == ("openai", "gpt-5.4-mini-2026-03-17", "stop")
    assert reply.cost == pytest.approx(0.6 * 0.75 + 0.4 * 0.075 + 20 * 4.5 / 1_000_000)
    assert server.last.path == "/v1/chat/completions"
    assert server.last.headers["authorization"] == f"Bearer {KEY}"
    assert server.last.json == {
        "model": "gpt-5.4-mini",
        "messages": [{"role": "user", "content": "Say hello."}],
        "temperature": 0.2,
        "max_completion_tokens": 50,
    }


async def test_models_of_compatible_servers_know_max_tokens_only() -> None:
    with WireServer(OpenAIDialect(), Answer("a"), Answer("b"), Answer("c")) as server:
        for name in ("smollm2", "o4-mini", "openai/gpt-oss-20b"):
            await model_at(server, name).generate("x", max_tokens=9)
    assert ["max_tokens" in one.json for one in server.requests] == [True, False, False]
    assert ["max_completion_tokens" in one.json for one in server.requests] == [False, True, True]


async def test_tools_are_offered_and_their_calls_understood() -> None:
    calls = (Call("weather", {"city": "Bern"}, id="call_a"), Call("weather", '{"city": ', id="call_b"))
    with WireServer(OpenAIDialect(), Answer("", calls)) as server:
        reply = await model_at(server).generate("Weather in Bern?", tools=[WEATHER])
    assert reply.finish == "tool_calls"
    assert reply.tool_calls == (
        ToolCall("call_a", "weather", {"city": "Bern"}),
        ToolCall("call_b", "weather", {}, malformed='{"city": '),
    )
    assert server.last.json["tools"] == [
        {
            "type": "function",
            "function": {"name": "weather", "description": WEATHER.description, "parameters": WEATHER.parameters},
        }
    ]


async def test_a_conversation_with_tools_pictures_and_names_goes_out_whole() -> None:
    picture = Image(data=b"png")
    conversation = [
        Message("system", "Be brief."),
        Message("user", (Text("What is this?"), picture), name="ada"),
        Message("assistant", "", (ToolCall("c1", "look", {"at": "ä"}), ToolCall("c2", "look", {}, malformed="{"))),
        Message("tool", (Text("a cat"), Image(url="http://127.0.0.1/cat.png")), tool_call_id="c1"),
        Message("tool", "broken", tool_call_id="c2", failed=True),
        Message("user", "So?", name="not a name"),
    ]
    with WireServer(OpenAIDialect(), Answer("A cat.")) as server:
        await model_at(server).generate(conversation)
    assert server.last.json["messages"] == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "name": "ada",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at":"ä"}'}},
                {"id": "c2", "type": "function", "function": {"name": "look", "arguments": "{"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "a cat"},
        {"role": "tool", "tool_call_id": "c2", "content": "broken"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Pictures returned by the tools above:"},
                {"type": "image_url", "image_url": {"url": "http://127.0.0.1/cat.png"}},
            ],
        },
        {"role": "user", "content": "So?"},
    ]


async def test_options_go_out_as_they_are_and_win() -> None:
    with WireServer(OpenAIDialect(), Answer("x")) as server:
        await model_at(server).generate(
            "x", max_tokens=5, max_completion_tokens=7, reasoning_effort="low", seed=3, unheard_of={"a": [1]},
            extra_headers={"x-team": "blue"}, extra_query={"trace": "1"},
        )  # fmt: skip
    assert server.last.json["max_completion_tokens"] == 7
    assert server.last.json["reasoning_effort"] == "low"
    assert server.last.json["seed"] == 3
    assert server.last.json["unheard_of"] == {"a": [1]}
    assert server.last.headers["x-team"] == "blue"
    assert server.last.query == {"trace": "1"}


async def test_every_attempt_carries_the_idempotency_key() -> None:
    request = Request(as_messages("x"), idempotency_key="run-1:step-2")
    with WireServer(OpenAIDialect(), Answer("x"), Answer("x")) as server:
        llm = model_at(server)
        await llm.answer(request)
        _ = [item async for item in llm.answers(request)]
    assert [one.headers["idempotency-key"] for one in server.requests] == ["run-1:step-2"] * 2


@pytest.mark.parametrize(
    ("said", "finish"), [("stop", "stop"), ("length", "length"), ("eos", "stop"), ("novelty", "other")]
)
async def test_reasons_to_finish(said: str, finish: str) -> None:
    with WireServer(OpenAIDialect(), Answer("x", finish=said), Answer("x", finish=said)) as server:
        llm = model_at(server)
        assert (await llm.generate("x")).finish == finish
        assert [item async for item in llm.stream("x")][-1].finish == finish  # pyright: ignore[reportAttributeAccessIssue]


async def test_a_call_is_a_call_also_when_the_server_says_stop() -> None:
    with WireServer(OpenAIDialect(), Answer("", (Call("f"),), finish="stop")) as server:
        assert (await model_at(server).generate("x")).finish == "tool_calls"


@pytest.mark.parametrize("answer", [Answer(refusal="I will not."), Answer("half an ans", finish="content_filter")])
async def test_a_refusal_is_no_answer(answer: Answer) -> None:
    with WireServer(OpenAIDialect(), answer, answer) as server:
        llm = model_at(server)
        for ask in (llm.generate("x"), collected(llm)):
            with pytest.raises(
                ContentRefused, match="openai/gpt-5.4-mini declined to answer: .* Change what"
            ) as caught:
                await ask
            assert caught.value.possibly_billed


async def test_embeddings_come_in_order_in_batches() -> None:
    def vectors(request: Received) -> Vectors:
        return Vectors(tuple((float(text), 0.5) for text in request.json["input"]), input=3)

    with WireServer(OpenAIDialect(), vectors) as server:
        llm = create_llm("openai", "text-embedding-3-small", api_key=KEY, base_url=f"{server.url}/v1")
        one = await llm.embed("7")
        many = await llm.embed([str(number) for number in range(2050)])
        none = await llm.embed([])
    assert one.vectors == [[7.0, 0.5]]
    assert one.usage == Usage(input=3)
    assert one.cost == pytest.approx(3 * 0.02 / 1_000_000)
    assert [vector[0] for vector in many.vectors] == [float(number) for number in range(2050)]
    assert many.usage == Usage(input=6)
    assert none.vectors == []
    assert server.count == 3


@pytest.mark.parametrize("vector", [b"null", b"[]", b'"AACAPwAAAEA="'], ids=["none", "empty", "base64"])
async def test_what_is_no_vector_is_not_taken_for_one(vector: bytes) -> None:
    told = Raw(b'{"model": "m", "data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": %s}]}' % vector)
    with (
        WireServer(OpenAIDialect(), told) as server,
        pytest.raises(ProviderUnavailable, match="vector without numbers"),
    ):
        await model_at(server).embed(["a", "b"])


@pytest.mark.parametrize("texts", [7, None, ["a", 7], [b"a"]])
async def test_what_is_no_text_is_not_sent(texts: Any) -> None:
    with WireServer(OpenAIDialect()) as server:
        with pytest.raises(ConfigurationError, match="is a text or a list of texts, not"):
            await model_at(server).embed(texts)
        assert server.count == 0


async def test_too_few_vectors_are_an_error() -> None:
    with (
        WireServer(OpenAIDialect(), Vectors(((1.0,),))) as server,
        pytest.raises(ProviderUnavailable, match="1 vectors for 2 texts"),
    ):
        await model_at(server).embed(["a", "b"])


async def test_a_server_without_keys_needs_none() -> None:
    with WireServer(OpenAIDialect(), Answer("x")) as server:
        await create_llm("openai", "smollm2", base_url=f"{server.url}/v1").generate("x")
    assert server.last.headers["authorization"] == "Bearer none"


async def test_answers_of_sparse_servers_are_understood() -> None:
    """No usage, no id of calls, content in parts: what smaller servers send."""
    whole = Answer(calls=(Call("f", {"a": 1}, id=""),), extra={"content": [{"type": "text", "text": "so"}]})
    with WireServer(OpenAIDialect(), whole) as server:
        reply = await model_at(server).generate("x")
    assert reply.text == "so"
    assert reply.tool_calls == (ToolCall("call_chatcmpl-1_0", "f", {"a": 1}),)


@pytest.mark.parametrize(("name", "value"), [("max_tokens", 0), ("max_tokens", True), ("timeout", 0.0)])
async def test_wrong_limits_are_found_before_anything_is_sent(name: str, value: Any) -> None:
    with WireServer(OpenAIDialect()) as server:
        with pytest.raises(ConfigurationError, match=name):
            await model_at(server).generate("x", **{name: value})
        assert server.count == 0


async def collected(llm: LLM) -> list[Any]:
    return [item async for item in llm.stream("x")]
