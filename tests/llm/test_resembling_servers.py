"""Servers that only resemble a provider's: what they leave out or bend is made up for, or is an error in words."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from agnt5.errors import LLMError, ProviderUnavailable, RateLimited
from agnt5.llm import Reply, ToolCall, Usage, create_llm
from llm.canary import KEY
from llm.wire import OpenAIDialect, Raw, WireServer, events
from llm.wire.anthropic import AnthropicDialect
from llm.wire.dialect import Dialect
from llm.wire.google import GoogleDialect

DIALECTS: dict[str, tuple[type[Dialect], str, str]] = {
    "openai": (OpenAIDialect, "gpt-5.4", "/v1"),
    "anthropic": (AnthropicDialect, "claude-sonnet-5-5", ""),
    "google": (GoogleDialect, "gemini-3.8-flash", ""),
}


async def answered(provider: str, act: Raw, *, stream: bool = True) -> Reply:
    dialect, model, path = DIALECTS[provider]
    with WireServer(dialect(), act) as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        llm = create_llm(provider, model, api_key=KEY, base_url=f"{server.url}{path}")
        if not stream:
            return await llm.generate("x")
        *_, last = [item async for item in llm.stream("x")]
    assert isinstance(last, Reply)
    return last


async def failed(provider: str, act: Raw, kind: type[LLMError], text: str, *, stream: bool = True) -> None:
    with pytest.raises(kind, match=text) as caught:
        await answered(provider, act, stream=stream)
    assert caught.value.possibly_billed
    assert caught.value.__cause__ is caught.value.__context__ is None


# OpenAI's protocol


def piece(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"id": "z", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def called(index: int | None, identity: str | None, name: str | None, arguments: Any) -> list[dict[str, Any]]:
    return [{"index": index, "id": identity, "function": {"name": name, "arguments": arguments}}]


async def test_calls_that_all_have_the_same_number_are_kept_apart() -> None:
    told = [
        piece(tool_calls=called(0, "a", "f", '{"n": 1}')),
        piece(tool_calls=called(0, "b", "f", '{"n"')),
        piece("tool_calls", tool_calls=called(0, None, None, ": 2}")),
    ]
    reply = await answered("openai", events(*told, "[DONE]"))
    assert reply.tool_calls == (ToolCall("a", "f", {"n": 1}), ToolCall("b", "f", {"n": 2}))


@pytest.mark.parametrize("again", [("a", "look"), ("a", None), ("new", None)])
async def test_what_a_piece_of_a_call_says_again_is_no_new_call(again: tuple[str, str | None]) -> None:
    first = piece(tool_calls=called(0, "a", "look", '{"n"'))
    reply = await answered("openai", events(first, piece("tool_calls", tool_calls=called(0, *again, ": 2}")), "[DONE]"))
    assert reply.tool_calls == (ToolCall("a", "look", {"n": 2}),)


async def test_arguments_come_as_an_object_and_contents_as_lists_of_texts() -> None:
    told = piece("tool_calls", content=["Let me ", "see."], tool_calls=called(0, "a", "f", {"n": [1]}))
    reply = await answered("openai", events(told | {"usage": {"prompt_tokens": "many"}}, "[DONE]"))
    assert (reply.text, reply.tool_calls, reply.usage) == ("Let me see.", (ToolCall("a", "f", {"n": [1]}),), Usage())


@pytest.mark.parametrize("stream", [True, False])
async def test_an_error_with_a_status_of_200_is_told_by_its_number(stream: bool) -> None:
    told = {"error": {"message": "Slow down.", "code": 429}}
    act = events(piece(content="half"), told) if stream else Raw(b'{"error": {"message": "Slow down.", "code": 429}}')
    await failed("openai", act, RateLimited, "Slow down", stream=stream)


async def test_thoughts_that_are_no_text_are_left_out() -> None:
    assert (await answered("openai", events(piece("stop", content="x", reasoning={"steps": 3}), "[DONE]"))).text == "x"


# Anthropic's

BEGIN: dict[str, Any] = {"type": "message_start", "message": {"id": "m", "role": "assistant", "content": []}}
HELLO: list[dict[str, Any]] = [
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": None}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "hello"}},
]
ENDED: list[dict[str, Any]] = [
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    {"type": "message_stop"},
]


async def test_an_answer_without_counts_model_and_first_blocks() -> None:
    reply = await answered("anthropic", events(BEGIN, *HELLO, *ENDED))
    assert (reply.text, reply.usage, reply.model) == ("hello", Usage(), "claude-sonnet-5-5")


async def test_a_kind_of_piece_that_is_not_known_is_passed_over_in_silence() -> None:
    new = {"type": "content_block_delta", "index": 1, "delta": {"type": "smell_delta", "smell": "roses"}}
    assert (await answered("anthropic", events(BEGIN, *HELLO, new, *ENDED))).text == "hello"


async def test_a_piece_of_nothing_and_an_error_without_a_kind() -> None:
    await failed("anthropic", events(BEGIN, HELLO[1], *ENDED), ProviderUnavailable, "no answer.*check base_url")
    nameless = {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "input": {}}}
    await failed("anthropic", events(BEGIN, nameless, *ENDED), ProviderUnavailable, "'id' is missing")
    await failed("anthropic", events(BEGIN, {"type": "error", "error": "Full."}), ProviderUnavailable, "Full")


# Google's


def candidate(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}]}


async def test_parts_that_the_sdk_does_not_know_are_not_sent_back() -> None:
    reply = await answered("google", events(candidate({"smell": "roses"}, {"text": "x"})))
    assert (reply.text, reply.message.vendor) == ("x", {})


async def test_parts_that_are_none() -> None:
    await failed("google", events(candidate({"functionCall": {"args": {}}})), ProviderUnavailable, "'name' is missing")
    await failed("google", events(candidate({"text": 5})), ProviderUnavailable, "no answer.*check base_url")
