"""What views are made of until something livelier shows them: tables and texts, each as `text/plain` and as static
`text/html` of the same cells.

All of it is foreign text: credentials are masked, HTML is escaped, and control characters are made visible so that
neither a browser nor a terminal obeys them.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

import agnt5

_WIDEST = 120


class Table:
    """Rows of cells under heads. `empty` stands where there are no rows."""

    def __init__(self, heads: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "", empty: str = "") -> None:
        self.heads = tuple(heads)
        self.rows = [tuple(_cell(one) for one in row) for row in rows]
        self.caption = inert(caption)
        self.empty = empty or f"no {caption or 'rows'}"

    def __repr__(self) -> str:
        if not self.rows:
            return self.empty
        lines = [self.heads, *self.rows]
        widths = [max(len(row[column]) for row in lines) for column in range(len(self.heads))]
        return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in lines)

    def _repr_html_(self) -> str:
        if not self.rows:
            return f"<p>{html.escape(self.empty)}</p>"
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in self.heads)
        cell = '<td style="text-align:left;white-space:pre">{}</td>'.format
        body = "".join(f"<tr>{''.join(cell(html.escape(text)) for text in row)}</tr>" for row in self.rows)
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Text:
    """Lines as they are."""

    def __init__(self, text: str) -> None:
        self._text = "\n".join(inert(line) for line in agnt5.mask(text).splitlines())

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self._text)}</pre>"


def inert(text: str) -> str:
    """Credentials are masked, and nothing in it is obeyed by a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in agnt5.mask(text))


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    safe = inert(text[: _WIDEST * 4])
    return safe if len(safe) <= _WIDEST else safe[: _WIDEST - 1] + "…"
