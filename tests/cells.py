"""A namespace that cells are run in, as a notebook's."""

from __future__ import annotations

import linecache
from typing import Any


class Notebook:
    """`names` are there from the beginning. With `sources`, tracebacks and records find the text of a cell."""

    def __init__(self, *, sources: bool = False, **names: Any) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__, **names}
        self.cells = 0
        self._sources = sources

    def cell(self, source: str, *, with_source: bool = False) -> None:
        self.cells += 1
        name = f"<cell {id(self)} {self.cells}>"
        if with_source or self._sources:
            linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        exec(compile(source, name, "exec", dont_inherit=True), self.names)

    def __getitem__(self, name: str) -> Any:
        return self.names[name]
