"""The first tests a user writes, as documents show them: an agent, a function, a workflow; no keys, no network."""

from __future__ import annotations

from typing import Any

import pytest

from agnt5 import Agent, ConfigurationError, Step, Tool, Workflow, tool
from agnt5.durable import function
from agnt5.testing import MockAgent, MockContext


@tool
def search_web(query: str) -> str:
    """Search the web for information."""
    return f"pages about {query}"


search_tool = Tool(
    name="web_search",
    function=search_web,
    retry=3,
    timeout=30,
    description="Search web for current information",
)


def extract_data(text: str) -> dict[str, Any]:
    return {"words": text.split()}


def validate_data(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "status": "success" if data["words"] else "empty"}


def test_agent_creation() -> None:
    agent = Agent(
        name="assistant",
        instructions="You are a helpful AI assistant",
        tools=[search_tool, search_web],
        memory=True,
        human_in_loop=True,
    )
    assert agent.name == "assistant"
    assert [one.name for one in agent.tools] == ["web_search", "search_web"]
    assert agent.tools[0].description == "Search web for current information"


async def test_agent_behavior() -> None:
    agent = Agent(name="test", instructions="Be helpful")

    with MockContext() as ctx:
        response = await agent.run("test query")
        assert "helpful" in response.lower()
    assert [call.name for call in ctx.calls] == ["test", "chat"]


async def test_durable_function() -> None:
    @function
    async def test_fn(ctx, data):  # type: ignore[no-untyped-def]
        return await ctx.call("service", "method", data)

    with MockContext() as ctx:
        ctx.mock_call("service", "method", return_value="mocked")
        result = await test_fn(ctx, {"test": "data"})
        assert result == "mocked"


async def test_full_workflow() -> None:
    workflow = Workflow([Step("extract", extract_data), Step("validate", validate_data)])

    result = await workflow.run("some words")
    assert result["status"] == "success"


async def test_a_mock_agent_follows_its_script() -> None:
    agent = MockAgent(
        "scripted", replies=[{"tool": "search_web", "arguments": {"query": "cats"}}, "done"], tools=[search_web]
    )
    answer = await agent.run("find cats")
    assert answer == "done"
    assert answer.messages[2].text == "pages about cats"
    assert [len(request.turns) for request in agent.requests] == [1, 3]


async def test_a_mock_agent_stands_in_for_another() -> None:
    with MockContext():
        assert await MockAgent("writer", replies=["a poem"]).run("write") == "a poem"
    workflow = Workflow([Step("write", MockAgent("poet", replies=lambda request: request.turns[-1].text.upper()))])
    assert await workflow.run("roses") == "ROSES"


def test_without_a_model_the_ways_to_name_one_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGNT5_MODEL", raising=False)
    with pytest.raises(ConfigurationError, match="AGNT5_MODEL"):
        Agent(name="modelless").start("hello")
