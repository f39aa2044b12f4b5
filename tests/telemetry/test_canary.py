"""A provider's key that is printed, raised and quoted back turns up in no trace and no metric."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import agnt5
from agnt5 import Agent, RunFailed, tool
from agnt5.llm import create_llm
from agnt5.secret import HIDDEN, forget_secrets
from llm.wire.acts import Answer, Call, unauthorized
from llm.wire.openai import OpenAIDialect
from llm.wire.server import WireServer
from reported import Reported

KEY = "canary-key-77aa4b1e5f0c8e2d"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    forget_secrets()
    agnt5.configure(trace_content=None)


@tool
def leak(word: str) -> str:
    """Raises what it should not."""
    raise ValueError(f"the key is {KEY}")


async def test_a_providers_key_is_in_no_span_and_no_metric(reported: Reported) -> None:
    agnt5.configure(trace_content=True)  # words of prompts and answers too
    with WireServer(OpenAIDialect()) as server:
        llm = create_llm("openai", "gpt-test", api_key=KEY, base_url=f"{server.url}/v1")
        agent = Agent("leaky", "Say nothing.", [leak], llm=llm, metrics=True, tracing=True)
        server.then(Answer(calls=(Call("leak", {"word": KEY}),)), Answer(f"It is {KEY}."))
        await agent.run("go")
        server.then(unauthorized())
        with pytest.raises(RunFailed):
            await agent.run("go")
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    told = "\n".join(span.to_json() for span in reported.spans) + repr(reported.points())
    assert "leaky" in told
    assert HIDDEN in told, "what was said is told, without the key"
    assert KEY not in told
