"""The user's code, for commands that drive runs: a module, a file or a notebook named by --app or AGNT5_APP.

Importing it registers its components. Notebooks have rules of their own, in `notebook`: they are read, not run.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path

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


def _load_module(name: str) -> None:
    # Console scripts, unlike `python -m`, do not put the working directory on the path; `--app app` should work.
    if (here := os.getcwd()) not in sys.path:
        sys.path.insert(0, here)
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise ConfigurationError(
                f"--app {name}: there is no such module. Give a module that can be imported from here, or a path that "
                "ends in .py or .ipynb."
            ) from error
        raise


def _load_file(path: Path) -> None:
    if not path.is_file():
        raise ConfigurationError(f"--app {path}: there is no such file")
    sys.path.insert(0, str(path.resolve().parent))
    # A script's components were recorded under the module `__main__`; `if __name__ == "__main__"` must stay false here.
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"--app {path}: this is not a Python file (its name should end in .py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
