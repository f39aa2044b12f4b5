"""Google's models through the real SDK: what is asked, what is understood of answers, what failures mean."""

from __future__ import annotations

import base64
import socket
from dataclasses import dataclass
from threading import Event
from typing import Any

import pytest

from agnt5.errors import (
    ConfigurationError,
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
from llm.wire import Act, Answer, Call, Cut, Failure, Held, Vectors, WireServer, broken, garbage, hang, limited
from llm.wire.google import GoogleDialect

WEATHER = ToolSpec("weather", "The weather of a city.", {"type": "object", "properties": {"city": {"type": "string"}}})


@dataclass
class City:
    name: str
    people: int | None = None


def model_at(server: WireServer, name: str = "gemini-3.8-flash") -> LLM:
    return create_llm("google", name, api_key=KEY, base_url=server.url)


async def pieces(llm: LLM, question: Any = "x", **options: Any) -> list[Delta | Reply]:
    return [item async for item in llm.stream(question, **options)]


async def test_a_question_and_its_answer() -> None:
    told = Answer("Hello!", input=30, cached=20, output=9, reasoning=4)
    with WireServer(GoogleDialect(), told) as server:
        conversation = [Message("system", "Be brief."), Message("user", "Say hello.")]
        reply = await model_at(server).generate(conversation, temperature=0.5, max_tokens=50, top_k=3)
        assert server.dialect.credential(server.last) == KEY
    assert str(reply) == "Hello!"
    assert (reply.provider, reply.model, reply.finish) == ("google", "gemini-3.8-flash", "stop")
    assert reply.usage == Usage(30, 9, cached=20, reasoning=4)
    assert reply.cost == pytest.approx((10 * 0.75 + 20 * 0.075 + 9 * 3.75) / 1_000_000)
    assert reply.message == Message("assistant", "Hello!")
    assert server.last.path.endswith("/models/gemini-3.8-flash:streamGenerateContent")
    assert server.last.json == {
        "systemInstruction": {"parts": [{"text": "Be brief."}], "role": "user"},
        "contents": [{"role": "user", "parts": [{"text": "Say hello."}]}],
        "generationConfig": {"temperature": 0.5, "maxOutputTokens": 50, "topK": 3},
    }


@pytest.mark.parametrize("name", ["GOOGLE_API_KEY", "GEMINI_API_KEY"])
async def test_keys_of_the_environment(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(ProviderAuthError, match="needs a key.*set GOOGLE_API_KEY or GEMINI_API_KEY, or give api_key="):
        await create_llm("google", "gemini-3.8-flash").generate("x")
    monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")  # of other programs; here a key is given
    with WireServer(GoogleDialect(), Answer("x")) as server:
        await create_llm("google", "gemini-3.8-flash", base_url=server.url).generate("x")
        assert server.dialect.credential(server.last) == KEY


async def test_a_conversation_with_tools_and_pictures() -> None:
    calls = (Call("weather", {"city": "Bern"}, id="a"), Call("weather", {}, id=""))
    with WireServer(GoogleDialect(), Answer("Let me see.", calls), Answer("Fine.")) as server:
        llm = model_at(server, "gemini-2.5-flash")
        picture = Message(
            "user", (Text("Where?"), Image(b"\xfb\xff", media_type="image/gif"), Image(url="https://x/y.jpg"))
        )
        first = await llm.generate([picture], tools=[WEATHER])
        given, made = first.tool_calls
        results = [
            Message("tool", "sunny", tool_call_id="a"),
            Message("tool", (Text("no such city"), Image(b"\x02")), tool_call_id=made.id, failed=True),
        ]
        await llm.generate([picture, first.message, *results, Message("user", "So?")], tools=[WEATHER])
    assert first.finish == "tool_calls"
    assert given == ToolCall("a", "weather", {"city": "Bern"})
    assert (made.name, made.arguments) == ("weather", {})
    assert made.id != ""  # an answer needs something to be tied to
    (declared,) = server.requests[0].json["tools"][0]["functionDeclarations"]
    assert declared["name"] == "weather"
    assert WEATHER.parameters in declared.values()
    user, model, answers = server.last.json["contents"]
    (inline,) = user["parts"][1].values()
    assert base64.urlsafe_b64decode(inline["data"]) == b"\xfb\xff"
    (file,) = user["parts"][2].values()
    assert set(file.values()) == {"https://x/y.jpg", "image/jpeg"}
    assert model == {
        "role": "model",
        "parts": [
            {"text": "Let me see."},
            {"functionCall": {"id": "a", "name": "weather", "args": {"city": "Bern"}}},
            {"functionCall": {"name": "weather", "args": {}}},
        ],
    }
    assert answers["role"] == "user"
    assert answers["parts"][0] == {"functionResponse": {"id": "a", "name": "weather", "response": {"output": "sunny"}}}
    failed = answers["parts"][1]["functionResponse"]
    assert (failed["name"], failed["response"], len(failed["parts"])) == ("weather", {"error": "no such city"}, 1)
    assert "id" not in failed
    assert answers["parts"][2] == {"text": "So?"}


async def test_thoughts_go_back_as_signatures_in_their_places() -> None:
    first = base64.b64encode(b"\xfb\xff\xfe").decode()
    signed = [{"functionCall": {"name": "weather", "args": {"city": "Bern"}}, "thoughtSignature": first}]
    told = Answer("Now.", (Call("weather", {"city": "Thun"}, id="t"),), thought="hm, so", extra={"parts": signed})
    with WireServer(GoogleDialect(), told, Answer("x")) as server:
        llm = model_at(server)
        *deltas, reply = await pieces(llm)
        assert isinstance(reply, Reply)
        assert "".join(one.thought for one in deltas if isinstance(one, Delta)) == "hm, so"
        assert str(reply) == "Now."
        results = [Message("tool", "sunny", tool_call_id=call.id) for call in reply.tool_calls]
        await llm.generate([Message("user", "x"), reply.message, *results])
    call, text, other = server.last.json["contents"][1]["parts"]
    assert base64.urlsafe_b64decode(call["thoughtSignature"]) == b"\xfb\xff\xfe"
    assert call["functionCall"]["args"] == {"city": "Bern"}
    assert text == {"text": "Now."}
    assert other["functionCall"]["args"] == {"city": "Thun"}


@pytest.mark.parametrize(("name", "signed"), [("gemini-3.8-flash", True), ("gemini-2.5-pro", False)])
async def test_calls_of_another_model_get_the_signature_that_stands_for_none(name: str, signed: bool) -> None:
    said = Message("assistant", "", (ToolCall("call_9", "weather", {}),))
    with WireServer(GoogleDialect(), Answer("x")) as server:
        history = [Message("user", "x"), said, Message("tool", "sunny", tool_call_id="call_9")]
        await model_at(server, name).generate(history)
    assert ("thoughtSignature" in server.last.json["contents"][1]["parts"][0]) is signed


async def test_an_answer_in_a_form() -> None:
    with WireServer(GoogleDialect(), Answer('{"name": "Bern", "people": 3}')) as server:
        reply = await model_at(server).generate("x", response_format=City, tools=[WEATHER])
    assert reply.output == City("Bern", 3)
    asked = server.last.json["generationConfig"]
    assert asked["responseMimeType"] == "application/json"
    assert set(asked["responseJsonSchema"]["properties"]) == {"name", "people"}


async def test_earlier_models_take_no_form_beside_tools_so_it_comes_by_one() -> None:
    with WireServer(GoogleDialect(), Answer("", (Call("give_answer", {"name": "Bern"}),))) as server:
        reply = await model_at(server, "gemini-2.5-pro").generate("x", response_format=City, tools=[WEATHER])
    assert reply.output == City("Bern")
    assert (reply.finish, reply.tool_calls) == ("stop", ())
    assert server.last.json["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert "generationConfig" not in server.last.json or not server.last.json["generationConfig"]


async def test_vectors() -> None:
    with WireServer(GoogleDialect(), Vectors(((1.0, 2.0), (3.0, 4.0))), Vectors(((1.0,),)), Vectors(((),))) as server:
        llm = model_at(server)
        found = await llm.embed(["a", "b"], model="gemini-embedding-2")
        with pytest.raises(ProviderUnavailable, match="1 vectors for 2 texts"):
            await llm.embed(["a", "b"])
        with pytest.raises(ProviderUnavailable, match="a vector without numbers"):
            await llm.embed("a")
    assert found.vectors == [[1.0, 2.0], [3.0, 4.0]]
    assert (found.provider, found.model) == ("google", "gemini-embedding-2")
    asked = server.requests[0].json["requests"]
    assert [one["content"]["parts"] for one in asked] == [[{"text": "a"}], [{"text": "b"}]]


async def test_pieces_arrive_before_the_answer_is_whole() -> None:
    gate = Event()
    with WireServer(GoogleDialect(), Held(Answer("Hello there"), gate, after=1)) as server:
        stream = model_at(server).stream("x")
        assert await anext(stream) == Delta("H")
        gate.set()
        rest = [item async for item in stream]
    assert str(rest[-1]) == "Hello there"


async def test_a_stream_that_is_left_early_leaves_nothing_open() -> None:
    with WireServer(GoogleDialect(), hang(Answer("hello"), after=2), Answer("again")) as server:
        llm = model_at(server)
        stream = llm.stream("x")
        assert await anext(stream) == Delta("h")
        await stream.aclose()  # pyright: ignore[reportAttributeAccessIssue]
        assert str(await llm.generate("x")) == "again"


async def test_an_option_that_the_sdk_does_not_know_is_said_before_anything_is_sent() -> None:
    with WireServer(GoogleDialect()) as server, pytest.raises(ConfigurationError, match="no_such_option"):
        await model_at(server).generate("x", no_such_option=1)
    assert server.count == 0


QUOTA = "You exceeded your current quota, please check your plan and billing details."
WINDOW = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."

MEANINGS: list[tuple[Act, type[LLMError], int, bool, str]] = [
    (Failure(400, "API key not valid. Please pass a valid API key.", code="API_KEY_INVALID"),
     ProviderAuthError, 401, False, "refused the key .* set GOOGLE_API_KEY"),
    (Failure(403, "Permission denied."), ProviderAuthError, 403, False, "Permission denied"),
    (limited(17.5, QUOTA), RateLimited, 429, False, "come back in 17.5 s"),
    (Failure(400, WINDOW), ContextTooLong, 400, False, "older messages"),
    (Failure(404, "models/gemini-9 is not found for API version v1"), RequestInvalid, 404, False, "was not found"),
    (Failure(400, "Unknown field."), RequestInvalid, 400, False, "did not take the request .*Unknown field"),
    (broken(), ProviderUnavailable, 500, False, "The server had an error"),
    (broken(503, "The model is overloaded."), ProviderUnavailable, 503, False, "overloaded"),
    (broken(504), ProviderUnavailable, 504, True, "out of order"),
    (garbage(), ProviderUnavailable, 200, True, "no answer.*check base_url"),
    (Answer("x", refusal="It looks unsafe."), ContentRefused, 0, True, "declined to answer"),
    (Answer("x", finish="PROHIBITED_CONTENT"), ContentRefused, 0, True, "PROHIBITED_CONTENT"),
    (Answer(extra={"blocked": "SAFETY"}), ContentRefused, 0, True, "declined to answer: SAFETY"),
    (Answer(finish="MALFORMED_FUNCTION_CALL"), ProviderUnavailable, 200, True, "MALFORMED_FUNCTION_CALL"),
    (Answer("half", extra={"error": broken(503, "Busy.")}), ProviderUnavailable, 503, True, "Busy"),
    (Answer("half", extra={"error": limited(3)}), RateLimited, 429, True, "come back in 3 s"),
    (Cut(Answer("x"), 0), ProviderUnavailable, 0, True, "broke before the answer was whole"),
    (Cut(Answer("hello there"), 3), ProviderUnavailable, 0, True, "broke before the answer was whole"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "kind", "status", "billed", "text"), MEANINGS, ids=lambda one: str(one)[:40])
@pytest.mark.parametrize("stream", [False, True])
async def test_what_a_failure_means(
    act: Act, kind: type[LLMError], status: int, billed: bool, text: str, stream: bool
) -> None:
    with WireServer(GoogleDialect(), act) as server:
        llm = model_at(server)
        with pytest.raises(kind, match=text) as caught:
            _ = await pieces(llm) if stream else await llm.generate("x")
    error = caught.value
    assert type(error) is kind
    assert (error.provider, error.model, error.status) == ("google", "gemini-3.8-flash", status)
    assert error.possibly_billed is billed
    assert error.__cause__ is error.__context__ is None
    assert server.count == 1  # nobody asked twice


async def test_an_answer_that_was_cut_short_says_so() -> None:
    with WireServer(GoogleDialect(), Answer("x", finish="MAX_TOKENS"), Answer("x", finish="LANGUAGE")) as server:
        llm = model_at(server)
        assert [(await llm.generate("x")).finish for _ in range(2)] == ["length", "other"]


@pytest.mark.parametrize("after", [0, 2])
async def test_silence_after_the_request_left_may_be_billed(after: int) -> None:
    silent = WireServer(GoogleDialect(), hang(Answer("hello"), after=after))
    with silent as server, pytest.raises(ProviderUnavailable, match="within 0.4 s") as caught:
        await model_at(server).generate("x", timeout=0.4)
    assert caught.value.possibly_billed


async def test_nobody_there_is_never_billed_nor_asked_twice() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ProviderUnavailable, match="cannot be reached.*Nothing was sent") as caught:
            await create_llm("google", "gemini-3.8-flash", api_key=KEY, base_url=url).generate("x", timeout=30)
    assert not caught.value.possibly_billed


async def test_a_key_never_shows(everything_logged: pytest.LogCaptureFixture) -> None:
    acts = [Failure(401, "Bad key {key}"), Failure(400, "bad header: {key}"), Failure(500, "config: {key}")]
    with WireServer(GoogleDialect(), *acts, Cut(Answer(KEY), 2)) as server:
        llm = model_at(server)
        errors: list[LLMError] = []
        for _ in range(4):
            with pytest.raises(LLMError) as caught:
                await llm.generate("x")
            errors.append(caught.value)
    logged = logged_by(everything_logged)
    assert len(logged) > 1000
    assert KEY not in "\n".join([*map(shown_by, errors), repr(llm)])
    assert KEY not in logged
