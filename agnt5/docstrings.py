"""What a docstring says about a function and its parameters, in google, numpy or rst style.

Text only: types come from annotations, never from here. A docstring that no style can read is a description as it is.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any, NamedTuple, cast


class Documentation(NamedTuple):
    """`description`: what comes before the sections; `parameters`: one line of text by name."""

    description: str
    parameters: dict[str, str]


def read_docstring(fn: Any) -> Documentation:
    """The documentation of a callable; empty when it has none of its own."""
    found: Any = fn
    while isinstance(found, functools.partial):
        found = cast("functools.partial[Any]", found).func
    if not inspect.isroutine(found) and not inspect.isclass(found):
        kind = cast("Any", type(found))  # pyright: ignore[reportUnknownArgumentType]
        found = kind.__call__ if kind.__call__.__doc__ else kind
    text = inspect.getdoc(found)
    if not text:
        return Documentation("", {})
    from docstring_parser import ParseError, parse

    try:
        found = parse(text)
    except ParseError:
        return Documentation(text.strip(), {})
    described = {one.arg_name.lstrip("*"): _line(one.description) for one in found.params if one.description}
    return Documentation((found.description or "").strip(), described)


def _line(text: str) -> str:
    return " ".join(text.split())
