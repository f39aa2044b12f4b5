"""What a module is called in records. A script is called as it would be if it were imported, so that what
`python app.py` recorded is the same to `import app` and to `agnt5 ... --app app.py`.

Cells and prompts have no file: their module stays `__main__`. This only looks at what is loaded; it imports nothing.
"""

from __future__ import annotations

import sys
from pathlib import PurePath
from types import ModuleType

from agnt5.notebook import under_ipython

MAIN = "__main__"
_MAINS = (MAIN, "__mp_main__")  # the second in processes that multiprocessing spawned


def recorded_name(module: str) -> str:
    """The name for records of a module that calls itself this."""
    return (_script() or MAIN) if module in _MAINS else module


def find_module(name: str) -> ModuleType | None:
    """The loaded module that has this name in records."""
    return sys.modules.get(MAIN if name == _script() else name) or sys.modules.get(name)


def _script() -> str | None:
    """Name of the script that this program is, None when it is none."""
    main = sys.modules.get(MAIN)
    if main is None or under_ipython():
        return None
    spec = getattr(main, "__spec__", None)  # of `python -m`
    if spec is not None:
        return str(spec.name)
    file = getattr(main, "__file__", None)
    return PurePath(file).stem if isinstance(file, str) and file.endswith(".py") else None
