"""A list of runs as a notebook shows it: `text/plain` and a static `text/html`, both from the same cells.

Every cell is foreign text: HTML is escaped, and control characters are made visible so that neither a browser nor a
terminal obeys them.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agnt5 import Run

HEADS = ("id", "component", "status", "created", "took", "error")


@dataclass(frozen=True, slots=True)
class RunTable:
    """Rows of text under HEADS."""

    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, runs: Iterable[Run]) -> RunTable:
        """The table of these runs, in their order."""
        return cls(tuple(tuple(_inert(cell) for cell in _cells(run)) for run in runs))

    def __repr__(self) -> str:
        if not self.rows:
            return "no runs yet"
        widths = [max(len(row[i]) for row in (HEADS, *self.rows)) for i in range(len(HEADS))]
        lines = (
            "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in (HEADS, *self.rows)
        )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        if not self.rows:
            return "<p>no runs yet</p>"
        head = "".join(f'<th scope="col">{name}</th>' for name in HEADS)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in self.rows)
        caption = "<caption>durable runs, newest first</caption>"
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(run: Run) -> tuple[str, ...]:
    created = f"{run.created:%Y-%m-%d %H:%M:%S}" if run.created else ""
    duration = run.duration
    took = (
        f"{duration.total_seconds():.3f} s"
        if isinstance(duration, timedelta)
        else f"{duration:.3f} s"
        if duration
        else ""
    )
    error = str(run.error).partition("\n")[0] if run.error else ""
    return (run.id, run.component, str(run.status), created, took, error[:120])


def _inert(text: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
