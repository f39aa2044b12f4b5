"""Streams of Anthropic's and Google's protocols that leave out or number things as their makers' servers do not."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from agnt5.errors import ProviderUnavailable
from agnt5.llm import Reply, ToolCall, Usage, create_llm
from llm.canary import KEY
from llm.wire import OpenAIDialect, WireServer, events
from llm.wire.anthropic import AnthropicDialect
from llm.wire.google import GoogleDialect

BEGUN: dict[str, Any] = {"type": "message_start", "message": {"id": "m", "content": []}}
ENDED: dict[str, Any] = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
CALLED: dict[str, Any] = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}}
OVER: dict[str, Any] = {"type": "message_stop"}


def block(index: int, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": fields}


def piece(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


async def anthropic_says(*told: dict[str, Any]) -> Reply:
    with WireServer(AnthropicDialect(), events(*told)) as server:
        return await create_llm("anthropic", "m", api_key=KEY, base_url=server.url).generate("x")


async def google_says(*parts: dict[str, Any]) -> Reply:
    chunks: list[dict[str, Any]] = [{"candidates": [{"content": {"parts": [part]}}]} for part in parts]
    chunks[-1]["candidates"][0]["finishReason"] = "STOP"
    with WireServer(GoogleDialect(), events(*chunks)) as server:
        return await create_llm("google", "m", api_key=KEY, base_url=server.url).generate("x")


async def test_what_is_not_counted_counts_nothing() -> None:
    hi = block(0, type="text", text=""), piece(0, "text_delta", text="Hi")
    reply = await anthropic_says(BEGUN, *hi, ENDED, OVER)
    assert (reply.text, reply.usage, reply.model) == ("Hi", Usage(), "m")
    counted = {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}}
    assert (await anthropic_says(counted, *hi, {**ENDED, "usage": None}, OVER)).usage == Usage(3, 1)


async def test_blocks_are_told_apart_by_their_numbers() -> None:
    reply = await anthropic_says(
        BEGUN,
        block(4, type="tool_use", id="b", name="g", input={}),
        block(2, type="tool_use", name="f", input={}),
        piece(4, "input_json_delta", partial_json='{"n":2}'),
        piece(2, "input_json_delta", partial_json='{"n":1}'),
        CALLED,
        OVER,
    )
    assert reply.tool_calls == (ToolCall("toolu_m_2", "f", {"n": 1}), ToolCall("b", "g", {"n": 2}))


async def test_blocks_that_nobody_knows_are_left_in_peace() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the SDK's model of the stream warns of them
        reply = await anthropic_says(
            BEGUN,
            block(0, type="brand_new", what=1),
            piece(0, "brand_new_delta", more=2),
            piece(1, "text_delta", text="Hi"),
            ENDED,
            OVER,
        )
    assert reply.text == "Hi"


async def test_a_piece_without_a_kind_is_said() -> None:
    kindless = {"type": "content_block_delta", "index": 0, "delta": {"text": "Hi"}}
    with pytest.raises(ProviderUnavailable, match="'type' is missing.*check base_url") as caught:
        await anthropic_says(BEGUN, block(0, type="text", text=None), kindless, ENDED, OVER)
    assert caught.value.possibly_billed
    assert caught.value.__cause__ is caught.value.__context__ is None


async def test_parts_that_the_sdk_does_not_know_are_not_sent_back_and_wrong_ones_are_said() -> None:
    assert (await google_says({"smell": "roses"}, {"text": "x"})).message.vendor == {}
    with pytest.raises(ProviderUnavailable, match="no answer.*check base_url"):
        await google_says({"text": 5})


async def test_an_error_may_be_a_text() -> None:
    with pytest.raises(ProviderUnavailable, match="out of order .500.: It broke"):
        await anthropic_says(BEGUN, {"type": "error", "error": "It broke."})


async def test_parts_may_be_empty() -> None:
    reply = await google_says({"text": "a"}, {}, {"thought": True}, {"thought": True, "text": "hm"}, {"text": "b"})
    assert reply.text == "ab"
    assert (await google_says({}, {"text": "a"}, {})).text == "a"


async def test_halves_of_a_character_in_two_pieces_are_one_in_the_answer() -> None:
    one = '{"id": "z", "model": "m", "choices": [{"delta": {"content": "%s"}, "finish_reason": %s}]}'
    chunks = one % (r"\ud83d", "null"), one % (r"\ude00", "null"), one % (r"\ud83d", '"stop"')
    with WireServer(OpenAIDialect(), events(*chunks)) as server:
        llm = create_llm("openai", "m", api_key=KEY, base_url=f"{server.url}/v1")
        *_, whole = [item async for item in llm.stream("x")]
    assert isinstance(whole, Reply)
    assert whole.text == "\N{GRINNING FACE}\ud83d"  # a lone half stays as it was told
