"""The user's code, for commands that drive runs: a module, a file or a notebook named by --app or AGNT5_APP.

Importing it registers its components. Notebooks have rules of their own, in `notebook`: they are read, not run.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import linecache
import os
import sys
import types
from pathlib import Path
from typing import TypeGuard

from ..errors import ConfigurationError
from .notebook import load_notebook


def load_app(app: str) -> None:
    """Import `app`: `package.module`, `path/to/file.py` or `path/to/notebook.ipynb`.

    Raises ConfigurationError that names what is missing; an exception of the user's own code passes through.
    """
    path = Path(app)
    if path.suffix == ".ipynb":
        load_notebook(path)
    elif path.suffix == ".py" or os.sep in app:
        _load_file(path)
    else:
        _load_module(app)


def load_as_main(path: Path) -> types.ModuleType:
    """Execute a copy of a notebook's cells as the module `__main__`, which they were in the kernel, but for what is
    below `if __name__ == "__main__":`.

    Classes of cells are recorded under `__main__`: a journal that holds values of them is replayed by code that makes
    the same. ConfigurationError when there is no such file.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path}: there is no such file")
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, str(path))
    tree.body = [kept for one in tree.body for kept in (one.orelse if _only_as_script(one) else [one])]
    sys.path.insert(0, str(path.resolve().parent))
    module = sys.modules["__main__"] = types.ModuleType("__main__")  # without a file, as in a kernel
    linecache.checkcache(str(path))
    exec(compile(tree, str(path), "exec"), module.__dict__)
    return module


def _only_as_script(statement: ast.stmt) -> TypeGuard[ast.If]:
    """`if __name__ == "__main__":`"""
    if not isinstance(statement, ast.If):
        return False
    match statement.test:
        case ast.Compare(ast.Name("__name__"), [ast.Eq()], [ast.Constant("__main__")]):
            return True
        case ast.Compare(ast.Constant("__main__"), [ast.Eq()], [ast.Name("__name__")]):
            return True
        case _:
            return False


def _load_module(name: str) -> None:
    # Console scripts, unlike `python -m`, do not put the working directory on the path; `--app app` should work.
    if (here := os.getcwd()) not in sys.path:
        sys.path.insert(0, here)
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise ConfigurationError(
                f"{name}: there is no such module. Give a module that can be imported from here, or a path that "
                "ends in .py or .ipynb."
            ) from error
        raise


def _load_file(path: Path) -> None:
    if not path.is_file():
        raise ConfigurationError(f"{path}: there is no such file")
    sys.path.insert(0, str(path.resolve().parent))
    # Its name in records is this one also when it is run as a script; `if __name__ == "__main__"` must stay false here.
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path}: this is not a Python file (its name should end in .py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
