"""Anthropic's models through the real SDK: what is asked, what is understood of answers, what failures mean."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from threading import Event
from typing import Any

import pytest

from agnt5.errors import (
    ContentRefused,
    ContextTooLong,
    LLMError,
    ProviderAuthError,
    ProviderUnavailable,
    RateLimited,
    RequestInvalid,
)
from agnt5.llm import LLM, Delta, Image, Message, Reply, Text, ToolCall, ToolSpec, Usage, create_llm
from llm.canary import KEY, logged_by, shown_by
from llm.wire import (
    Act,
    Answer,
    Call,
    Cut,
    Failure,
    Held,
    WireServer,
    broken,
    garbage,
    hang,
    limited,
    overloaded,
    unauthorized,
)
from llm.wire.anthropic import AnthropicDialect

WEATHER = ToolSpec("weather", "The weather of a city.", {"type": "object", "properties": {"city": {"type": "string"}}})


@dataclass
class City:
    name: str
    people: int | None = None


def model_at(server: WireServer, **options: Any) -> LLM:
    return create_llm("anthropic", "claude-sonnet-5-5", base_url=server.url, **{"api_key": KEY, **options})


async def pieces(llm: LLM, question: Any = "x", **options: Any) -> list[Delta | Reply]:
    return [item async for item in llm.stream(question, **options)]


async def test_a_question_and_its_answer() -> None:
    told = Answer("Hello!", input=30, cached=20, output=9, reasoning=4, model="claude-sonnet-5-5-20260901")
    with WireServer(AnthropicDialect(), told) as server:
        conversation = [Message("system", "Be brief."), Message("user", "Say hello."), Message("system", "In English.")]
        reply = await model_at(server).generate(conversation, temperature=0.5, max_tokens=50, top_k=3)
    assert str(reply) == "Hello!"
    assert (reply.provider, reply.model, reply.finish) == ("anthropic", "claude-sonnet-5-5-20260901", "stop")
    assert reply.usage == Usage(30, 9, cached=20, reasoning=4)
    assert reply.cost == pytest.approx((10 * 2 + 20 * 0.1 + 9 * 10) / 1_000_000)
    assert reply.message == Message("assistant", "Hello!")
    asked = dict(server.last.json)
    assert asked.pop("stream") is True
    assert asked == {
        "model": "claude-sonnet-5-5",
        "max_tokens": 50,
        "system": "Be brief.\n\nIn English.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Say hello."}]}],
        "temperature": 0.5,
        "top_k": 3,
    }
    assert server.last.path == "/v1/messages"


async def test_what_went_into_the_cache_is_counted_apart() -> None:
    told = Answer("Hello!", input=30, cached=20, output=9, extra={"written": 6})
    with WireServer(AnthropicDialect(), told) as server:
        reply = await model_at(server).generate("x")
    assert reply.usage == Usage(30, 9, cached=20, written=6)


async def test_the_api_needs_a_limit_so_there_is_one() -> None:
    with WireServer(AnthropicDialect(), *[Answer("x")] * 3) as server:
        await model_at(server).generate("x")
        await model_at(server, max_tokens=99).generate("x")
        await model_at(server).generate("x", thinking={"type": "enabled", "budget_tokens": 10_000})
    limits = [one.json["max_tokens"] for one in server.requests]
    assert limits[:2] == [8192, 99]
    assert limits[2] > 10_000  # thoughts count, and the answer needs room too


@pytest.mark.parametrize("given", [{"api_key": KEY}, {"api_key": None, "auth_token": KEY}])
async def test_a_key_or_a_bearer_token(given: dict[str, Any]) -> None:
    with WireServer(AnthropicDialect(), Answer("x")) as server:
        await model_at(server, **given).generate("x")
        assert server.dialect.credential(server.last) == KEY


async def test_keys_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProviderAuthError, match="needs a key.*set ANTHROPIC_API_KEY, or give api_key="):
        await create_llm("anthropic", "claude-sonnet-5-5").generate("x")
    with WireServer(AnthropicDialect(), *[Answer("x")] * 3) as server:
        for name in ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"):
            monkeypatch.setenv(name, f"value-of-{name}")
            await model_at(server, api_key=None).generate("x")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        await create_llm("anthropic", "claude-sonnet-5-5").generate("x")
        keys = [server.dialect.credential(one) for one in server.requests]
    assert keys == ["value-of-ANTHROPIC_AUTH_TOKEN", "value-of-ANTHROPIC_API_KEY", "value-of-ANTHROPIC_API_KEY"]


async def test_a_conversation_with_tools_and_pictures() -> None:
    calls = (Call("weather", {"city": "Bern"}, id="a"), Call("weather", {}, id="b"), Call("weather", "{", id="c"))
    with WireServer(AnthropicDialect(), Answer("Let me see.", calls), Answer("Fine.")) as server:
        llm = model_at(server)
        picture = Message(
            "user", (Text("Where?"), Image(b"\x00\x01", media_type="image/gif"), Image(url="https://x/y.png"))
        )
        first = await llm.generate([picture], tools=[WEATHER])
        results = [
            Message("tool", "sunny", tool_call_id="a"),
            Message("tool", "no such city", tool_call_id="b", failed=True),
            Message("tool", (Text("see"), Image(b"\x02")), tool_call_id="c"),
        ]
        await llm.generate([picture, first.message, *results, Message("user", "So?")], tools=[WEATHER])
    assert first.finish == "tool_calls"
    assert first.tool_calls == (
        ToolCall("a", "weather", {"city": "Bern"}),
        ToolCall("b", "weather", {}),
        ToolCall("c", "weather", {}, malformed="{"),
    )
    schema = {"name": "weather", "description": WEATHER.description, "input_schema": WEATHER.parameters}
    assert server.requests[0].json["tools"] == [schema]
    user, assistant, answers = server.last.json["messages"]
    assert user["content"][1:] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "AAE="}},
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
    ]
    assert assistant == {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "Let me see."},
            {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Bern"}},
            {"type": "tool_use", "id": "b", "name": "weather", "input": {}},
            {"type": "tool_use", "id": "c", "name": "weather", "input": {}},
        ],
    }
    shown = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "Ag=="}}
    assert answers == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "a", "content": "sunny"},
            {"type": "tool_result", "tool_use_id": "b", "content": "no such city", "is_error": True},
            {"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "see"}, shown]},
            {"type": "text", "text": "So?"},
        ],
    }


async def test_thoughts_go_back_with_their_signatures_and_in_their_order() -> None:
    hidden = {"type": "redacted_thinking", "data": "b64"}
    told = Answer("Now.", (Call("weather", {"city": "Bern"}),), thought="hm, so", extra={"blocks": [hidden]})
    with WireServer(AnthropicDialect(), told, Answer("x"), Answer("x")) as server:
        llm = model_at(server)
        *deltas, reply = await pieces(llm)
        assert isinstance(reply, Reply)
        assert "".join(one.thought for one in deltas if isinstance(one, Delta)) == "hm, so"
        result = Message("tool", "sunny", tool_call_id="call_1")
        await llm.generate([Message("user", "x"), reply.message, result])
        edited = Message(
            "assistant", "", (ToolCall("call_1", "weather", {"city": "Thun"}),), vendor=reply.message.vendor
        )
        await llm.generate([Message("user", "x"), edited, result])
    thought = {"type": "thinking", "thinking": "hm, so", "signature": "c2lnbmVk"}
    call = {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Bern"}}
    assert server.requests[1].json["messages"][1]["content"] == [
        hidden,
        thought,
        {"type": "text", "text": "Now."},
        call,
    ]
    assert server.requests[2].json["messages"][1]["content"] == [hidden, thought, {**call, "input": {"city": "Thun"}}]


async def test_an_answer_in_a_form() -> None:
    with WireServer(AnthropicDialect(), Answer('{"name": "Bern", "people": 3}')) as server:
        reply = await model_at(server).generate("x", response_format=City, output_config={"effort": "low"})
    assert reply.output == City("Bern", 3)
    asked = server.last.json["output_config"]
    assert asked["effort"] == "low"
    assert asked["format"]["type"] == "json_schema"
    assert asked["format"]["schema"]["additionalProperties"] is False
    assert set(asked["format"]["schema"]["properties"]) == {"name", "people"}


@pytest.mark.parametrize("thinks", [False, True])
async def test_a_form_that_the_api_cannot_hold_to_comes_by_a_tool(thinks: bool) -> None:
    options: dict[str, Any] = {"thinking": {"type": "adaptive"}} if thinks else {}
    call = Call("give_answer", {"Bern": 3})
    told = [Answer("Well.", (call,)), Answer("", (call, Call("weather", {}, id="w")))]
    with WireServer(AnthropicDialect(), *told) as server:
        llm = model_at(server)
        reply = await llm.generate("x", response_format=dict[str, int], **options)
        early = await llm.generate("x", response_format=dict[str, int], tools=[WEATHER], **options)
    assert reply.output == {"Bern": 3}
    assert (reply.finish, reply.tool_calls) == ("stop", ())
    assert [call.name for call in early.tool_calls] == ["weather"]  # it wanted to know more before its answer
    assert server.last.json["tool_choice"] == {"type": "auto" if thinks else "any"}
    assert [one["name"] for one in server.last.json["tools"]] == ["weather", "give_answer"]
    assert "output_config" not in server.last.json


async def test_servers_without_structured_output_get_the_tool_always() -> None:
    with WireServer(AnthropicDialect(), Answer("", (Call("give_answer", {"name": "Bern"}),))) as server:
        reply = await model_at(server, answer_tool=True).generate("x", response_format=City)
    assert reply.output == City("Bern")


async def test_pieces_arrive_before_the_answer_is_whole() -> None:
    gate = Event()
    with WireServer(AnthropicDialect(), Held(Answer("Hello there"), gate, after=4)) as server:
        stream = model_at(server).stream("x")
        assert await anext(stream) == Delta("H")
        gate.set()
        rest = [item async for item in stream]
    assert str(rest[-1]) == "Hello there"


async def test_an_answer_that_was_cut_short_says_so() -> None:
    told = [Answer("x", finish=finish) for finish in ("max_tokens", "stop_sequence", "pause_turn")]
    with WireServer(AnthropicDialect(), *told) as server:
        llm = model_at(server)
        assert [(await llm.generate("x")).finish for _ in told] == ["length", "stop", "other"]


MEANINGS: list[tuple[Act, type[LLMError], int, bool, str]] = [
    (unauthorized(), ProviderAuthError, 401, False, "refused the key .* set ANTHROPIC_API_KEY, or give api_key="),
    (Failure(403, "Not yours."), ProviderAuthError, 403, False, "Not yours"),
    (Failure(400, "Your credit balance is too low."), ProviderAuthError, 400, False, "no credit left"),
    (limited(2.5), RateLimited, 429, False, "come back in 2.5 s"),
    (Failure(400, "prompt is too long: 210000 tokens > 200000 maximum"), ContextTooLong, 400, False, "210000 tokens"),
    (Failure(413, "Request too large."), ContextTooLong, 413, False, "too long for anthropic"),
    (Failure(404, "model: claude-9"), RequestInvalid, 404, False, "was not found"),
    (Failure(400, "messages: at least one"), RequestInvalid, 400, False, "did not take the request .*at least one"),
    (broken(), ProviderUnavailable, 500, False, "The server had an error"),
    (overloaded(), ProviderUnavailable, 529, False, "overloaded"),
    (broken(504), ProviderUnavailable, 504, True, "out of order"),
    (garbage(), ProviderUnavailable, 200, True, "no answer.*check base_url"),
    (Answer(refusal="That is harmful."), ContentRefused, 0, True, "declined to answer: That is harmful"),
    (Answer("half", extra={"error": overloaded()}), ProviderUnavailable, 529, True, "Overloaded"),
    (Answer("half", extra={"error": limited()}), RateLimited, 429, True, "Rate limit"),
    (Cut(Answer("x"), 0), ProviderUnavailable, 0, True, "broke before the answer was whole"),
    (Cut(Answer("hello there"), 5), ProviderUnavailable, 0, True, "broke before the answer was whole"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "kind", "status", "billed", "text"), MEANINGS, ids=lambda one: str(one)[:40])
@pytest.mark.parametrize("stream", [False, True])
async def test_what_a_failure_means(
    act: Act, kind: type[LLMError], status: int, billed: bool, text: str, stream: bool
) -> None:
    with WireServer(AnthropicDialect(), act) as server:
        llm = model_at(server)
        with pytest.raises(kind, match=text) as caught:
            _ = await pieces(llm) if stream else await llm.generate("x")
    error = caught.value
    assert type(error) is kind
    assert (error.provider, error.model, error.status) == ("anthropic", "claude-sonnet-5-5", status)
    assert error.possibly_billed is billed
    assert error.__cause__ is error.__context__ is None
    assert server.count == 1  # nobody asked twice


async def test_a_time_to_come_back_is_kept() -> None:
    with WireServer(AnthropicDialect(), limited(7), Failure(529, "Busy.", headers={"retry-after": "9"})) as server:
        with pytest.raises(RateLimited) as limit:
            await model_at(server).generate("x")
        with pytest.raises(ProviderUnavailable) as busy:
            await create_llm("anthropic", "claude-opus-5-5", api_key=KEY, base_url=server.url).generate("x")
    assert (limit.value.retry_after, busy.value.retry_after) == (7, 9)


@pytest.mark.parametrize("after", [0, 5])
async def test_silence_after_the_request_left_may_be_billed(after: int) -> None:
    silent = WireServer(AnthropicDialect(), hang(Answer("hello"), after=after))
    with silent as server, pytest.raises(ProviderUnavailable, match="within 0.4 s") as caught:
        await model_at(server).generate("x", timeout=0.4)
    assert caught.value.possibly_billed


async def test_nobody_there_is_never_billed() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ProviderUnavailable, match="cannot be reached.*Nothing was sent") as caught:
            await create_llm("anthropic", "claude-sonnet-5-5", api_key=KEY, base_url=url).generate("x")
    assert not caught.value.possibly_billed


async def test_a_key_never_shows(everything_logged: pytest.LogCaptureFixture) -> None:
    acts = [
        unauthorized(),
        Failure(400, "bad header: Bearer {key}"),
        Failure(500, "config: {key}"),
        Cut(Answer(KEY), 5),
    ]
    with WireServer(AnthropicDialect(), *acts) as server:
        llm = model_at(server)
        errors: list[LLMError] = []
        for _ in acts:
            with pytest.raises(LLMError) as caught:
                await llm.generate("x")
            errors.append(caught.value)
    logged = logged_by(everything_logged)
    assert len(logged) > 1000
    assert KEY not in "\n".join([*map(shown_by, errors), repr(llm)])
    assert KEY not in logged


async def test_calls_of_other_models_get_ids_that_the_api_takes() -> None:
    calls = tuple(ToolCall(one, "f", {}) for one in ("functions.f:0", "functions.f.0", "", "toolu_01"))
    results = [Message("tool", "r", tool_call_id=call.id) for call in calls]
    with WireServer(AnthropicDialect(), Answer("Hi")) as server:
        await model_at(server).generate([Message("user", "x"), Message("assistant", "", calls), *results])
        _, asked, answered = server.last.json["messages"]
    ids = [block["id"] for block in asked["content"]]
    assert ids == [block["tool_use_id"] for block in answered["content"]]
    assert all(re.fullmatch("[a-zA-Z0-9_-]+", one) for one in ids)
    assert len(set(ids)) == 4
    assert ids[3] == "toolu_01"
