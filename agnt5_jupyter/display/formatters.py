"""Objects that display themselves in a notebook: which class is shown by what.

They are found by the names of their classes, so that loading the extension imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import display_journal, display_run
from .page import Page

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def _card(name: str) -> Callable[[Any], None]:
    """A view that shows a card."""

    def shown(value: Any) -> None:
        from . import cards
        from .publish import show_page

        page: Page = getattr(cards, name)(value)
        show_page(page, "")

    return shown


VIEWS: dict[tuple[str, str], Callable[[Any], None]] = {
    ("agnt5.run", "Run"): display_run,
    ("agnt5.journal", "Journal"): display_journal,
    ("agnt5.agent.agent", "Agent"): _card("agent_card"),
    ("agnt5.workflow.workflow", "Workflow"): _card("workflow_card"),
    ("agnt5.component", "Component"): _card("component_card"),
    ("agnt5.tool", "Tool"): _card("tool_card"),
}


def register(shell: InteractiveShell) -> None:
    """Have these objects displayed so."""
    formatter: Any = shell.display_formatter
    for (module, name), view in VIEWS.items():
        formatter.ipython_display_formatter.for_type_by_name(module, name, view)


def unregister(shell: InteractiveShell) -> None:
    formatter: Any = shell.display_formatter
    shown = formatter.ipython_display_formatter
    for module, name in VIEWS:
        shown.deferred_printers.pop((module, name), None)
        for cls in [one for one in shown.type_printers if (one.__module__, one.__name__) == (module, name)]:
            shown.pop(cls)
