"""Azure in both forms, Mistral and Together: where they differ from OpenAI, through the same real SDK."""

from __future__ import annotations

from typing import Any

import pytest

from agnt5 import Secret
from agnt5.errors import ConfigurationError, ContentRefused, ProviderAuthError, RateLimited, RequestInvalid
from agnt5.llm import LanguageModelType, Message, Reply, ToolCall, ToolSpec, create_llm, find_llm
from agnt5.llm.mistral import call_id
from llm.canary import KEY, shown_by
from llm.wire import Answer, Call, Failure, OpenAIDialect, Raw, Vectors, WireServer, limited, unauthorized

CALLED = [
    Message("user", "Weather?", name="ada"),
    Message("assistant", "", (ToolCall("toolu_01A09q90qw90lq917835lq9", "weather", {}),)),
    Message("tool", "sunny", tool_call_id="toolu_01A09q90qw90lq917835lq9"),
]
WEATHER = ToolSpec("weather", "The weather.", {"type": "object", "properties": {}})


# Azure


async def test_azure_with_deployments_and_an_api_version() -> None:
    with WireServer(OpenAIDialect(), Answer("x", model="gpt-4.1"), Vectors(((1.0,),))) as server:
        llm = create_llm("azure", "my-deployment", api_key=KEY, base_url=f"{server.url}/", api_version="2024-10-21")
        reply = await llm.generate("x", max_tokens=9)
        await llm.embed("x")
    assert server.requests[0].path == "/openai/deployments/my-deployment/chat/completions"
    assert server.requests[1].path == "/openai/deployments/my-deployment/embeddings"
    assert server.requests[0].query == {"api-version": "2024-10-21"}
    assert server.requests[0].headers["api-key"] == KEY
    assert server.requests[0].json["max_completion_tokens"] == 9
    assert (reply.provider, reply.model) == ("azure", "gpt-4.1")
    assert reply.cost is None  # the answer does not tell what kind of deployment it came from


@pytest.mark.parametrize("ending", ["", "/", "/openai/v1", "/openai/v1/"])
async def test_azure_with_the_v1_endpoint(ending: str) -> None:
    with WireServer(OpenAIDialect(), Answer("x")) as server:
        await create_llm("azure", "my-deployment", api_key=KEY, base_url=server.url + ending).generate("x")
    assert server.last.path == "/openai/v1/chat/completions"
    assert server.last.query == {}
    assert server.last.json["model"] == "my-deployment"
    assert server.last.headers["authorization"] == f"Bearer {KEY}"


async def test_azure_from_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    with WireServer(OpenAIDialect(), Answer("x"), Answer("x"), Answer("x")) as server:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.url)
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
        await create_llm(LanguageModelType.AZURE, "d").generate("x")
        monkeypatch.setenv("OPENAI_API_VERSION", "2024-10-21")
        await create_llm(LanguageModelType.AZURE, "d").generate("x")
        monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", f"{KEY}-token")
        await create_llm(LanguageModelType.AZURE, "d").generate("x")
    v1, classic, token = server.requests
    assert (v1.path, v1.query) == ("/openai/v1/chat/completions", {})
    assert classic.query == {"api-version": "2024-10-21"}
    assert classic.headers["api-key"] == KEY
    assert token.headers["authorization"] == f"Bearer {KEY}-token"


@pytest.mark.parametrize("options", [{}, {"api_version": "2024-10-21"}])
async def test_azure_with_a_token_of_entra(options: dict[str, Any]) -> None:
    with WireServer(OpenAIDialect(), Answer("x"), unauthorized()) as server:
        llm = create_llm("azure", "d", azure_ad_token=Secret("ENTRA", KEY), base_url=server.url, **options)
        await llm.generate("x")
        with pytest.raises(ProviderAuthError) as caught:
            await llm.generate("x")
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in shown_by(caught.value)


async def test_what_azure_needs_is_named() -> None:
    with pytest.raises(ConfigurationError, match="AZURE_OPENAI_ENDPOINT, or give base_url="):
        await create_llm("azure", "d", api_key=KEY).generate("x")
    with pytest.raises(ProviderAuthError, match="AZURE_OPENAI_API_KEY.* give api_key=.*AZURE_OPENAI_AD_TOKEN"):
        await create_llm("azure", "d", base_url="http://127.0.0.1:1").generate("x")
    with pytest.raises(ConfigurationError, match="not both"):
        create_llm("azure", "d", api_key=KEY, azure_ad_token=KEY)


async def test_the_filter_of_azure_is_a_refusal() -> None:
    body = b"""{"error": {"message": "The prompt was filtered.", "type": null, "code": "content_filter", "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation"}}}"""
    with (
        WireServer(OpenAIDialect(), Raw(body, 400)) as server,
        pytest.raises(ContentRefused, match="azure/d declined the content .*filtered"),
    ):
        await create_llm("azure", "d", api_key=KEY, base_url=server.url).generate("x")


# Mistral


async def test_mistral_takes_short_ids_and_no_names() -> None:
    with WireServer(OpenAIDialect(), Answer("x", model="mistral-large-2512", input=1_000_000)) as server:
        reply = await create_llm("mistral", "mistral-large-latest", api_key=KEY, base_url=f"{server.url}/v1").generate(
            CALLED, tools=[WEATHER], max_tokens=5
        )
    user, called, answered = server.last.json["messages"]
    assert user == {"role": "user", "content": "Weather?"}
    assert called["tool_calls"][0]["id"] == answered["tool_call_id"] == call_id(CALLED[2].tool_call_id)
    assert server.last.json["max_tokens"] == 5
    assert reply.cost == pytest.approx(0.5 + 7 * 1.5 / 1_000_000)


def test_ids_for_mistral_have_nine_letters_and_stay_the_same() -> None:
    assert call_id("abcDEF012") == "abcDEF012"
    made = {call_id(f"toolu_{number}") for number in range(1000)}
    assert len(made) == 1000
    assert all(len(one) == 9 and one.isalnum() and one.isascii() for one in made)
    assert call_id("toolu_1") == call_id("toolu_1")


async def test_mistral_streams_thoughts_in_parts_and_always_counts() -> None:
    thinking = '{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}'
    chunk = '{"id": "z", "model": "m", "choices": [{"delta": {"content": %s}, "finish_reason": %s}], "usage": %s}'
    body = "".join(
        f"data: {chunk % parts}\n\n"
        for parts in [
            (f"[{thinking}]", "null", "null"),
            ('[{"type": "text", "text": "Hi"}]', "null", "null"),
            ('" you"', '"stop"', '{"prompt_tokens": 3, "completion_tokens": 2}'),
        ]
    )
    with WireServer(
        OpenAIDialect(), Raw(f"{body}data: [DONE]\n\n".encode(), content_type="text/event-stream")
    ) as server:
        llm = create_llm("mistral", "magistral-medium-latest", api_key=KEY, base_url=f"{server.url}/v1")
        *pieces, whole = [item async for item in llm.stream("x")]
    assert isinstance(whole, Reply)
    assert [(piece.text, piece.thought) for piece in pieces] == [("", "hm"), ("Hi", ""), (" you", "")]  # pyright: ignore
    assert (whole.text, whole.usage.input, whole.usage.output) == ("Hi you", 3, 2)
    assert "stream_options" not in server.last.json


@pytest.mark.parametrize(
    ("body", "status", "kind", "text"),
    [
        (b'{"message": "Unauthorized", "request_id": "r"}', 401, ProviderAuthError, "Unauthorized"),
        (b'{"object": "error", "message": "Slow down.", "type": "rate_limited"}', 429, RateLimited, "Slow down"),
        (b'{"detail": [{"type": "missing", "msg": "Field required"}]}', 422, RequestInvalid, "Field required"),
    ],
)
async def test_errors_in_the_forms_of_mistral(body: bytes, status: int, kind: type[Exception], text: str) -> None:
    with WireServer(OpenAIDialect(), Raw(body, status)) as server, pytest.raises(kind, match=text):
        await create_llm("mistral", "m", api_key=KEY, base_url=f"{server.url}/v1").generate("x")


# Together


async def test_together_is_told_the_schema_in_words_too() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    with WireServer(OpenAIDialect(), Answer('{"city": "Bern"}'), Answer('{"city": "Bern"}')) as server:
        llm = create_llm("together", "openai/gpt-oss-120b", api_key=KEY, base_url=f"{server.url}/v1")
        await llm.generate([Message("system", "Be brief."), "Where?"], response_format=schema)
        reply = await llm.generate("Where?", response_format=schema, max_tokens=5)
    system, user = server.requests[0].json["messages"]
    assert system["content"].startswith("Be brief.\n\nAnswer with JSON only")
    assert user == {"role": "user", "content": "Where?"}
    assert reply.output == {"city": "Bern"}
    assert server.last.json["messages"][0]["role"] == "system"
    assert '"city"' in server.last.json["messages"][0]["content"]
    assert server.last.json["response_format"]["type"] == "json_schema"
    assert server.last.json["max_tokens"] == 5
    assert reply.cost == pytest.approx((11 * 0.15 + 7 * 0.6) / 1_000_000)


# All


@pytest.mark.parametrize("provider", ["openai", "mistral", "together"])
async def test_keys_come_from_the_providers_variable(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = f"{provider.upper()}_API_KEY"
    with WireServer(OpenAIDialect(), Answer("x"), unauthorized()) as server:
        with pytest.raises(ProviderAuthError, match=f"{provider}/m needs a key.*{variable}"):
            await create_llm(provider, "m").generate("x")
        monkeypatch.setenv(variable, f"{KEY}\n")  # with the line end that files have
        llm = create_llm(provider, "m", base_url=f"{server.url}/v1")
        await llm.generate("x")
        with pytest.raises(ProviderAuthError, match=variable) as caught:
            await llm.generate("x")
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in shown_by(caught.value)


@pytest.mark.parametrize("provider", ["mistral", "together"])
async def test_others_are_not_told_the_organisation_at_openai(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    with WireServer(OpenAIDialect(), Answer("x"), Answer("x")) as server:
        for name in (provider, "openai"):
            await create_llm(name, "m", api_key=KEY, base_url=f"{server.url}/v1").generate("x")
    others, openai = server.requests
    assert "openai-organization" not in others.headers
    assert "openai-project" not in others.headers
    assert openai.headers["openai-organization"] == "org-1"


async def test_openai_by_its_own_variable_for_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with WireServer(OpenAIDialect(), Answer("x")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        assert (await find_llm("openai/small").generate("x", max_tokens=3)).text == "x"
    assert server.last.json["max_tokens"] == 3


@pytest.mark.parametrize("provider", ["openai", "azure", "mistral", "together"])
async def test_a_rate_limit_of_one_is_a_rate_limit_of_all(provider: str) -> None:
    with WireServer(OpenAIDialect(), limited(5), Failure(429, "No money.", code="insufficient_quota")) as server:
        llm = create_llm(provider, "m", api_key=KEY, base_url=f"{server.url}/openai/v1")
        with pytest.raises(RateLimited) as caught:
            await llm.generate("x")
    assert (caught.value.provider, caught.value.retry_after) == (provider, 5)


@pytest.mark.parametrize("provider", ["openai", "azure", "mistral", "together"])
@pytest.mark.parametrize("told", [Answer("Good day."), Answer("So:", (Call("f", {"a": 1}),))], ids=["text", "calls"])
async def test_streams_of_all_give_what_whole_answers_give(provider: str, told: Answer) -> None:
    with WireServer(OpenAIDialect(), told, told) as server:
        llm = create_llm(provider, "m", api_key=KEY, base_url=f"{server.url}/openai/v1")
        whole = await llm.generate("x", tools=[WEATHER])
        *_, last = [item async for item in llm.stream("x", tools=[WEATHER])]
    assert isinstance(last, Reply)
    assert last.message == whole.message
    assert last.finish == whole.finish
