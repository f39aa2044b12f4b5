"""Agents: what a turn of a conversation adds to the journal, early and late, and what it costs beside a plain flow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from agnt5 import Agent, Context, Run, flow, tool
from agnt5.llm import Request, ScriptedLLM, ToolCall

from .bench import home, scratch
from .report import Finding

TURNS = 200
TEXT = "x" * 200


@tool
def read(page: int) -> str:
    """Read a page."""
    return TEXT


def conversation() -> Iterator[Finding]:
    """An agent that calls a tool 200 times, with an answer and a result of 200 characters each."""
    with scratch() as directory, home(directory):
        agent = Agent("reader", TEXT, [read], llm=ScriptedLLM(_reading), max_iterations=TURNS + 1)
        began = time.perf_counter()
        run = agent.start("Read.")
        run.result()
        took = time.perf_counter() - began
        began = time.perf_counter()
        _plain.start().result()
        floor = time.perf_counter() - began
        early, late = _bytes(run, 10, 60), _bytes(run, TURNS - 60, TURNS - 10)
    yield Finding("agent: journal bytes a turn, turns 140 to 190", late, "bytes", early, "bytes, turns 10 to 60")
    yield Finding(
        "agent: a turn (one question, one tool call)",
        took / TURNS * 1e3,
        "ms",
        floor / TURNS * 1e3,
        "ms of plain steps",
    )


def _reading(request: Request) -> Any:
    done = sum(message.role == "tool" for message in request.messages)
    return "done" if done == TURNS else ToolCall(f"call_{done}", "read", {"page": done})


@flow
async def _plain(ctx: Context) -> None:
    for number in range(2 * TURNS):
        await ctx.call(len, TEXT, name=f"step{number % 2}")


def _bytes(run: Run, first: int, last: int) -> float:
    """Mean bytes of inputs, outputs and notes of a turn."""
    asked = [entry for entry in run.journal if entry.name in ("chat", "read")]
    chosen = asked[2 * first : 2 * last]
    return sum(len(entry.stored_input) + len(entry.stored_output) for entry in chosen) / (last - first)
