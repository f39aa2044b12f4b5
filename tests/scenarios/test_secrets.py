"""Credentials: declared ones, known patterns, and what a provider quotes. Canaries that must turn up nowhere."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

import agnt5
from agnt5 import (
    Agent,
    ConfigurationError,
    Context,
    RunFailed,
    RunPaused,
    Secret,
    SerializationError,
    flow,
    function,
    tool,
)
from agnt5.llm import create_llm
from agnt5.secret import HIDDEN, forget_secrets
from llm.wire.acts import Answer, Call, unauthorized
from llm.wire.openai import OpenAIDialect
from llm.wire.server import WireServer

KEY = "canary-key-5f0c8e2d77aa4b1e"
DECLARED = "canary-declared-91ab34cd56ef"
PATTERN = "sk-canary0123456789abcdefghij"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    forget_secrets()


def everything(tmp_path: Path, caplog: pytest.LogCaptureFixture, *runs: agnt5.Run) -> str:
    """All that anybody could look at: bytes of the store, journals as text and tables, exports, logs."""
    seen = [str(record.__dict__) for record in caplog.records if record.name != "leak"]  # what the tool itself logged
    for run in runs:
        journal = run.journal
        seen += [repr(run), str(run.error), str(journal), journal.to_pandas().to_string(max_colwidth=None)]
        for entry in journal.stored:
            seen += [repr(bytes(part)) for part in (entry.input, entry.payload, entry.logs, entry.meta, entry.code)]
        path = tmp_path / f"{run.id}.agnt5"
        journal.save(path)
        seen.append(repr(agnt5.load_journal(path)[:]))
    directory = agnt5.settings().store_directory
    agnt5.runtime.close_runtime()
    for file in directory.rglob("*"):
        if file.is_file():
            seen.append(file.read_bytes().decode("latin-1"))
    database = sqlite3.connect(f"file:{directory / 'journal.db'}?mode=ro", uri=True)
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    for table in tables:
        seen += [repr(row) for row in database.execute(f'SELECT * FROM "{table}"')]
    database.close()
    return "\n".join(seen)


def test_a_providers_key_turns_up_nowhere(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)

    @tool
    def leak(word: str) -> str:
        """Prints, logs and raises the key."""
        print("the key is", KEY)
        logging.getLogger("leak").warning("the key is %s", KEY)
        raise ValueError(f"the key is {KEY}")

    with WireServer(OpenAIDialect()) as server:
        llm = create_llm("openai", "gpt-test", api_key=KEY, base_url=f"{server.url}/v1")
        agent = Agent("leaky", "Say nothing.", [leak], llm=llm)
        server.then(Answer(calls=(Call("leak", {"word": "x"}),)), Answer("done"))
        talked = agent.start("go")
        answer = talked.result()
        server.then(unauthorized())
        refused = agent.start("go")
        with pytest.raises(RunFailed) as failure:
            refused.result()
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert HIDDEN in answer.messages[2].text
    seen = everything(tmp_path, caplog, talked, refused)
    assert "gpt-test" in seen
    assert KEY not in seen
    assert KEY not in f"{failure.value!r}{failure.value}{llm!r}"


def test_a_declared_secret_passes_between_steps_and_is_recorded_by_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    used: list[str] = []

    def fetch(token: Secret) -> Secret:
        used.append(token.reveal())
        return token

    @function
    def use(ctx: Context, token: Secret) -> int:
        print(f"token {token.reveal()}")
        return len(token.reveal())

    @flow
    async def passes(ctx: Context, token: Secret) -> int:
        again = await ctx.call(fetch, token)
        await ctx.state.set("token", again)
        return await ctx.call(use, await ctx.state.get("token"))

    run = passes.start(Secret("CANARY", DECLARED))
    assert run.result() == len(DECLARED)
    assert used == [DECLARED]
    assert run.rerun().result() == len(DECLARED)
    seen = everything(tmp_path, caplog, run)
    assert "CANARY" in seen
    assert DECLARED not in seen


def test_a_credential_in_a_value_is_kept_for_the_code_and_hidden_from_people() -> None:
    def give() -> str:
        return f"use {PATTERN}"

    @flow
    async def gives(ctx: Context) -> str:
        return await ctx.call(give)

    run = gives.start()
    assert run.result() == f"use {PATTERN}", "code reads back what it was given"
    assert PATTERN not in str(run.journal)


def test_a_credential_in_an_error_is_hidden_live_as_in_a_replay() -> None:
    def fail() -> None:
        raise ValueError(f"refused {PATTERN}")

    @flow
    async def fails(ctx: Context) -> str:
        try:
            await ctx.call(fail, retry_policy=1)
        except ValueError as error:
            return str(error)
        raise AssertionError

    run = fails.start()
    assert run.result() == f"refused {HIDDEN}"
    replay = run.replay()
    replay.run_to_end()
    assert replay.divergence is None


def test_credentials_are_refused_when_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNT5_REDACT", "refuse")

    def give() -> str:
        return PATTERN

    def take(word: str) -> str:
        return word

    @flow
    async def gives(ctx: Context) -> str:
        return await ctx.call(give)

    @flow
    async def takes(ctx: Context) -> str:
        return await ctx.call(take, PATTERN)

    @flow
    async def keeps(ctx: Context) -> None:
        await ctx.state.set("key", PATTERN)

    with pytest.raises(RunPaused, match=r"the result of 'give' seems to hold a credential \(API key\)"):
        gives.start().result()
    with pytest.raises(RunFailed, match="what 'take' is asked with"):
        takes.start().result()
    with pytest.raises(RunFailed, match="what 'key' holds"):
        keeps.start().result()
    with pytest.raises(SerializationError, match=r"the input of 'takes'.*agnt5\.Secret"):
        takes.start(PATTERN)
    with pytest.raises(SerializationError, match="the event 'go'"):
        agnt5.send_event("go", PATTERN)


def test_a_key_in_the_text_of_a_function_is_not_recorded_with_it() -> None:
    Secret("CANARY", DECLARED)

    @flow
    async def careless(ctx: Context) -> int:
        keys = ["canary-declared-91ab34cd56ef", "sk-canary0123456789abcdefghij"]
        return len(keys)

    run = careless.start()
    assert run.result() == 2
    code = run.journal.stored[0].code
    assert b"careless" in code
    assert b"canary" not in code
    assert HIDDEN.encode() in code
    with pytest.raises(ConfigurationError, match="recorded source of .*careless had a credential in it"):
        run.replay(code="recorded")
    replay = run.replay()
    replay.run_to_end()
    assert replay.divergence is None


def test_a_secret_among_a_providers_options_is_recorded_by_name_and_sent() -> None:
    token = Secret("CANARY", DECLARED)
    with WireServer(OpenAIDialect(), Answer("fine")) as server:
        llm = create_llm("openai", "gpt-test", api_key=KEY, base_url=f"{server.url}/v1")

        @flow
        async def asking(ctx: Context) -> str:
            return str(await ctx.chat("Hello", llm=llm, extra_headers={"x-token": token}, user=token))

        run = asking.start()
        assert run.result() == "fine"
        assert (server.last.headers["x-token"], server.last.json["user"]) == (DECLARED, DECLARED)
        for entry in run.journal.stored:
            assert DECLARED.encode() not in bytes(entry.input) + bytes(entry.payload) + bytes(entry.code)


def test_a_token_as_plain_text_in_a_header_is_sent_and_not_recorded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain = ["canary-plain-3e9d41"]  # declared nowhere, and of no known pattern
    with WireServer(OpenAIDialect(), Answer("fine")) as server:
        llm = create_llm("openai", "gpt-test", api_key=KEY, base_url=f"{server.url}/v1")

        @flow
        async def asking(ctx: Context) -> str:
            headers = {"X-Gateway-Authorization": f"Bearer {plain[0]}", "X-Team": "red"}
            return str(await ctx.chat("Hello", llm=llm, extra_headers=headers, extra_query={"api-key": plain[0]}))

        run = asking.start()
        assert run.result() == "fine"
        asked = server.last
        assert asked.headers["x-gateway-authorization"] == f"Bearer {plain[0]}"
        assert asked.query["api-key"] == plain[0]
    options = run.journal[0].input.args[0]["options"]
    assert options["extra_headers"] == {"X-Gateway-Authorization": HIDDEN, "X-Team": "red"}
    plain[0] = "canary-plain-rotated"
    replay = run.replay()
    replay.run_to_end()
    assert replay.divergence is None  # another token, the same question
    assert "canary-plain" not in everything(tmp_path, caplog, run)
