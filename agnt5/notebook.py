"""Whether this process is IPython's, and what its notebook is called.

It only looks at what has been imported already: asking must never import IPython.
"""

from __future__ import annotations

import os
import re
import sys
import zlib
from typing import Any

_LONGEST = 80


def ipython() -> Any:
    """The running shell, or None."""
    module = sys.modules.get("IPython")
    get = getattr(module, "get_ipython", None)
    return get() if get is not None else None


def under_ipython() -> bool:
    return ipython() is not None


def notebook_name() -> str | None:
    """The notebook's file name without its suffix, fit for a directory; None outside notebooks.

    VS Code leaves the path in the user's namespace, Jupyter Server in the environment. The environment alone proves
    nothing: a script started from a notebook inherits it.
    """
    told = _told_path()
    return None if told is None else safe_name(told)


def notebook_path() -> str | None:
    """The notebook's file, when it is known and there; None otherwise."""
    told = _told_path()
    return os.path.abspath(told) if told and told.endswith(".ipynb") and os.path.isfile(told) else None


def _told_path() -> str | None:
    """What the front end says that the notebook is; "" when it says nothing, None outside notebooks."""
    shell = ipython()
    if shell is None:
        return None
    return str(shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME") or "")


def safe_name(path: str) -> str | None:
    """A name for a directory from a notebook's path, or None when it has none."""
    stem = re.split(r"[/\\]", path)[-1].removesuffix(".ipynb")
    name = re.sub(r"[^A-Za-z0-9._]+", "-", stem).strip("-._")[:_LONGEST].rstrip("-._")
    if name or not stem.strip("-._ "):
        return name or None
    # A name in another script: still one store for each notebook.
    return f"notebook-{zlib.crc32(stem.encode('utf-8', 'surrogatepass')):08x}"
