"""What a workflow looks like: its steps as nodes, and which of them hands its output to which.

A picture of the definition, for people and for whoever draws it. It knows nothing of runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from agnt5.workflow.step import Step


class Node(NamedTuple):
    """A step. `kind`: step (a plain function), function, flow, tool, agent, workflow or task; `runs`: the name of what
    it runs; `stage`: its place, from 0: steps of one stage run side by side; `attempts` and `timeout` (seconds) where
    the step says so; `when`: the name of the function that may skip it; `inner`: the graph of a workflow inside."""

    name: str
    kind: str
    runs: str
    stage: int
    attempts: int | None = None
    timeout: float | None = None
    when: str = ""
    inner: Graph | None = None

    @property
    def notes(self) -> str:
        """Its settings in words, "" when it has none."""
        told = [f"when {self.when}"] if self.when else []
        if self.attempts is not None:
            told.append(f"{self.attempts} {'attempt' if self.attempts == 1 else 'attempts'}")
        if self.timeout is not None:
            told.append(f"{self.timeout:g} s each")
        return ", ".join(told)


class Edge(NamedTuple):
    """The output of one step is (part of) the input of the other."""

    source: str
    target: str


class Graph(NamedTuple):
    """Nodes in order, and edges between steps of neighbouring stages. `str` draws it."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @property
    def stages(self) -> list[list[Node]]:
        """Nodes by stage."""
        found: list[list[Node]] = []
        for node in self.nodes:
            if node.stage == len(found):
                found.append([])
            found[node.stage].append(node)
        return found

    def __str__(self) -> str:
        return "\n".join(self._lines(""))

    def _lines(self, indent: str) -> list[str]:
        names = max((len(node.name) for node in self.nodes), default=0)
        whats = max((len(_what(node)) for node in self.nodes), default=0)
        lines: list[str] = []
        for stage in self.stages:
            for place, node in enumerate(stage):
                mark = _mark(place, len(stage))
                line = f"{indent}{mark} {node.name.ljust(names)}  {_what(node).ljust(whats)}  {node.notes}"
                lines.append(line.rstrip())
                if node.inner is not None:
                    lines += node.inner._lines(f"{indent}    ")
        return lines


def graph_of(stages: Sequence[Sequence[Step]]) -> Graph:
    nodes: list[Node] = []
    edges: list[Edge] = []
    for number, stage in enumerate(stages):
        nodes += [_node(step, number) for step in stage]
        if number:
            edges += [Edge(before.name, step.name) for before in stages[number - 1] for step in stage]
    return Graph(tuple(nodes), tuple(edges))


def _node(step: Step, stage: int) -> Node:
    kind, _, runs = step.what.partition(" ")
    return Node(
        step.name,
        kind,
        runs,
        stage,
        None if step.retry is None else step.retry.max_attempts,
        step.timeout,
        "" if step.when is None else getattr(step.when, "__name__", type(step.when).__name__),
        getattr(step.fn, "graph", None) if kind == "workflow" else None,
    )


def _what(node: Node) -> str:
    return f"{node.kind} {node.runs}"


def _mark(place: int, count: int) -> str:
    if count == 1:
        return " "
    return "┌" if place == 0 else "└" if place == count - 1 else "├"
