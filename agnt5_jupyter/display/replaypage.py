"""The static page of a replay: where it stands, in source and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import agnt5

from .cellnames import with_cells
from .page import INK, MONO, Markup, Page, code, dot, el, head, plain, table, whole
from .settings import values_saved
from .words import long, short

if TYPE_CHECKING:
    from .trace import Trace


def replay_page(replay: Any, trace: Trace, mark: str) -> Page:
    values = values_saved()
    entry = replay.entry
    place = short(with_cells(replay.place), 200)
    parts = [head(f"Replay of {trace.component}", dot(trace.status), el("code", trace.run_id), place)]
    lines = [f"Replay of {trace.component}  {trace.status}  {trace.run_id}  {place}"]
    source = long(replay.source.rstrip())
    if source:
        parts.append(_source(source) if replay.frame is not None else el("div", source, style=INK))
        lines.append(source)
    if values:
        rows = _rows(replay)
        if rows:
            parts.append(table(_HEADS, [(el("code", row[0]), el("code", row[1]), row[2]) for row in rows]))
            lines.append(plain(_HEADS, rows))
        if entry is not None and (line := entry.error or entry.line("output", 200)):
            answer = f"{entry.path or entry.kind} gave {short(line, 200)}"
            parts.append(el("div", answer, style="margin-top:8px"))
            lines.append(answer)
        if replay.outcome:
            parts.append(el("div", long(replay.outcome), style="margin-top:8px"))
            lines.append(long(replay.outcome))
    if replay.divergence is not None:
        told = long(with_cells(str(replay.divergence)))
        parts.append(code(told))
        lines.append(told)
    return Page(whole(mark, *parts), agnt5.visible("\n".join(lines)))


_HEADS = ("name", "value", "")


def _rows(replay: Any) -> list[tuple[str, str, str]]:
    changed = replay.changed
    shown = [(name, text, name in changed) for name, text in replay.locals.items()]
    shown += [(f"state.{name}", repr(value), f"state.{name}" in changed) for name, value in replay.state.items()]
    return [(short(name), short(text, 200), "changed" if new else "") for name, text, new in shown]


def _source(text: str) -> Markup:
    """Lines of source, the current one standing out."""
    rows = [
        el("div", line, style=f"white-space:pre-wrap;{_CURRENT if line.startswith('→') else ''}")
        for line in text.split("\n")
    ]
    return el("div", *rows, style=f"{MONO};margin:6px 0;line-height:1.6")


_CURRENT = "font-weight:700;border-left:3px solid #2f7fd1;padding-left:6px;margin-left:-9px"
