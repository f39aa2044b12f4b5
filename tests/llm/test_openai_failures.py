"""What goes wrong with OpenAI and compatible servers, as errors that say what happened and what to do; and no key."""

from __future__ import annotations

import asyncio
import datetime
import email.utils
import socket
from typing import Any

import pytest

from agnt5 import Context, Secret, flow, function
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
from agnt5.llm import LLM, Message, Reply, create_llm, limit_model
from llm.canary import KEY, logged_by, shown_by
from llm.wire import (
    Act,
    Answer,
    Call,
    Cut,
    Delayed,
    Failure,
    OpenAIDialect,
    Raw,
    WireServer,
    broken,
    garbage,
    hang,
    limited,
    overloaded,
    unauthorized,
)

TOO_LONG = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."


def model_at(server: WireServer, **options: Any) -> LLM:
    return create_llm("openai", "gpt-5.4", base_url=f"{server.url}/v1", **{"api_key": KEY, **options})


async def failure_of(llm: LLM, stream: bool = False, **options: Any) -> LLMError:
    async def ask() -> None:
        if stream:
            _ = [item async for item in llm.stream("x", **options)]
        else:
            await llm.generate("x", **options)

    with pytest.raises(LLMError) as caught:
        await ask()
    return caught.value


MEANINGS: list[tuple[Act, type[LLMError], int, bool, str]] = [
    (unauthorized(), ProviderAuthError, 401, False, "refused the key .* set OPENAI_API_KEY, or give api_key="),
    (Failure(403, "Country not supported."), ProviderAuthError, 403, False, "Country not supported"),
    (limited(), RateLimited, 429, False, "too many requests"),
    (
        Failure(429, "You exceeded your current quota.", code="insufficient_quota"),
        *(ProviderAuthError, 429, False, "no credit left .* waiting does not help"),
    ),
    (Failure(400, TOO_LONG, code="context_length_exceeded"), ContextTooLong, 400, False, "9000 tokens.*older messages"),
    (Failure(400, TOO_LONG), ContextTooLong, 400, False, "too long for openai/gpt-5.4"),
    (Failure(400, "the request exceeds the available context size", kind="exceed_context_size_error"),
     ContextTooLong, 400, False, "too long"),
    (Failure(400, "Filtered.", code="content_filter"), ContentRefused, 400, False, "declined the content"),
    (broken(), ProviderUnavailable, 500, False, "out of order .*The server had an error"),
    (broken(503, "Busy."), ProviderUnavailable, 503, False, "Busy"),
    (overloaded(), ProviderUnavailable, 529, False, "overloaded"),
    (broken(504), ProviderUnavailable, 504, True, "out of order"),
    (Failure(499, "The client closed the request."), ProviderUnavailable, 499, True, "out of order"),
    (Raw(b'[{"error": {"message": "Told in a list."}}]', 503), ProviderUnavailable, 503, False, "Told in a list"),
    (Failure(404, "The model does not exist.", code="model_not_found"), RequestInvalid, 404, False, "was not found"),
    (Failure(400, "Unknown parameter: 'x'."), RequestInvalid, 400, False, "did not take .*Unknown parameter"),
    (Raw(b"<html>Bad gateway</html>", 502, "text/html"), ProviderUnavailable, 502, False, "Bad gateway"),
    (garbage(), ProviderUnavailable, 200, True, "no answer.*check base_url"),
    (Raw(b"<html>hello</html>", 200, "text/html"), ProviderUnavailable, 200, True, "no answer.*check base_url"),
    (Raw(b"{}"), ProviderUnavailable, 200, True, "it has no message"),
    (Raw(b'{"choices": []}'), ProviderUnavailable, 200, True, "it has no message"),
    (Raw(b'{"error": {"message": "No more", "code": 429}}'), RateLimited, 429, True, "too many requests.*No more"),
    (Raw(b'{"error": "Full."}'), ProviderUnavailable, 500, True, "out of order.*Full"),
    (Cut(unauthorized(), 1), ProviderUnavailable, 0, True, "broke before the answer was whole"),
    (Cut(Answer("x"), 0), ProviderUnavailable, 0, True, "broke before the answer was whole"),
    (Cut(Answer("x"), 1), ProviderUnavailable, 0, True, "broke before the answer was whole"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "kind", "status", "billed", "text"), MEANINGS, ids=lambda one: str(one)[:40])
async def test_what_a_refusal_means(act: Act, kind: type[LLMError], status: int, billed: bool, text: str) -> None:
    with WireServer(OpenAIDialect(), act) as server:
        error = await failure_of(model_at(server))
    assert type(error) is kind
    assert (error.provider, error.model, error.status) == ("openai", "gpt-5.4", status)
    assert error.possibly_billed is billed
    assert "openai/gpt-5.4" in str(error)
    with pytest.raises(kind, match=text):
        raise error
    assert server.count == 1  # nobody asked twice


@pytest.mark.parametrize(("act", "kind"), [(one[0], one[1]) for one in MEANINGS[:16]], ids=lambda one: str(one)[:40])
async def test_a_refusal_means_the_same_for_a_stream(act: Act, kind: type[LLMError]) -> None:
    with WireServer(OpenAIDialect(), act) as server:
        assert type(await failure_of(model_at(server), stream=True)) is kind


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"retry-after": "7"}, 7, 7),
        ({"retry-after": "0.5"}, 0.5, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5, 1.5),
        ({"retry-after": email.utils.format_datetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1))},
         3600, 86401),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0, 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [429, 503])
async def test_when_to_come_back(status: int, headers: dict[str, str], low: float, high: float) -> None:
    with WireServer(OpenAIDialect(), Failure(status, "Later.", headers=headers)) as server:
        error = await failure_of(model_at(server))
    assert isinstance(error, RateLimited | ProviderUnavailable)
    assert error.retry_after is not None
    assert low <= error.retry_after <= high


@pytest.mark.parametrize("said", ["soon", "nan", "inf", ""])
async def test_a_time_that_is_none_is_not_believed(said: str) -> None:
    with WireServer(OpenAIDialect(), limited(said)) as server:
        error = await failure_of(model_at(server))
    assert isinstance(error, RateLimited)
    assert error.retry_after is None


async def test_nobody_there_is_never_billed() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        llm = create_llm("openai", "gpt-5.4", api_key=KEY, base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        for stream in (False, True):
            error = await failure_of(llm, stream)
            assert type(error) is ProviderUnavailable
            assert not error.possibly_billed
            assert "cannot be reached" in str(error)
            assert "Nothing was sent" in str(error)


@pytest.mark.parametrize("act", [hang(), hang(Answer("x"), after=1)])
async def test_silence_after_the_request_left_may_be_billed(act: Act) -> None:
    with WireServer(OpenAIDialect(), act) as server:
        error = await failure_of(model_at(server), timeout=0.4)
    assert type(error) is ProviderUnavailable
    assert error.possibly_billed
    assert "within 0.4 s" in str(error)


async def test_the_time_of_the_sdk_itself_is_understood() -> None:
    with WireServer(OpenAIDialect(), hang()) as server:
        llm = model_at(server)
        client = await llm._clients.here()  # pyright: ignore
        client.timeout = 0.3
        error = await failure_of(llm)
    assert type(error) is ProviderUnavailable
    assert error.possibly_billed


async def test_a_key_never_shows(everything_logged: pytest.LogCaptureFixture) -> None:
    quoting = [
        unauthorized(),
        unauthorized("x" * 590 + " {key}"),  # the text is cut here, in the middle of the key
        Failure(400, "bad header: Bearer {key}"),
        Failure(500, "config: {key}"),
        limited(1, "key {key} is limited"),
    ]
    torn = b"x" * 60 + KEY.encode()  # what is no JSON is quoted up to a place in the middle of the key
    acts = [act for act in quoting for _ in range(2)]
    with WireServer(
        OpenAIDialect(), *acts, Raw(KEY.encode()), Raw(torn), Cut(Answer(KEY), 1), Answer("fine")
    ) as server:
        llm = model_at(server, api_key=Secret("MY_KEY", KEY))
        errors = [await failure_of(llm, stream) for _ in quoting for stream in (False, True)]
        errors += [await failure_of(llm) for _ in range(3)]
        await llm.generate("x")
        assert all(KEY in repr(one.headers) for one in server.requests)
        key = getattr(llm, "_key")  # noqa: B009
    shown = "\n".join([*map(shown_by, errors), repr(llm), repr(key), str(key)])
    logged = logged_by(everything_logged)
    assert len(logged) > 1000
    for word in (KEY, KEY[:20]):
        assert word not in shown
        assert word not in logged


async def test_errors_hold_on_to_nothing_of_the_sdk() -> None:
    with WireServer(OpenAIDialect(), unauthorized()) as server:
        error = await failure_of(model_at(server))
    assert error.__cause__ is None
    assert error.__context__ is None


async def test_a_refusal_that_says_when_holds_all_callers_of_that_model() -> None:
    with WireServer(OpenAIDialect(), limited(3600), Answer("a"), Answer("b")) as server:
        llm, other = model_at(server), create_llm("openai", "o3", api_key=KEY, base_url=f"{server.url}/v1")
        assert isinstance(await failure_of(llm), RateLimited)
        held = [asyncio.create_task(llm.generate("x")) for _ in range(3)]
        assert [str(await other.generate("x")) for _ in range(2)] == ["a", "b"]  # another model goes on at once
        assert not any(task.done() for task in held)
        assert [one.json["model"] for one in server.requests] == ["gpt-5.4", "o3", "o3"]
        for task in held:
            task.cancel()
        await asyncio.wait(held)


async def test_held_callers_go_on_when_the_time_has_come() -> None:
    with WireServer(OpenAIDialect(), limited(0.2), Answer("a"), Answer("a")) as server:
        llm = model_at(server)
        assert isinstance(await failure_of(llm), RateLimited)
        assert [str(one) for one in await asyncio.gather(llm.generate("x"), llm.generate("x"))] == ["a", "a"]


async def test_hundreds_of_callers_reach_the_server_a_few_at_a_time() -> None:
    limit_model("openai/gpt-5.4", concurrency=3)
    with WireServer(OpenAIDialect(), lambda _: Delayed(Answer("x"), 0.005)) as server:
        llm = model_at(server)
        replies = await asyncio.gather(*(llm.generate(str(number)) for number in range(200)))
        assert len(replies) == server.count == 200
    assert server.peak == 3


async def test_a_long_wait_that_a_provider_asks_for_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with WireServer(OpenAIDialect(), limited(600)) as server:
        assert isinstance(await failure_of(model_at(server)), RateLimited)
    assert "openai/gpt-5.4 asks to come back in 600 s; until then all its callers here wait" in caplog.text


async def test_waiting_for_a_turn_is_no_part_of_the_time_limit() -> None:
    limit_model("openai/gpt-5.4", concurrency=1)
    with WireServer(OpenAIDialect(), lambda _: Delayed(Answer("x"), 0.25)) as server:
        llm = model_at(server)

        async def one() -> str:
            return "".join([str(item) async for item in llm.stream("x", timeout=1.0) if isinstance(item, Reply)])

        assert await asyncio.gather(*(one() for _ in range(6))) == ["x"] * 6
        assert server.count == 6


async def test_a_thousand_chats_in_a_spawn_storm_nobody() -> None:
    with WireServer(OpenAIDialect(), *[limited(0.1)] * 40, lambda _: Answer("x")) as server:
        llm = model_at(server)

        @function
        async def ask(ctx: Context, number: int) -> str:
            return str(await ctx.chat(f"Question {number}", llm=llm))

        @flow
        async def many(ctx: Context) -> list[str]:
            return await ctx.spawn([(ask, number) for number in range(1000)])

        assert await many.run() == ["x"] * 1000
        assert server.count == 1040
        assert server.peak <= 16


async def test_halves_of_characters_are_mended_on_their_way_and_kept_in_the_record() -> None:
    said = "a \ud800 b \ud83d\ude00"
    with WireServer(OpenAIDialect(), Answer("a \ud800", (Call("look", '{"at": "x"}'),)), Answer("done")) as server:
        llm = model_at(server)
        first = await llm.generate(said)
        history = [Message("user", said), first.message, Message("tool", said, tool_call_id="call_1")]
        assert str(await llm.generate(history)) == "done"
        sent = server.last.json["messages"]
        assert sent[0]["content"] == sent[2]["content"] == "a \N{REPLACEMENT CHARACTER} b \N{GRINNING FACE}"
        assert "\N{REPLACEMENT CHARACTER}" in sent[1]["content"]
        assert history[0].content == said


async def test_a_missing_key_names_the_variable_and_the_argument() -> None:
    with pytest.raises(ProviderAuthError, match="openai/gpt-5.4 needs a key.* set OPENAI_API_KEY, or give api_key="):
        await create_llm("openai", "gpt-5.4").generate("x")


@pytest.mark.parametrize("key", ["clé-secrète", "two\nlines", 7])
async def test_a_key_that_is_none_is_found_before_it_is_sent(key: Any) -> None:
    with WireServer(OpenAIDialect()) as server:
        with pytest.raises((ProviderAuthError, ConfigurationError)) as caught:
            await model_at(server, api_key=key).generate("x")
        assert server.count == 0
    assert key == 7 or key not in str(caught.value)
