"""The static page of a diff: what each run used, and every row in which they differ."""

from __future__ import annotations

from typing import Any, Final

import agnt5

from .page import INK, Markup, Page, code, dot, el, head, plain, table, whole
from .settings import values_saved
from .words import long, short

TOTALS: Final = (("tokens in", "n"), ("tokens out", "n"), ("cost", "$"), ("time", "s"), ("steps", "n"))
"""Names and units of a diff's totals, in their order."""
WORDS: Final = {
    "same": "= same",
    "input": "≠ other input",
    "output": "≠ other answer",
    "code": "≠ other code",
    "moved": "⇅ moved",
    "removed": "− only in the old run",
    "added": "+ only in the new run",
}
_ROWS = 60
_HEADS = ("", "path", "old", "new")


def diff_page(diff: Any, mark: str) -> Page:
    values = values_saved()
    old, new = diff.old, diff.new
    differ = len(diff.changed)
    told = f"{differ:,} of {len(diff):,} entries differ"
    title = f"Diff of {old.component}"
    sides = [el("span", el("code", one.run_id), " ", dot(str(one.status))) for one in (old, new)]
    parts = [head(title, sides[0], "→", sides[1], told)]
    lines = [f"{title}  {old.run_id} ({old.status}) → {new.run_id} ({new.status})  {told}"]
    used = [(name, _number(a, unit), _number(b, unit), _delta(a, b, unit)) for name, unit, a, b in _totals(diff)]
    if used:
        heads = ("used", "old", "new", "difference")
        parts.append(table(heads, used))
        lines.append(plain(heads, used))
    rows = [_row(row, values) for row in diff.changed[:_ROWS]]
    rows = [*_outer("input of the run", diff.input, values), *rows, *_outer("result", diff.result, values)]
    if rows:
        parts.append(
            el(
                "div",
                table(_HEADS, [(_word(row[0]), row[1], *map(_value, row[2:])) for row in rows]),
                style="margin-top:8px",
            )
        )
        lines.append(plain(_HEADS, rows))
    if differ > _ROWS:
        more = f"{differ - _ROWS:,} more entries differ"
        parts.append(el("div", more, style=INK))
        lines.append(more)
    if diff.code and values:
        parts.append(code(long(diff.code)))
        lines.append(long(diff.code))
    return Page(whole(mark, *parts), agnt5.visible("\n".join(lines)))


def _totals(diff: Any) -> list[tuple[str, str, float, float]]:
    found = zip(TOTALS, *diff.totals, strict=True)
    return [(name, unit, old, new) for (name, unit), old, new in found if old or new]


def _number(value: float, unit: str) -> str:
    if unit == "$":
        return f"${value:,.4f}"
    return f"{value:,.0f}" if unit == "n" else f"{value:,.3f} s"


def _delta(old: float, new: float, unit: str) -> str:
    if old == new:
        return "same"
    sign = "+" if new > old else "−"
    share = f" ({sign}{abs(new - old) / old:.0%})" if old else ""
    return f"{sign}{_number(abs(new - old), unit)}{share}"


def _row(row: Any, values: bool) -> tuple[str, str, str, str]:
    shown = [_answer(one) if values else "" for one in (row.old, row.new)]
    if values and row.kind == "input" and row.changes:
        first = row.changes[0]
        shown = [f"{first.path}: {short(text, 80)}" if text is not None else "" for text in (first.old, first.new)]
    return WORDS[row.kind], short(row.entry.path or row.entry.name, 90), shown[0], shown[1]


def _answer(entry: Any) -> str:
    if entry is None:
        return ""
    return short(entry.error, 80) if entry.error else entry.line("output", 80)


def _outer(what: str, changes: Any, values: bool) -> list[tuple[str, str, str, str]]:
    if not changes:
        return []
    one = changes[0]
    old, new = (short(text, 80) if text is not None and values else "" for text in (one.old, one.new))
    return [("≠ " + what, short(one.path, 90), old, new)]


def _word(text: str) -> Markup:
    return el("span", text, style="white-space:nowrap")


def _value(text: str) -> Markup:
    return el("code", text) if text else Markup("")
