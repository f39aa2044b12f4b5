"""The visual side of the notebook: panels that live, and the static pages that stay in a saved notebook.

A panel shows what a store holds and keeps nothing of its own; each has a page of plain HTML for readers without a
kernel. `told` gives the text/plain of a page; without it the page has words of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from . import streams as streams  # it hears what runs say from now on, before there is a panel

if TYPE_CHECKING:
    from agnt5 import Journal, Run

    from .panel import Panel

Told = Callable[[], str] | None


def lively() -> bool:
    """Whether a notebook may be listening and can show panels: not in a terminal, nor without anywidget."""
    from .publish import in_kernel

    return in_kernel() and find_spec("anywidget") is not None


def display_run(run: Run, told: Told = None) -> None:
    """A run, live while it goes on."""
    from .runpanel import RunPanel

    _show(RunPanel(run), told)


def display_journal(source: Run | Journal, told: Told = None) -> None:
    """The journal of a run, followed while it goes on, or a journal that was read or loaded."""
    from .journalpanel import JournalPanel

    _show(JournalPanel(source), told)


def display_replay(replay: Any, told: Told = None) -> None:
    """A walk through a recorded run, as `run.replay()` gives it; forks are made from there."""
    from .replaypanel import ReplayPanel

    _show(ReplayPanel(replay), told)


def display_diff(diff: Any, told: Told = None) -> None:
    """Two runs side by side, as `run.diff(other)` compares them."""
    from .diffpanel import DiffPanel

    _show(DiffPanel(diff), told)


def display_tree(run: Run, told: Told = None) -> None:
    """A run among those it was made of and those made of it: forks and reruns."""
    from .treepanel import TreePanel

    _show(TreePanel(run), told)


def display_memory(memory: Any, told: Told = None) -> None:
    """What a Memory holds, or one kind of it, or an agent's."""
    from .memorypanel import MemoryPanel

    _show(MemoryPanel(memory), told)


def display_card(target: Any) -> None:
    """What an agent, workflow, flow, function or tool is; nothing of it lives."""
    from .cards import card_of
    from .publish import show_page

    show_page(card_of(target), "")


def display_runs(runs: Sequence[Run]) -> None:
    """Runs as a list; nothing of it lives."""
    from .lists import runs_page
    from .publish import show_page

    show_page(runs_page(runs), "")


def display_components(components: Iterable[Any]) -> None:
    """What can be run, as a list."""
    from .lists import components_page
    from .publish import show_page

    show_page(components_page(components), "")


def settle() -> None:
    """A cell has run: pages of runs that have ended by now tell how, also in a notebook that is saved at once."""
    from .follower import follower
    from .publish import renew_again

    follower.look_now()
    renew_again()


def _show(panel: Panel, told: Told) -> None:
    from .publish import show

    panel.told = told
    show(panel, panel.printed())


__all__ = [
    "display_card",
    "display_components",
    "display_diff",
    "display_journal",
    "display_memory",
    "display_replay",
    "display_run",
    "display_runs",
    "display_tree",
    "lively",
    "settle",
]
