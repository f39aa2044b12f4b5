"""Where requests go: only to the address that was given, and a wrong one is said at once."""

from __future__ import annotations

import pytest

from agnt5.errors import RequestInvalid
from agnt5.llm import LLM, create_llm
from llm.canary import KEY
from llm.wire import Answer, Failure, OpenAIDialect, WireServer
from llm.wire.anthropic import AnthropicDialect
from llm.wire.dialect import Dialect
from llm.wire.google import GoogleDialect

DIALECTS: dict[str, Dialect] = {
    "openai": OpenAIDialect(),
    "azure": OpenAIDialect(),
    "mistral": OpenAIDialect(),
    "anthropic": AnthropicDialect(),
    "google": GoogleDialect(),
}


def model_at(provider: str, address: str) -> LLM:
    return create_llm(provider, "m", api_key=KEY, base_url=address)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("provider", DIALECTS)
async def test_a_redirect_is_told_and_not_followed(provider: str, status: int) -> None:
    with WireServer(DIALECTS[provider]) as other:
        moved = Failure(status, "Moved.", headers={"location": f"{other.url}/elsewhere"})
        with WireServer(DIALECTS[provider], moved) as server:
            with pytest.raises(RequestInvalid, match=rf"redirects \({status}\): {other.url}/elsewhere. Give.*base_url"):
                await model_at(provider, server.url).generate("x")
            assert server.count == 1
        assert other.count == 0  # neither the conversation nor a key went there


@pytest.mark.parametrize("address", ["api.example.com", "ftp://127.0.0.1", "http://"])
@pytest.mark.parametrize("provider", ["openai", "mistral", "anthropic", "google"])
async def test_an_address_that_is_none_is_said(provider: str, address: str) -> None:
    with pytest.raises(RequestInvalid, match="Nothing was sent. Check base_url") as caught:
        await model_at(provider, address).generate("x")
    assert not caught.value.possibly_billed


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
async def test_the_version_may_be_part_of_an_address_of_anthropic(end: str) -> None:
    with WireServer(AnthropicDialect(), Answer("Hi")) as server:
        assert str(await model_at("anthropic", server.url + end).generate("x")) == "Hi"
        assert server.last.path == "/v1/messages"
