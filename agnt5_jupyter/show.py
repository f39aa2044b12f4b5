"""What a notebook shows: one function a view, each of which displays something in the cell that runs.

Verbs call these and nothing else to show anything, and objects that display themselves go through the same functions.
None of them changes what it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import display, remembered, views
from .table import Text

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from agnt5 import Diff, Journal, Replay, Report, Run

_SHORT = 200
"""Entries that a saved notebook keeps as text; of a longer journal it keeps what the static page shows."""

# Values that a verb showed and also returns: the cell's own display of its last value must not show them again.
_seen: list[Any] = []


def show_run(run: Run) -> None:
    """One run: what it is, how it goes, what came of it."""
    _live(display.display_run, run, lambda: views.run_table(run))


def show_runs(runs: Iterable[Run]) -> None:
    display.display_runs([*runs])


def show_journal(run: Run | Journal) -> None:
    """The entries of a run, or of a journal that was loaded."""
    journal = journal_of(run)
    _live(display.display_journal, run, lambda: views.journal_table(journal), short=len(journal) <= _SHORT)


def show_replay(replay: Replay) -> None:
    """Where a replay stands."""
    _live(display.display_replay, replay, lambda: views.replay_text(replay))


def show_diff(diff: Diff) -> None:
    _live(display.display_diff, diff, lambda: views.diff_view(diff))


def show_tree(run: Run) -> None:
    """A run among those it was made of and those made of it."""
    _live(display.display_tree, run, lambda: views.tree_table(run))


def show_report(report: Report) -> None:
    """Which recorded runs still replay."""
    _display(views.report_text(report))


def show_memory(memory: Any) -> None:
    """What a memory holds: a Memory, one kind of it, or an agent's; None for the list of all namespaces."""
    import agnt5

    if memory is None:
        _display(remembered.namespaces_table())
        return
    held = memory.memory_of(None) if isinstance(memory, agnt5.Agent) else memory
    if display.lively():
        display.display_memory(held, told=lambda: "\n\n".join(map(repr, remembered.tables(held))))
    else:
        for table in remembered.tables(held):
            _display(table)


def show_card(target: Any) -> None:
    """What an agent, workflow, flow, function or tool is."""
    if display.lively():
        display.display_card(target)
    else:
        _display(Text(repr(target)))


def show_components() -> None:
    import agnt5

    display.display_components(agnt5.components())


def journal_of(run: Run | Journal) -> Journal:
    import agnt5

    return run.journal if isinstance(run, agnt5.Run) else run


def seen(value: Any) -> Any:
    """The value, which the cell that returns it will not show again."""
    _seen.append(value)
    return value


def settle(*_: Any) -> None:
    """A cell has run."""
    display.settle()


def forget_seen(*_: Any) -> None:
    """A new cell begins."""
    _seen.clear()


# By the names of their classes: most notebooks need few of them, and importing all would make the extension slow.
_VIEWS: dict[tuple[str, str], Callable[[Any], None]] = {
    ("agnt5.run", "Run"): show_run,
    ("agnt5.runlist", "RunList"): show_runs,
    ("agnt5.agent.agent", "Agent"): show_card,
    ("agnt5.component", "Component"): show_card,
    ("agnt5.tool", "Tool"): show_card,
    ("agnt5.workflow.workflow", "Workflow"): show_card,
    ("agnt5.journal", "Journal"): show_journal,
    ("agnt5.replay.replay", "Replay"): show_replay,
    ("agnt5.replay.diff", "Diff"): show_diff,
    ("agnt5.replay.check", "Report"): show_report,
    ("agnt5.memory.group", "Memory"): show_memory,
    ("agnt5.memory.working", "WorkingMemory"): show_memory,
    ("agnt5.memory.episodic", "EpisodicMemory"): show_memory,
    ("agnt5.memory.semantic", "SemanticMemory"): show_memory,
    ("agnt5.memory.procedural", "ProceduralMemory"): show_memory,
}


def register(shell: InteractiveShell) -> None:
    """Have these objects displayed through this module; within lists and the like they are one line."""
    views, texts = _formatters(shell)
    for (module, name), view in _VIEWS.items():
        views.for_type_by_name(module, name, _once(view))
        texts.for_type_by_name(module, name, _briefly)


def unregister(shell: InteractiveShell) -> None:
    for formatter in _formatters(shell):
        for name in _VIEWS:
            formatter.deferred_printers.pop(name, None)
        for cls in [one for one in formatter.type_printers if _named(one) in _VIEWS]:
            formatter.pop(cls)


def _formatters(shell: InteractiveShell) -> tuple[Any, Any]:
    formatter: Any = shell.display_formatter
    return formatter.ipython_display_formatter, formatter.formatters["text/plain"]


def _briefly(value: Any, printer: Any, cycle: bool) -> None:
    printer.text(repr(value))


def _named(cls: type) -> tuple[str, str]:
    return cls.__module__, cls.__name__


def _once(view: Callable[[Any], None]) -> Callable[[Any], None]:
    def displayed(value: Any) -> None:
        if not any(one is value for one in _seen):
            view(value)

    return displayed


def _live(panel: Callable[..., None], value: Any, table: Callable[[], Any], *, short: bool = True) -> None:
    """A panel, with the table as its plain text if that is short; in a terminal, or without anywidget, the table."""
    if display.lively():
        panel(value, told=(lambda: repr(table())) if short else None)
    else:
        _display(table())


def _display(shown: Any) -> None:
    publish: Any = import_module("IPython.display").display  # it has no useful types
    publish(shown)
