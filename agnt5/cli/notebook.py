"""The definitions of a notebook, without running it: a cell that starts runs must not start them again here.

Executed are imports, functions, classes, and assignments that call nothing but classes (a capitalised name:
`Path("x")`, `ExponentialBackoff()`). When a definition needs a name that only the rest of the notebook makes, the
notebook is refused: a flow must not fail for good because a global was missing.
"""

from __future__ import annotations

import ast
import json
import linecache
import sys
import types
from pathlib import Path

from ..errors import ConfigurationError
from .definitions import Cell, is_definition, read, refuse_missing

MODULE = "__main__"  # where a kernel defines what its cells define


def cells_of(path: Path) -> list[Cell]:
    """The code cells of a notebook's file. ConfigurationError when it is none, or a cell cannot be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        sources = ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code"]
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: there is no such file") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path}: this is not a notebook (nbformat 4)") from error
    return read(sources, str(path))


def load_notebook(path: Path) -> None:
    """Execute the definitions of all code cells, in order, as the module `__main__`.

    Raises ConfigurationError when the file is not a notebook, a cell cannot be read, or a definition depends on code
    that was left out.
    """
    cells = cells_of(path)
    refuse_missing(str(path), cells)

    sys.path.insert(0, str(path.resolve().parent))
    module = types.ModuleType(MODULE)
    module.__dict__["__file__"] = str(path)
    sys.modules[MODULE] = module
    for source, name, tree in cells:
        # inspect.getsource finds a cell's functions through linecache, as it does in a kernel.
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        kept = ast.Module([statement for statement in tree.body if is_definition(statement)], [])
        exec(compile(kept, name, "exec"), module.__dict__)
