"""The notebook side of AGNT5: `%load_ext agnt5_jupyter`, then `%agnt5 runs`.

It speaks to AGNT5 through public names only, and shows recorded text as text, never as markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Called by `%load_ext agnt5_jupyter`: defines the line magic `%agnt5`."""
    from .magic import agnt5_magic

    shell.magics_manager.register_function(agnt5_magic, magic_kind="line", magic_name="agnt5")


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Called by `%unload_ext agnt5_jupyter`: takes the magic away again."""
    manager: Any = shell.magics_manager  # traitlets give it no useful types
    manager.magics["line"].pop("agnt5", None)


__all__ = ["load_ipython_extension", "unload_ipython_extension"]
