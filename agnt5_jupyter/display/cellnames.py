"""Cells by the numbers that stand beside them, in place of the files that kernels name them by."""

from __future__ import annotations

import re
import sys
from typing import Any

_FILE = r"<ipython-input-[^>\s]+>|[^\s\"']*ipykernel_\d+[\\/]\d+\.py"
_PLACE = re.compile(rf"({_FILE}):(\d+)")


def cell_of(path: str) -> str:
    """What to call the cell that a file's name means: `In[3]`, or `a cell` of an earlier session; "" for a file."""
    if not re.fullmatch(_FILE, path):
        return ""
    # Not imported to find out: where there is no IPython there are no cells.
    get_ipython: Any = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell: Any = None if get_ipython is None else get_ipython()
    named: Any = None if shell is None else shell.compile.format_code_name(path)
    return named[1] if named else "a cell"


def with_cells(text: str) -> str:
    """The text with places in cells told by their numbers: `In[3], line 5`."""
    return _PLACE.sub(lambda found: f"{cell_of(found[1])}, line {found[2]}", text)
