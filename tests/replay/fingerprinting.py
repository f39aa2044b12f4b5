"""Code as a cell makes it, and what tells whether it changed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from agnt5.execution.fingerprint import fingerprint


def cell(source: str, more: str = "") -> dict[str, Any]:
    """Names that a cell with this source makes."""
    module = sys.modules["my_cells"] = ModuleType("my_cells")  # dataclasses look theirs up; no file stands behind it
    names = vars(module)
    exec(compile(source, "<cell>", "exec", dont_inherit=True), names)
    exec(compile(more, "<cell 2>", "exec", dont_inherit=True), names)
    return names


def package(place: Path, name: str, words: str, init: str = "") -> Path:
    """A package of the user's with one module, `words`."""
    made = place / name
    made.mkdir()
    (made / "__init__.py").write_text(init)
    (made / "words.py").write_text(words)
    return made


def digest(fn: Any) -> bytes:
    found = fingerprint(fn)
    assert found.reason == ""
    return found.digest
