"""What `%load_ext` sets up in a shell, and `%unload_ext` takes away: the magic, and what follows cells as they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import agnt5

from . import current, show
from .cells import Cells
from .completing import matcher
from .magic import agnt5_magic
from .rechecking import Rechecker

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Extension:
    """Everything of one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell: Any = shell  # traitlets give it no useful types
        self._cells = Cells(shell)
        self._rechecker = Rechecker()
        self._matcher = matcher(shell)
        self._follows = [
            ("pre_run_cell", self._cells.note),
            ("pre_run_cell", show.forget_seen),
            ("post_run_cell", show.settle),
            ("post_run_cell", self._rechecker.after_cell),
        ]

    def load(self) -> None:
        manager = self._shell.magics_manager
        manager.register_function(agnt5_magic, magic_kind="line_cell", magic_name="agnt5")
        self._shell.Completer.custom_matchers.append(self._matcher)
        for event, callback in self._follows:
            self._shell.events.register(event, callback)
        agnt5.set_source_provider(self._cells.source_of)
        show.register(self._shell)

    def unload(self) -> None:
        for kind in ("line", "cell"):
            self._shell.magics_manager.magics[kind].pop("agnt5", None)
        self._shell.Completer.custom_matchers.remove(self._matcher)
        for event, callback in self._follows:
            self._shell.events.unregister(event, callback)
        self._rechecker.close()
        current.forget()
        agnt5.set_source_provider(None)
        show.unregister(self._shell)


_loaded: Extension | None = None


def load(shell: InteractiveShell) -> None:
    """Set up a shell; what an earlier load left is taken away first."""
    global _loaded
    unload(shell)
    _loaded = Extension(shell)
    _loaded.load()


def unload(shell: InteractiveShell) -> None:
    global _loaded
    if _loaded is not None:
        _loaded.unload()
        _loaded = None
