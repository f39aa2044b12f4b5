"""Putting a panel into the cell that runs: its static page as an output of its own, then the widget, which hides it.

Both, because JupyterLab shows nothing of a widget whose kernel is gone, and pages that run no script show no widget.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .page import Page

if TYPE_CHECKING:
    from .panel import Panel

_VIEW = "application/vnd.jupyter.widget-view+json"
# Pages renewed since the last cell ended, by their marks.
_late: dict[str, Page] = {}


def in_kernel() -> bool:
    """Whether a notebook may be listening, rather than a terminal."""
    shell: Any = import_module("IPython").get_ipython()
    return shell is not None and getattr(shell, "kernel", None) is not None


def show(panel: Panel, page: Page) -> None:
    """The page, then the panel. In a terminal only the page's text."""
    show_page(page, panel.mark)
    if not in_kernel():
        return
    view = {"version_major": 2, "version_minor": 0, "model_id": panel.model_id}
    # No text/plain: it would be printed below the page wherever widgets are unknown.
    _publish({_VIEW: view})


def show_page(page: Page, mark: str) -> None:
    """A page alone. In a terminal only its text."""
    if in_kernel():
        named = {"display_id": mark} if mark else {}
        _publish({"text/html": page.html, "text/plain": page.text}, **named)
    else:
        print(page.text)


def renew(page: Page, mark: str) -> None:
    """Put a newer page in the place of one that was shown, so that what is saved tells how it ended."""
    if not in_kernel():
        return
    _late[mark] = page
    _update(page, mark)


def renew_again() -> None:
    """At the end of a cell: what was renewed since the last one, as an output of this cell. Who executes notebooks
    without a browser listens to the cell that runs only, and would save that a run of an earlier cell still goes on."""
    while _late:
        mark, page = _late.popitem()
        _update(page, mark)


def _update(page: Page, mark: str) -> None:
    import_module("IPython.display").display(
        {"text/html": page.html, "text/plain": page.text}, raw=True, display_id=mark, update=True
    )


def _publish(bundle: dict[str, Any], **named: Any) -> None:
    import_module("IPython.display").display(bundle, raw=True, **named)
