"""Workflows: named steps one after another, some of them side by side, run as a durable flow.

    from agnt5 import Step, Workflow

    workflow = Workflow([Step("extract", extract), [Step("check", check), Step("score", score)], Step("store", store)])
    result = await workflow.run(document)

Each step is an entry of the run's journal under its own name.
"""

from __future__ import annotations

from agnt5.workflow.graph import Edge, Graph, Node
from agnt5.workflow.step import Step
from agnt5.workflow.workflow import Workflow

__all__ = ["Edge", "Graph", "Node", "Step", "Workflow"]
