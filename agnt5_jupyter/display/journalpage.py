"""The static page of a journal: its first and last entries with their values, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .page import Page, dot, el, head, plain, table, whole
from .runpage import HEADS, count, entry_rows
from .settings import values_saved

if TYPE_CHECKING:
    from .trace import Trace

_ROWS = 60


def journal_page(trace: Trace, mark: str) -> Page:
    values = values_saved()
    entries = trace.entries
    half = _ROWS // 2
    some = [*entries[:half], *entries[max(half, len(entries) - half) :]] if len(entries) > _ROWS else [*entries]
    rows = entry_rows(some, trace.created, values=values)
    heads = (*HEADS, "input", "output") if values else HEADS
    title = f"Journal of {trace.component}"
    size = count(len(entries), "entry", "entries")
    parts = [head(title, dot(trace.status), el("code", trace.run_id), size)]
    lines = [f"{title}  {trace.status}  {trace.run_id}  {size}"]
    if rows:
        parts.append(table(heads, [(row[0], dot(row[1]), *row[2:]) for row in rows]))
        lines.append(plain(heads, rows))
    if len(some) < len(entries):
        hidden = f"{len(entries) - len(some):,} entries between the first {half} and the last {half} are not shown"
        parts.append(el("div", hidden, style="opacity:.72"))
        lines.append(hidden)
    return Page(whole(mark, *parts), "\n".join(lines))
