"""Text for a terminal: tables that fit, times and durations people read, and foreign text made harmless.

Whatever comes from a journal passes `visible` before it is printed: an escape sequence in a recorded value must not
reach the terminal.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from ..secret import mask

_COLOURS = {
    "completed": "32",
    "failed": "31",
    "cancelled": "33",
    "paused": "35",
    "running": "36",
    "waiting": "36",
    "dim": "2",
    "bold": "1",
}


def visible(text: str, *, lines: bool = False) -> str:
    """The text with every character that a terminal would obey made visible; with `lines`, newlines and tabs stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or (lines and c in "\n\t") else _picture(c) for c in text)


def shown(text: str, *, lines: bool = False) -> str:
    """Foreign text as it may be shown: secrets masked, then `visible`."""
    return visible(mask(text), lines=lines)


def _picture(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if unicodedata.category(character) == "Zs":  # no-break and other wide spaces print well
        return " "
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def colour(text: str, name: str) -> str:
    """`text` in the colour of a status (or "dim", "bold"), on a terminal that wants colours; else unchanged."""
    code = _COLOURS.get(name)
    return f"\x1b[{code}m{text}\x1b[0m" if code and wants_colour() else text


def is_screen() -> bool:
    """Whether the output is a terminal that obeys more than ends of lines."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def wants_colour() -> bool:
    """Colours are for terminals, and NO_COLOR (no-color.org) turns them off."""
    return is_screen() and not os.environ.get("NO_COLOR")


def width(text: str) -> int:
    """Columns that a terminal uses for the text."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def fit(text: str, columns: int) -> str:
    """The text cut to so many columns, with an ellipsis where something is missing."""
    if width(text) <= columns:
        return text
    used, kept = 0, ""
    for character in text:
        used += width(character)
        if used > columns - 1:
            break
        kept += character
    return kept + "…"


def terminal_width() -> int:
    """Columns of the terminal; 120 when the output goes elsewhere, so files and pipes depend on no window."""
    return shutil.get_terminal_size((120, 24)).columns if sys.stdout.isatty() else int(os.environ.get("COLUMNS") or 120)


def terminal_height() -> int:
    """Lines of the terminal."""
    return shutil.get_terminal_size((120, 24)).lines


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, status_column: int = -1) -> str:
    """Left-aligned columns under their heads, no wider than the terminal: the last column gives way first."""
    cells = [[shown(cell) for cell in row] for row in rows]
    widths = [max([width(head), *(width(row[i]) for row in cells)]) for i, head in enumerate(heads)]
    room = terminal_width() - sum(widths[:-1]) - 2 * (len(heads) - 1)
    widths[-1] = max(min(widths[-1], room), min(widths[-1], 8))

    def line(row: Sequence[str], *, head: bool = False) -> str:
        parts: list[str] = []
        for i, cell in enumerate(row):
            text = fit(cell, widths[i])
            padded = text + " " * (widths[i] - width(text))
            parts.append(colour(padded, "bold" if head else cell if i == status_column else ""))
        return "  ".join(parts).rstrip()

    return "\n".join([line(heads, head=True), *(line(row) for row in cells)])


def when(microseconds: int) -> str:
    """Local time of a moment given in microseconds since 1970; "" for none."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(microseconds / 1e6)) if microseconds else ""


def lasted(microseconds: int) -> str:
    """A duration in the two units that matter: 850 us, 12 ms, 3.4 s, 2 min 5 s, 3 h 20 min, 2 d 4 h."""
    if microseconds < 1000:
        return f"{max(microseconds, 0)} us"
    if microseconds < 1_000_000:
        return f"{microseconds // 1000} ms"
    seconds = microseconds / 1e6
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if minutes < 60:
        return f"{minutes} min {int(seconds % 60)} s"
    return f"{hours} h {minutes % 60} min" if hours < 24 else f"{days} d {hours % 24} h"


def size(octets: int) -> str:
    """A size in bytes, kB, MB or GB (powers of 1000)."""
    amount = float(octets)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def as_json(value: Any) -> str:
    """JSON for other programs: secrets masked, and ASCII only, which keeps escape sequences inert."""
    return mask(json.dumps(value, indent=2, ensure_ascii=True, default=repr))
