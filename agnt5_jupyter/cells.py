"""The raw text of cells that begin with a `%%magic`: Python keeps no source of functions defined there.

A text is given for a function only when compiling it gives that very code again; it never guesses.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections import deque
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_KEPT = 1000


class Cells:
    """Cells of this session that have a cell magic, the newest first."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell: Any = shell
        self._bodies: deque[str] = deque(maxlen=_KEPT)

    def note(self, info: Any) -> None:
        """A cell is about to run."""
        raw: str = info.raw_cell or ""
        if raw.lstrip().startswith("%%"):
            self._bodies.appendleft(raw)

    def source_of(self, function: FunctionType) -> str | None:
        """Its text, when it was defined in such a cell and Python does not know it."""
        code = function.__code__
        if linecache.getlines(code.co_filename, function.__globals__):
            return None
        for body in self._bodies:
            if function.__name__ in body:
                text = self._python(body)
                if text is not None and any(found == code for found in _codes(text)):
                    return _block(text, code.co_firstlineno)
        return None

    def _python(self, raw: str) -> str | None:
        """The Python below the magic, or magics."""
        body = raw
        while body.lstrip().startswith("%%"):
            body = body.lstrip().partition("\n")[2]
        try:
            return self._shell.transform_cell(body)
        except SyntaxError:
            return None


def _codes(text: str) -> Iterator[CodeType]:
    try:
        whole = compile(text, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (SyntaxError, ValueError):
        return
    waiting = [whole]
    while waiting:
        code = waiting.pop()
        yield code
        waiting.extend(one for one in code.co_consts if isinstance(one, CodeType))


def _block(text: str, first: int) -> str | None:
    try:
        return "".join(inspect.getblock(text.splitlines(keepends=True)[first - 1 :])) or None
    except (IndentationError, SyntaxError):
        return None
