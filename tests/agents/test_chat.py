"""`ctx.chat` and `ctx.embed`: what is recorded, what a replay sees, what failures do."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import agnt5
from agnt5 import (
    ConfigurationError,
    Context,
    OutputInvalid,
    ProviderUnavailable,
    RateLimited,
    RequestInvalid,
    flow,
    function,
)
from agnt5.chat import Conversations, links
from agnt5.codec import encode
from agnt5.llm import Message, Reply, Request, ScriptedLLM, ToolSpec, Usage
from agnt5.run import Run


def talking(llm: ScriptedLLM, turns: int) -> Run:
    @flow
    async def talk(ctx: Context) -> list[str]:
        messages = [Message("system", "Be brief."), Message("user", "Hi")]
        for turn in range(turns):
            reply = await ctx.chat(messages, llm=llm)
            messages += [reply.message, Message("user", f"And {turn}?")]
        return [message.text for message in messages]

    return talk.start()


async def test_an_answer_is_recorded_with_what_it_took() -> None:
    run = talking(ScriptedLLM(["Hello!"]), 1)
    assert await run == ["Be brief.", "Hi", "Hello!", "And 0?"]
    (entry,) = run.journal
    assert entry.path == "chat"
    assert entry.output == Reply(Message("assistant", "Hello!"), Usage(3, 1), "script", "scripted", cost=0.0)
    assert entry.meta["tokens"] == 4
    assert entry.meta["cost"] == 0.0
    assert entry.meta["latency"] >= entry.meta["first_token"] >= 0


async def test_records_are_short_and_need_nothing_imported() -> None:
    run = talking(ScriptedLLM(["Hello!"]), 1)
    await run
    (entry,) = run.journal
    assert entry.stored_input == (
        b'[[{"model":"scripted/script","messages":[{"~type":["agnt5:Message",{"role":"system","content":"Be brief."}]},'
        b'{"~type":["agnt5:Message",{"role":"user","content":"Hi"}]}]}],{}]'
    )
    program = "import sys; from agnt5.codec import decode; print(repr(decode(sys.stdin.buffer.read(), strict=True)))"
    read = subprocess.run([sys.executable, "-c", program], input=entry.stored_output, capture_output=True, check=True)
    assert "content='Hello!'" in read.stdout.decode()


async def test_each_message_is_recorded_once() -> None:
    run = talking(ScriptedLLM(lambda request: f"answer to {len(request.messages)}"), 5)
    await run
    inputs = [entry.input.args[0] for entry in run.journal]
    assert [len(record["messages"]) for record in inputs] == [2, 1, 1, 1, 1]
    assert "after" not in inputs[0]
    assert [record["after"][0] for record in inputs[1:]] == [3, 5, 7, 9]


async def test_a_journal_grows_by_the_same_bytes_each_turn() -> None:
    run = talking(ScriptedLLM(lambda request: "x" * 100), 60)
    await run
    sizes = [len(entry.stored_input) for entry in run.journal]
    assert max(sizes[10:]) - min(sizes[10:]) <= 4, "a turn's record does not grow with the conversation"


async def test_tools_are_recorded_once_while_they_stay_the_same() -> None:
    one, two = (ToolSpec(name, "", {"type": "object", "properties": {}}) for name in ("one", "two"))
    llm = ScriptedLLM(["a", "b", "c"])

    @flow
    async def talk(ctx: Context) -> None:
        messages = [Message("user", "Hi")]
        for tools in ([one], [one], [two]):
            reply = await ctx.chat(messages, llm=llm, tools=tools)
            messages += [reply.message, Message("user", "go on")]

    run = talk.start()
    await run
    first, second, third = (entry.input.args[0]["tools"] for entry in run.journal)
    assert (first, type(second), third) == ([one], str, [two])


async def test_a_refusal_is_tried_again_when_the_provider_says() -> None:
    llm = ScriptedLLM([RateLimited("later", retry_after=0.3), "now"])

    @flow
    async def ask(ctx: Context) -> str:
        return str(await ctx.chat("x", llm=llm, retry_policy=agnt5.ExponentialBackoff(initial=0.01)))

    run = ask.start()
    assert await run == "now"
    (entry,) = run.journal
    (failed,) = entry.failed_tries
    assert failed.retry_at is not None
    assert (failed.retry_at - failed.at).total_seconds() >= 0.29
    assert entry.attempts == 2


async def test_what_the_provider_will_never_take_is_asked_once() -> None:
    llm = ScriptedLLM([RequestInvalid("no such model", status=404), "never asked"])

    @flow
    async def ask(ctx: Context) -> str:
        return str(await ctx.chat("x", llm=llm))

    with pytest.raises(agnt5.RunFailed, match="no such model"):
        await ask.run()
    assert len(llm.requests) == 1


async def test_an_answer_tells_that_an_attempt_before_it_may_be_billed() -> None:
    lost = ProviderUnavailable("gone", possibly_billed=True)
    llm = ScriptedLLM([lost, ProviderUnavailable("refused"), "a", ProviderUnavailable("refused"), "b"])

    @flow
    async def ask(ctx: Context) -> list[str]:
        policy = agnt5.ExponentialBackoff(initial=0.01)
        return [str(await ctx.chat("x", llm=llm, retry_policy=policy)) for _ in range(2)]

    run = ask.start()
    assert await run == ["a", "b"]
    assert [entry.meta.get("possibly_billed", False) for entry in run.journal] == [True, False]


async def test_a_failure_keeps_its_type_and_what_it_knows() -> None:
    llm = ScriptedLLM([ProviderUnavailable("gone", possibly_billed=True, provider="p", model="m")])

    @flow
    async def ask(ctx: Context) -> tuple[bool, str]:
        try:
            await ctx.chat("x", llm=llm, retry_policy=1)
        except ProviderUnavailable as error:
            return error.possibly_billed, error.model
        raise AssertionError

    assert await ask.run() == (True, "m")


async def test_an_answer_that_breaks_the_format_is_said_to_the_code() -> None:
    llm = ScriptedLLM(['{"value": [1, "two"]}', '{"value": [1, 2]}'])

    @flow
    async def ask(ctx: Context) -> list[int]:
        try:
            await ctx.chat("numbers", llm=llm, response_format=list[int])
        except OutputInvalid as problem:
            again = await ctx.chat(["numbers", str(problem)], llm=llm, response_format=list[int])
            return again.output
        raise AssertionError

    run = ask.start()
    assert await run == [1, 2]
    assert await run.rerun() == [1, 2]


async def test_functions_ask_models_too() -> None:
    llm = ScriptedLLM(lambda request: request.messages[-1].text.upper(), delay=0.01)

    @function
    async def shout(ctx: Context, words: list[str]) -> list[str]:
        return [str(reply) for reply in await asyncio.gather(*(ctx.chat(word, llm=llm) for word in words))]

    @function
    def whisper(ctx: Context, word: str) -> str:
        return str(ctx.chat(word, llm=llm))

    assert await shout.run(["a", "b", "c"]) == ["A", "B", "C"]
    assert await whisper.run("d") == "D"


async def test_embeddings_are_recorded() -> None:
    llm = ScriptedLLM()

    @flow
    async def embed(ctx: Context) -> tuple[int, int]:
        one = await ctx.embed("abc", llm=llm)
        many = await ctx.embed(["a", "b"], llm=llm)
        return len(one), len(many)

    run = embed.start()
    assert await run == (26, 2)
    assert run.journal[0].meta["tokens"] == 1


async def test_without_a_model_the_ways_to_name_one_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGNT5_MODEL", raising=False)

    @flow
    async def ask(ctx: Context) -> None:
        await ctx.chat("x")

    with pytest.raises(agnt5.RunFailed, match="AGNT5_MODEL.*local/smollm2"):
        await ask.run()
    with pytest.raises(ConfigurationError, match="provider/name"):
        agnt5.llm.find_llm("gpt")
    with pytest.raises(ConfigurationError, match="'opnai' in 'opnai/gpt' is no provider. Did you mean 'openai/gpt'?"):
        agnt5.llm.find_llm("opnai/gpt")


async def test_tokens_reach_those_who_watch_and_no_journal() -> None:
    from agnt5 import Streamed, listen

    heard: list[tuple[str, Streamed]] = []
    stop = listen(lambda run_id, value: heard.append((run_id, value)))
    run = talking(ScriptedLLM(["one two three"]), 1)
    await run
    stop()
    assert [(run_id, value.path, value.delta.text) for run_id, value in heard] == [
        (run.id, "chat", "one"),
        (run.id, "chat", " two"),
        (run.id, "chat", " three"),
    ]
    assert len(run.journal.stored) == 4  # started, asked, answered, ended


messages = st.lists(
    st.builds(Message, st.sampled_from(["user", "assistant"]), st.text(max_size=5)), min_size=1, max_size=6
)


@given(first=messages, answer=st.text(max_size=5), more=messages)
def test_what_came_before_is_named_only_when_it_is_the_same(
    first: list[Message], answer: str, more: list[Message]
) -> None:
    known = Conversations()
    reply = Message("assistant", answer)
    known.answered(Request(tuple(first)), reply)
    whole = (*first, reply, *more)
    record = known.record("m", Request(whole))
    assert record["after"] == [len(first) + 1, links(whole)[len(first)]]
    assert record["messages"] == more
    other = (Message("user", first[0].text + "!"), *whole[1:])
    assert "after" not in known.record("m", Request(other))
    assert encode(known.record("m", Request(whole))) == encode(record), "the same question is the same record"
