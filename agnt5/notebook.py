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
    shell = ipython()
    if shell is None:
        return None
    path = shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME") or ""
    return safe_name(str(path))


def safe_name(path: str) -> str | None:
    """A name for a directory from a notebook's path, or None when it has none."""
    stem = re.split(r"[/\\]", path)[-1].removesuffix(".ipynb")
    name = re.sub(r"[^A-Za-z0-9._]+", "-", stem).strip("-._")[:_LONGEST].rstrip("-._")
    if name or not stem.strip("-._ "):
        return name or None
    # A name in another script: still one store for each notebook.
    return f"notebook-{zlib.crc32(stem.encode('utf-8', 'surrogatepass')):08x}"
