"""The text of a class, out of the file or cell that its methods come from. Python itself finds none for a class of a
notebook."""

from __future__ import annotations

import ast
import linecache
import sys
from types import FunctionType
from typing import NamedTuple

from agnt5.execution import inside
from agnt5.execution.members import members


class ClassText(NamedTuple):
    """`text` is None when there is none to be had, as for what `exec` or `type(...)` made; then `line` is 0."""

    file: str
    line: int
    text: str | None


def methods(cls: type) -> list[FunctionType]:
    """The functions that stand in the body of a class; what was assigned to it later has a text of its own."""
    found: list[FunctionType] = []
    for _, value in members(cls):
        for one in [value, *(inside.wrapped(value) or ())]:
            if isinstance(one, FunctionType) and one.__code__.co_qualname.startswith(f"{cls.__qualname__}."):
                found.append(one)
    return found


def text_of_class(cls: type) -> ClassText:
    codes = [one.__code__ for one in methods(cls)]
    module = sys.modules.get(cls.__module__)
    file = codes[0].co_filename if codes else getattr(module, "__file__", None) or ""
    lines = linecache.getlines(file, None if module is None else vars(module)) if file else []
    inner = min((code.co_firstlineno for code in codes if code.co_filename == file), default=0)
    for first, last in _places(file, lines).get(cls.__qualname__, ()):
        if first <= inner <= last or not inner:
            return ClassText(file, first, "".join(lines[first - 1 : last]))
    return ClassText(file, 0, None)


# By file: its lines, as linecache keeps them, and the first and last line of each class in it by its qualified name.
_found: dict[str, tuple[list[str], dict[str, list[tuple[int, int]]]]] = {}
_KEPT = 1000


def _places(file: str, lines: list[str]) -> dict[str, list[tuple[int, int]]]:
    known = _found.get(file)
    if known is not None and known[0] is lines:
        return known[1]
    places: dict[str, list[tuple[int, int]]] = {}
    try:
        _note(ast.parse("".join(lines)), "", places)
    except (SyntaxError, ValueError, RecursionError):  # a cell with magics, or what is no Python
        places.clear()
    if len(_found) >= _KEPT:
        _found.clear()
    _found[file] = (lines, places)
    return places


def _note(node: ast.AST, within: str, places: dict[str, list[tuple[int, int]]]) -> None:
    for child in ast.iter_child_nodes(node):
        below = within
        if isinstance(child, ast.ClassDef):
            first = min([child.lineno, *(one.lineno for one in child.decorator_list)])
            places.setdefault(within + child.name, []).insert(0, (first, child.end_lineno or first))
            below = f"{within}{child.name}."
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            below = f"{within}{child.name}.<locals>."
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            _note(child, below, places)
