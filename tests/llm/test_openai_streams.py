"""Streams of OpenAI and compatible servers: pieces while they come, one whole Reply at the end, or an error."""

from __future__ import annotations

import json
from threading import Event
from typing import Any

import pytest

from agnt5.errors import ContextTooLong, ProviderUnavailable, RateLimited
from agnt5.llm import LLM, Delta, Reply, ToolCall, Usage, create_llm
from llm.canary import KEY
from llm.wire import Answer, Call, Cut, Held, OpenAIDialect, Raw, WireServer, events


def model_at(server: WireServer) -> LLM:
    return create_llm("openai", "gpt-5.4", api_key=KEY, base_url=f"{server.url}/v1")


async def read(llm: LLM, seen: list[Any], **options: Any) -> None:
    async for item in llm.stream("x", **options):
        seen.append(item)


async def test_pieces_and_the_whole() -> None:
    told = Answer("Grüße an alle", thought="hm, so", input=12, output=8, cached=4, reasoning=3, written=2)
    with WireServer(OpenAIDialect(), told, told) as server:
        llm = model_at(server)
        items = [item async for item in llm.stream("x")]
        whole = await llm.generate("x")
    pieces, last = items[:-1], items[-1]
    assert isinstance(last, Reply)
    assert all(isinstance(piece, Delta) for piece in pieces)
    assert len(pieces) > 4
    assert "".join(piece.text for piece in pieces if isinstance(piece, Delta)) == last.text == "Grüße an alle"
    assert "".join(piece.thought for piece in pieces if isinstance(piece, Delta)) == "hm, so"
    assert last.usage == Usage(12, 8, cached=4, reasoning=3, written=2)
    assert last == whole
    assert server.requests[0].json["stream_options"] == {"include_usage": True}


async def test_pieces_arrive_before_the_answer_is_whole() -> None:
    gate = Event()
    with WireServer(OpenAIDialect(), Held(Answer("Hello there"), gate, after=2)) as server:
        stream = model_at(server).stream("x")
        first = await anext(stream)
        assert first == Delta("H")
        gate.set()
        rest = [item async for item in stream]
    assert rest[-1].text == "Hello there"  # pyright: ignore[reportAttributeAccessIssue]


async def test_calls_are_put_together_from_their_pieces() -> None:
    calls = (
        Call("weather", {"city": "Bern", "days": [1, 2]}, id="a"),
        Call("time", {}, id="b"),
        Call("bad", "{", id="c"),
    )
    with WireServer(OpenAIDialect(), Answer("Let me see.", calls)) as server:
        *pieces, whole = [item async for item in model_at(server).stream("x")]
    assert isinstance(whole, Reply)
    assert whole.tool_calls == (
        ToolCall("a", "weather", {"city": "Bern", "days": [1, 2]}),
        ToolCall("b", "time", {}),
        ToolCall("c", "bad", {}, malformed="{"),
    )
    assert whole.finish == "tool_calls"
    assert "".join(piece.text for piece in pieces if isinstance(piece, Delta)) == "Let me see."


async def test_calls_without_numbers_and_ids_are_kept_apart() -> None:
    """As some servers send them: each whole, in a chunk of its own."""
    call = '{"id": "%s", "function": {"name": "f", "arguments": "{\\"n\\": %d}"}}'
    chunk = '{"id": "z", "model": "m", "choices": [{"delta": {"tool_calls": [%s]}, "finish_reason": %s}]}'
    told = events(chunk % (call % ("p", 1), "null"), chunk % (call % ("q", 2), '"stop"'), "[DONE]")
    with WireServer(OpenAIDialect(), told) as server:
        *_, whole = [item async for item in model_at(server).stream("x")]
    assert isinstance(whole, Reply)
    assert whole.tool_calls == (ToolCall("p", "f", {"n": 1}), ToolCall("q", "f", {"n": 2}))
    assert whole.usage == Usage()


def _call(name: str, arguments: Any, **fields: Any) -> dict[str, Any]:
    return {**fields, "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    "pieces",
    [
        [[_call("f", '{"n":1}', index=0, id="p")], [_call("g", '{"n":2}', index=0, id="q")]],
        [[_call("f", '{"n":1}', index=0, id="p"), _call("g", '{"n":2}', index=0, id="q")]],
        [[_call("f", '{"n":1}')], [_call("g", '{"n":2}')]],
        [[_call("f", {"n": 1}, index=0, id="p")], [_call("g", {"n": 2}, index=1, id="q")]],
        [[_call("f", "", index=0, id="p")], [_call("f", '{"n":', index=0, id="p"), _call("g", '{"n":2}', index=1)],
         [_call("f", "1}", index=0, id="p")]],
        [[_call("f", "", index=0, id="p")], [_call("", '{"n":', index=0, id="p2")], [_call("", "1}", index=0, id="p3")],
         [_call("g", '{"n":2}', index=1, id="q")]],
        [[_call("f", "", id="p")], [_call("", '{"n":1}', id="p")], [_call("g", "", id="q")], [_call("", '{"n":2}')]],
        [[_call("g", "", index=1, id="q")], [_call("f", "", index=0, id="p")], [_call("", '{"n":2}', index=1)],
         [_call("", '{"n":1}', index=0)]],
    ],
    ids=["one number", "one number at once", "nothing", "objects", "names again", "new ids", "no numbers", "mixed"],
)  # fmt: skip
async def test_calls_in_the_forms_of_compatible_servers(pieces: list[Any]) -> None:
    deltas = [{"delta": {"tool_calls": piece}, "finish_reason": None} for piece in pieces]
    choices = [*deltas, {"delta": {}, "finish_reason": "tool_calls"}]
    chunks = [json.dumps({"id": "z", "model": "m", "choices": [choice]}) for choice in choices]
    with WireServer(OpenAIDialect(), events(*chunks, "[DONE]")) as server:
        *_, whole = [item async for item in model_at(server).stream("x")]
    assert isinstance(whole, Reply)
    assert [(call.name, call.arguments, call.malformed) for call in whole.tool_calls] == [
        ("f", {"n": 1}, ""),
        ("g", {"n": 2}, ""),
    ]
    assert len({call.id for call in whole.tool_calls}) == 2


async def test_contents_counts_and_thoughts_in_forms_of_their_own() -> None:
    delta = {"content": ["Let me ", {"type": "text", "text": "see."}], "reasoning": {"steps": 3}}
    told = {"model": "m", "choices": [{"delta": delta, "finish_reason": "stop"}], "usage": {"prompt_tokens": "many"}}
    with WireServer(OpenAIDialect(), events(told, "[DONE]")) as server:
        *_, whole = [item async for item in model_at(server).stream("x")]
    assert isinstance(whole, Reply)
    assert (whole.text, whole.usage) == ("Let me see.", Usage())


async def test_of_several_answers_that_come_mixed_the_first_is_taken() -> None:
    chunk = '{"id": "z", "model": "m", "choices": [{"index": %d, "delta": {"content": "%s"}, "finish_reason": %s}]}'
    told = [chunk % one for one in ((0, "A", "null"), (1, "B", "null"), (0, "a", "null"), (1, "", '"length"'))]
    with WireServer(OpenAIDialect(), events(*told, chunk % (0, "", '"stop"'))) as server:
        *_, whole = [item async for item in model_at(server).stream("x", n=2)]
    assert isinstance(whole, Reply)
    assert (whole.text, whole.finish) == ("Aa", "stop")


@pytest.mark.parametrize(
    ("act", "text"),
    [
        (Raw(b"<html>Welcome</html>", content_type="text/html"), "it is no stream.*check base_url"),
        (Raw(b'{"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}'), "it is no stream"),
        (events('{"id": "z", "choices": [{"delta": {"content": "Hi"}, "finish_reason": "error"}]}'), "with an error"),
    ],
    ids=["a page", "no stream", "an error"],
)
async def test_what_is_no_answer_is_not_taken_for_one(act: Raw, text: str) -> None:
    with WireServer(OpenAIDialect(), act) as server, pytest.raises(ProviderUnavailable, match=text) as caught:
        _ = [item async for item in model_at(server).stream("x")]
    assert caught.value.possibly_billed


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_a_connection_cut_in_mid_stream_gives_no_reply(after: int) -> None:
    with WireServer(OpenAIDialect(), Cut(Answer("Hello there"), after)) as server:
        seen: list[Any] = []
        with pytest.raises(ProviderUnavailable, match="openai/gpt-5.4 broke before the answer was whole") as caught:
            await read(model_at(server), seen)
    assert caught.value.possibly_billed
    assert not any(isinstance(item, Reply) for item in seen)
    assert server.count == 1


async def test_a_stream_that_ends_without_its_end_gives_no_reply() -> None:
    piece = '{"id": "z", "model": "m", "choices": [{"delta": {"content": "half"}, "finish_reason": null}]}'
    with WireServer(OpenAIDialect(), events(piece, "[DONE]"), events(piece)) as server:
        for _ in range(2):
            with pytest.raises(ProviderUnavailable, match="before the answer was whole") as caught:
                _ = [item async for item in model_at(server).stream("x")]
            assert caught.value.possibly_billed


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("rate_limit_exceeded", RateLimited),
        ("context_length_exceeded", ContextTooLong),
        ("server_error", ProviderUnavailable),
        (429, RateLimited),
        (502, ProviderUnavailable),
    ],
)
async def test_an_error_told_in_mid_stream(code: str | int, kind: type[Exception]) -> None:
    piece = '{"id": "z", "model": "m", "choices": [{"delta": {"content": "half"}, "finish_reason": null}]}'
    told = events(piece, json.dumps({"error": {"message": "It did not work.", "code": code}}))
    with WireServer(OpenAIDialect(), told) as server, pytest.raises(kind, match="It did not work") as caught:
        _ = [item async for item in model_at(server).stream("x")]
    assert caught.value.possibly_billed  # pyright: ignore[reportAttributeAccessIssue]


async def test_a_reader_may_leave_in_the_middle() -> None:
    with WireServer(OpenAIDialect(), Held(Answer("Hello there"), Event(), after=3), Answer("again")) as server:
        llm = model_at(server)
        stream = llm.stream("x")
        async for item in stream:
            assert item == Delta("H")
            break
        await stream.aclose()  # pyright: ignore[reportAttributeAccessIssue]
        assert (await llm.generate("x")).text == "again"


async def test_a_stream_that_stops_talking_is_left_in_time() -> None:
    with WireServer(OpenAIDialect(), Held(Answer("Hello there"), Event(), after=2)) as server:
        seen: list[Any] = []
        with pytest.raises(ProviderUnavailable, match="did not answer within 0.5 s.*may be billed") as caught:
            await read(model_at(server), seen, timeout=0.5)
    assert seen == [Delta("H")]
    assert caught.value.possibly_billed
