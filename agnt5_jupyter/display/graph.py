"""Graphs as SVG: stages below one another, boxes of a stage side by side, lines between neighbours.

Lines and letters take the colour of the text around, so a graph is readable on light and on dark paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .page import Markup, el, text

WIDE, HIGH = 176, 42
_ACROSS, _DOWN = 20, 26
_LETTERS = 24
"""That fit into a box."""
_MOST = 6
"""Boxes side by side; more are told as a number."""
_SANS = "font-family:system-ui,-apple-system,'Segoe UI',sans-serif"


class Box(NamedTuple):
    """One node: its name, and what it is in few words."""

    name: str
    what: str = ""


def graph(stages: Sequence[Sequence[Box]], label: str) -> Markup:
    """An SVG in which each box of a stage leads to each of the next."""
    shown = [_fitted(stage) for stage in stages]
    width = max((len(stage) for stage in shown), default=1) * (WIDE + _ACROSS) - _ACROSS + 2
    height = len(shown) * (HIGH + _DOWN) - _DOWN + 2
    places = [
        [(_left(place, len(stage), width), 1 + row * (HIGH + _DOWN)) for place in range(len(stage))]
        for row, stage in enumerate(shown)
    ]
    lines = [
        _line(x + WIDE / 2, y + HIGH, below + WIDE / 2, y + HIGH + _DOWN)
        for row, here in enumerate(places[:-1])
        for x, y in here
        for below, _ in places[row + 1]
    ]
    boxes = [
        _box(box, x, y)
        for stage, row in zip(shown, places, strict=True)
        for box, (x, y) in zip(stage, row, strict=True)
    ]
    return el(
        "svg",
        *lines,
        *boxes,
        viewBox=f"0 0 {width} {height}",
        width=str(width),
        height=str(height),
        role="img",
        style="max-width:100%;height:auto;display:block;margin:4px 0",
        **{"aria-label": label},
    )


def _fitted(stage: Sequence[Box]) -> list[Box]:
    if len(stage) <= _MOST:
        return list(stage)
    return [*stage[: _MOST - 1], Box(f"{len(stage) - _MOST + 1} more", "side by side")]


def _left(place: int, count: int, width: int) -> float:
    return (width - count * (WIDE + _ACROSS) + _ACROSS) / 2 + place * (WIDE + _ACROSS)


def _line(x: float, y: float, to_x: float, to_y: float) -> Markup:
    middle = (y + to_y) / 2
    path = f"M{x:g} {y:g}C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y - 4:g}"
    head = f"M{to_x - 4:g} {to_y - 6:g}L{to_x:g} {to_y - 1:g}L{to_x + 4:g} {to_y - 6:g}"
    return el("path", d=f"{path}{head}", fill="none", stroke="currentColor", **{"stroke-opacity": ".4"})


def _box(box: Box, x: float, y: float) -> Markup:
    edge = {"stroke": "currentColor", "stroke-opacity": ".35", "fill": "currentColor", "fill-opacity": ".04"}
    frame = el("rect", x=f"{x:g}", y=f"{y:g}", width=str(WIDE), height=str(HIGH), rx="7", **edge)
    middle = f"{x + WIDE / 2:g}"
    common = {"text-anchor": "middle", "fill": "currentColor"}
    up = y + (18 if box.what else 25)
    name = el("text", _cut(box.name), x=middle, y=f"{up:g}", style=f"{_SANS};font-size:13px;font-weight:600", **common)
    if not box.what:
        return el("g", frame, name)
    what = el(
        "text",
        _cut(box.what, 30),
        x=middle,
        y=f"{y + 33:g}",
        style=f"{_SANS};font-size:11px",
        **common,
        **{"fill-opacity": ".72"},
    )
    return el("g", el("title", text(f"{box.name}: {box.what}")), frame, name, what)


def _cut(words: str, limit: int = _LETTERS) -> str:
    return words if len(words) <= limit else f"{words[: limit - 1]}…"
