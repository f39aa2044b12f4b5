"""Static pages: what a saved notebook shows where no kernel is (GitHub, nbviewer, a reader's editor), and plain text.

Only escaped text inside a few tags with inline styles: no script, no address, no style sheet. Colours work on light and
on dark paper.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import agnt5

INK = "opacity:.72"
LINE = "#8884"
MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12px"
# Shapes tell as much as colours; both stand out on white and on black.
STATUS = {
    "pending": ("○", "#7a828e"),
    "running": ("◐", "#2f7fd1"),
    "waiting": ("◷", "#b07a17"),
    "paused": ("‖", "#b07a17"),
    "interrupted": ("◌", "#b07a17"),
    "completed": ("✓", "#2e9a5b"),
    "failed": ("✕", "#d64545"),
    "cancelled": ("⊘", "#7a828e"),
}
STATE = {
    "running": ("◐", "#2f7fd1"),
    "retrying": ("↻", "#b07a17"),
    "done": ("✓", "#2e9a5b"),
    "failed": ("✕", "#d64545"),
    "timed out": ("◷", "#d64545"),
    "cancelled": ("⊘", "#7a828e"),
}


class Page(NamedTuple):
    """A static display: the same facts as HTML and as plain text."""

    html: str
    text: str


class Markup(str):
    """HTML that this module has made. Everything else is text, and is escaped."""

    __slots__ = ()


def el(name: str, *children: str | None, style: str = "", **attributes: str) -> Markup:
    """An element; children that are not Markup are escaped and made visible."""
    inner = "".join(child if isinstance(child, Markup) else text(child) for child in children if child)
    given = {"style": style, **attributes} if style else attributes
    shown = "".join(f' {key}="{html.escape(value)}"' for key, value in given.items())
    return Markup(f"<{name}{shown}>{inner}</{name}>")


def text(value: str) -> Markup:
    return Markup(html.escape(agnt5.visible(value)))


def signed(word: str) -> str:
    """A status or state as text: shape and word."""
    shape, _ = STATUS.get(word) or STATE.get(word, ("", ""))
    return f"{shape} {word}".lstrip()


def dot(word: str) -> Markup:
    """A status or state: shape, colour and word."""
    shape, colour = STATUS.get(word) or STATE.get(word, ("", "inherit"))
    return el(
        "span", el("span", shape, style=f"color:{colour};font-weight:600"), f" {word}", style="white-space:nowrap"
    )


def head(title: str, *parts: Markup | str) -> Markup:
    """The first line: what it is, then facts."""
    gap = "margin-right:16px"
    inner = [
        el("strong", title, style=f"{gap};font-size:14px"),
        *(el("span", part, style=gap) for part in parts if part),
    ]
    return el("div", *inner, style="margin:0 0 8px;line-height:1.6")


def mono(value: str) -> Markup:
    """Ids and code within a line."""
    return el("code", value, style=f"{MONO};background:none;color:inherit;padding:0")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    # Short, because every cell of a saved notebook repeats it.
    cell = "text-align:left;padding:3px 14px 3px 0;border:0"
    row = f"border-bottom:1px solid {LINE};background:none;vertical-align:top"
    names = (el("th", name, style=f"{cell};{INK};font-weight:500") for name in heads)
    top = el("tr", *names, style=row) if any(heads) else None
    inner = [el("tr", *(el("td", one, style=cell) for one in line), style=row) for line in rows]
    style = "border-collapse:collapse;border:0;margin:0;font-size:13px;font-variant-numeric:tabular-nums"
    return el("table", el("thead", top) if top else None, el("tbody", *inner), style=style)


def code(value: str) -> Markup:
    style = f"{MONO};white-space:pre-wrap;overflow-wrap:anywhere;margin:6px 0;padding:8px 10px;border:1px solid {LINE};"
    return el("pre", value, style=f"{style}border-radius:6px;background:none;color:inherit")


def whole(mark: str, *parts: Markup) -> str:
    """A whole page. A live panel hides it by its mark."""
    style = "font-family:system-ui,-apple-system,'Segoe UI',sans-serif;font-size:13px;padding:4px 0;color:inherit"
    return el("div", *parts, style=style, **{"class": f"a5-static {mark}"})


def plain(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as text."""
    lines = [tuple(heads), *(tuple(" ".join(agnt5.visible(one).split("\n")) for one in row) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    return "\n".join("  ".join(one.ljust(w) for one, w in zip(line, widths, strict=True)).rstrip() for line in lines)
