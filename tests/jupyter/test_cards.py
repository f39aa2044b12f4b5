"""What a cell shows that ends with a component: a workflow its graph, a flow the graph of its latest run."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

import agnt5
from agnt5 import Agent, Context, Step, Workflow, flow
from agnt5_jupyter.display.cards import card_of

EVIL = "<script>alert(1)</script>"


def take(item: Any) -> Any:
    return item


def pack(item: Any) -> Any:
    return item


@flow
async def shelve(ctx: Context, items: list[str]) -> int:
    """Put things away.

    One by one, then in pairs.
    """
    for item in items:
        await ctx.call(take, item)
    await asyncio.gather(ctx.call(take, "left"), ctx.call(pack, "right"))
    return len(items)


def boxes(html: str) -> list[str]:
    """The nodes of all graphs of a page, by their titles."""
    return re.findall("<title>(.*?)</title>", html)


def test_a_flow_without_runs_is_its_signature() -> None:
    page = card_of(shelve)
    kind, says, signature = page.text.splitlines()
    assert (kind, says) == ("flow shelve", "Put things away.")
    assert signature.startswith("shelve(ctx: ")
    assert "<svg" not in page.html


def test_a_flow_is_the_graph_of_its_latest_run_and_says_of_which() -> None:
    shelve.run_sync(["a"])
    run = shelve.start(["a", "b", "c"])
    run.result()
    page = card_of(shelve)
    assert boxes(page.html) == ["take: step · 3 times", "take: step", "pack: step"]
    assert f"what run {run.id} did" in page.html
    assert page.text.splitlines()[-2:] == ["take step · 3 times", "take step | pack step"]
    assert "runs: 2, the latest completed" in page.text


def test_a_workflow_is_the_graph_of_its_definition_with_those_inside() -> None:
    inner = Workflow([Step("wrap", pack)], name="inside")
    page = card_of(Workflow([Step("first", take), [Step("left", take), Step("right", pack)], Step("in", inner)]))
    assert [title.partition(":")[0] for title in boxes(page.html)] == ["first", "left", "right", "in", "wrap"]
    assert page.html.count("<svg") == 2
    assert "in is a workflow" in page.html
    assert "┌ left" in page.text


def test_names_and_words_of_a_component_are_text() -> None:
    page = card_of(Workflow([Step(EVIL, take)], name=EVIL, description=EVIL))
    assert "<script" not in page.html
    assert "&lt;script&gt;" in page.html


def test_instructions_stay_out_of_a_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = Agent("clerk", instructions="the c4nary sings", model="local/any")
    assert "c4nary" in card_of(agent).html
    monkeypatch.setenv("AGNT5_OUTPUTS", "summary")
    assert agnt5.settings().outputs == "summary"
    page = card_of(agent)
    assert "c4nary" not in page.html + page.text
    assert "local/any" in page.text
