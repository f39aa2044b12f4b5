"""Agents: a model with instructions, tools and memory, run as a durable flow.

    from agnt5 import Agent

    agent = Agent(name="assistant", instructions="You are helpful.", tools=[search], model="openai/gpt-5-mini")
    answer = await agent.run("What is new?")

Everything an agent does goes through its run's context, so every model call, tool call, approval and memory operation
is an entry of a journal.
"""

from __future__ import annotations

from agnt5.agent.agent import Agent
from agnt5.agent.answer import Answer
from agnt5.agent.approval import Approval, approvals
from agnt5.agent.budget import Budget
from agnt5.agent.stream import Update

__all__ = ["Agent", "Answer", "Approval", "Budget", "Update", "approvals"]
