"""The visual side of the notebook: panels that live, and the static pages that stay in a saved notebook.

A panel shows what a store holds and keeps nothing of its own; each has a page of plain HTML for readers without a
kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agnt5 import Journal, Run


def display_run(run: Run) -> None:
    """A run, live while it goes on."""
    from .publish import show
    from .runpanel import RunPanel

    show(RunPanel(run))


def display_journal(source: Run | Journal) -> None:
    """The journal of a run, followed while it goes on, or a journal that was read or loaded."""
    from .journalpanel import JournalPanel
    from .publish import show

    show(JournalPanel(source))


def display_replay(replay: Any) -> None:
    """A walk through a recorded run, as `run.replay()` gives it; forks are made from there."""
    from .publish import show
    from .replaypanel import ReplayPanel

    panel = ReplayPanel(replay)
    show(panel)


def display_diff(diff: Any) -> None:
    """Two runs side by side, as `run.diff(other)` compares them."""
    from .diffpanel import DiffPanel
    from .publish import show

    panel = DiffPanel(diff)
    show(panel)


def display_tree(run: Run) -> None:
    """A run among those it was made of and those made of it: forks and reruns."""
    from .publish import show
    from .treepanel import TreePanel

    panel = TreePanel(run)
    show(panel)


def display_memory(memory: Any) -> None:
    """What a Memory holds, or one kind of it, or an agent's."""
    from .memorypanel import MemoryPanel
    from .publish import show

    panel = MemoryPanel(memory)
    show(panel)


__all__ = ["display_diff", "display_journal", "display_memory", "display_replay", "display_run", "display_tree"]
