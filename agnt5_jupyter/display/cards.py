"""Cards of what can be run: agents, workflows, flows, functions and tools. Static pages; nothing of them moves.

A workflow's graph is its definition. A flow is code, so its graph is what its latest run did, and says so.
"""

from __future__ import annotations

import inspect
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

import agnt5

from .graph import Box, graph
from .page import Markup, Page, code, el, head, table, whole
from .settings import values_saved
from .words import long, short, title_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agnt5 import Agent, Entry, Tool, Workflow
    from agnt5.workflow import Graph

_STAGES = 16
_CALLED = frozenset({"step", "call", "child", "object", "sleep", "event", "start", "join"})


def card_of(target: Any) -> Page:
    """The card of whatever it is."""
    if isinstance(target, agnt5.Agent):
        return agent_card(target)
    if isinstance(target, agnt5.Workflow):
        return workflow_card(target)
    if isinstance(target, agnt5.Tool):
        return tool_card(cast("Tool[..., Any]", target))
    return component_card(target)


def agent_card(agent: Agent) -> Page:
    """Model, tools and, where values may be saved, instructions."""
    model = agent.model if isinstance(agent.model, str) else getattr(agent.model, "name", "")
    facts = [
        ("model", str(model or "the configured one")),
        ("tools", ", ".join(tool.name for tool in agent.tools)),
        ("hands over to", ", ".join(other.name for other in agent.handoffs)),
        ("memory", "yes" if agent.memory else ""),
        ("asks people", "yes" if agent.human_in_loop else ""),
    ]
    told = agent.instructions if values_saved() else ""
    return _card(agent.name, "agent", facts, [code(long(told))] if told else [], told)


def tool_card(tool: Tool[..., Any]) -> Page:
    """Signature and description."""
    signature = f"{tool.name}{signature_of(tool)}"
    return _card(tool.name, "tool", [("", tool.description)], [code(signature)], signature)


def workflow_card(workflow: Workflow) -> Page:
    """Its graph, and those of workflows inside."""
    shown = workflow.graph
    facts = [("", workflow.description or ""), ("steps", str(len(shown.nodes)))]
    return _card(workflow.name, "workflow", facts, list(_graphs(shown, "")), str(shown))


def component_card(component: Any) -> Page:
    """A flow or function: its signature, its runs, and what the latest of them did."""
    name, kind = component.name, str(component.kind_name)
    facts = [("", first_line(component.__doc__))]
    parts = [code(f"{name}{signature_of(component.fn)}")]
    told = f"{name}{signature_of(component.fn)}"
    runs = _runs_of(name)
    if runs:
        facts.append(("runs", f"{len(runs)}{' or more' if len(runs) == _LOOKED else ''}, the latest {runs[0].status}"))
        stages = stages_of(runs[0].journal) if kind == "flow" else []
        if stages:
            caption = f"what run {runs[0].id} did"
            parts += [el("div", caption, style="opacity:.72;font-size:12px;margin-top:6px"), graph(stages, caption)]
            told += "\n" + "\n".join(" | ".join(f"{box.name} {box.what}".strip() for box in stage) for stage in stages)
    return _card(name, kind, facts, parts, told)


_LOOKED = 100


def _runs_of(name: str) -> list[agnt5.Run]:
    try:
        return list(agnt5.runs(component=name, limit=_LOOKED))
    except agnt5.AGNT5Error:  # no store yet, or one that cannot be read: a card still says what the code is
        return []


def stages_of(journal: Iterable[Entry]) -> list[list[Box]]:
    """What a run called, in stages: those that were under way together stand side by side, repeats are counted."""
    groups: list[list[Entry]] = []
    until = 0
    for entry in journal:
        if entry.scope or entry.kind not in _CALLED:
            continue
        done = entry.answered or 1 << 62
        if groups and entry.seq < until:
            groups[-1].append(entry)
            until = min(until, done)
        else:
            groups.append([entry])
            until = done
    stages = [[Box(name, what) for name, what in _counted(group)] for group in groups]
    merged: list[list[Box]] = []
    for stage, same in groupby(stages):
        times = len(list(same))
        merged.append(
            stage if times == 1 else [Box(box.name, f"{box.what} · {times} times".removeprefix(" · ")) for box in stage]
        )
    if len(merged) > _STAGES:
        return [*merged[: _STAGES - 1], [Box("…", f"{len(merged) - _STAGES + 1} more stages")]]
    return merged


def _counted(group: list[Entry]) -> list[tuple[str, str]]:
    counts: dict[tuple[str, str], int] = {}
    for entry in group:
        key = (short(title_of(entry)) or entry.kind, entry.kind)
        counts[key] = counts.get(key, 0) + 1
    return [
        (name, f"{kind} × {times}" if times > 1 else kind if kind != name else "")
        for (name, kind), times in counts.items()
    ]


def _graphs(shown: Graph, name: str) -> Iterable[Markup]:
    if name:
        yield el("div", name, style="font-weight:600;margin-top:8px")
    stages = [[Box(node.name, _what(node)) for node in stage] for stage in shown.stages]
    yield graph(stages, " then ".join(" and ".join(box.name for box in stage) for stage in stages))
    for node in shown.nodes:
        if node.inner is not None:
            yield from _graphs(node.inner, f"{node.name} is a workflow")


def _what(node: Any) -> str:
    what = node.kind if node.runs in ("", node.name) else f"{node.kind} {node.runs}"
    return f"{what} · {node.notes}" if node.notes else what


def _card(name: str, kind: str, facts: list[tuple[str, str]], parts: list[Markup], told: str) -> Page:
    known = [(key, short(value, 400)) for key, value in facts if value]
    rows = [(el("span", key, style="opacity:.72"), value) for key, value in known if key]
    about = [el("div", value, style="margin-bottom:6px") for key, value in known if not key]
    inner = [head(name, kind), *about, *([table(("", ""), rows)] if rows else []), *parts]
    lines = [f"{kind} {name}", *(f"{key}: {value}" if key else value for key, value in known)]
    return Page(whole("", *inner), "\n".join([*lines, *([agnt5.visible(told)] if told else [])]))


def first_line(doc: str | None) -> str:
    return inspect.cleandoc(doc or "").partition("\n")[0]


def signature_of(fn: Any) -> str:
    try:
        return str(inspect.signature(fn))
    except (TypeError, ValueError):
        return "(…)"
