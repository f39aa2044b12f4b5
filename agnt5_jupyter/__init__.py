"""The notebook side of AGNT5: `%load_ext agnt5_jupyter` (or `%load_ext agnt5`), then `%agnt5 --help`.

It speaks to AGNT5 through public names only, and shows recorded text as text, never as markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Called by `%load_ext agnt5_jupyter`: the magic `%agnt5`, completion, and displays of runs and journals."""
    from .extension import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Called by `%unload_ext agnt5_jupyter`: takes all of it away again."""
    from .extension import unload

    unload(shell)


__all__ = ["load_ipython_extension", "unload_ipython_extension"]
