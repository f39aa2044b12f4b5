"""After a cell that changed a flow: one line that says which recorded runs the code of now still replays.

It works in the background and holds nobody up: only runs whose code kept to itself when they ran, newest first, muted,
and within a few seconds. It says nothing about what has no recorded runs.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from typing import Any, NamedTuple

import agnt5

from .table import inert

SECONDS = 3.0
"""How long one flow's runs are looked at."""


class _Cell(NamedTuple):
    """What was defined when a cell had run, and where a print of it lands."""

    flows: dict[str, Any]
    redefined: set[str]
    context: contextvars.Context


class Rechecker:
    """Follows the definitions of flows from cell to cell."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._flows: dict[str, Any] = {}
        self._versions: dict[str, str] = {}
        self._told: dict[str, str] = {}
        self._cells: queue.Queue[_Cell | None] = queue.Queue()
        self._thread: threading.Thread | None = None

    def after_cell(self, *_: Any) -> None:
        """A cell has run."""
        flows = {one.name: one for one in agnt5.components() if one.kind_name == "flow"}
        redefined = {name for name, flow in flows.items() if self._flows.get(name, flow) is not flow}
        self._flows = flows
        if not flows:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="agnt5-recheck", daemon=True)
            self._thread.start()
        self._cells.put(_Cell(flows, redefined, contextvars.copy_context()))

    def finish(self) -> None:
        """Wait until all cells that have run were looked at."""
        if self._thread is not None:
            self._cells.join()

    def close(self) -> None:
        self._cells.put(None)

    def _work(self) -> None:
        while (cell := self._cells.get()) is not None:
            try:
                lines = self._lines(cell)
            except Exception as error:  # the next cell is looked at all the same
                lines = [("", f"recorded runs could not be checked: {type(error).__name__}: {error}")]
            try:
                for name, line in lines:
                    if self._told.get(name) != line:
                        self._told[name] = line
                        cell.context.run(print, inert(line), flush=True)
            finally:
                self._cells.task_done()

    def _lines(self, cell: _Cell) -> list[tuple[str, str]]:
        versions = {name: flow.version for name, flow in cell.flows.items()}
        edited = {name for name, version in versions.items() if self._versions.get(name, version) != version}
        self._versions = versions
        found: list[tuple[str, str]] = []
        for name in cell.flows:
            if name not in cell.redefined | edited or not _has_runs(name):
                continue
            report = agnt5.check(cell.flows[name], seconds=self._seconds, clean=True)
            # A cell that is run again without an edit has nothing to say; an agent's edit is not in its source.
            if name in edited or not report.ok:
                found.append((name, told(name, report)))
        return found


def _has_runs(name: str) -> bool:
    # Nothing is created by looking: a store that does not exist yet has no runs.
    return agnt5.settings().store_directory.is_dir() and bool(agnt5.runs(component=name, limit=1))


def told(name: str, report: agnt5.Report) -> str:
    """The line."""
    if not len(report):
        left = report.unchecked or report.unclean
        return f"{name} changed: none of its {left} recorded runs was checked" if left else f"{name} changed"
    runs = "run replays" if len(report) == 1 else "runs replay"
    parts = [f"{name} changed: {len(report.compatible)} of {len(report)} recorded {runs}"]
    if report.diverging:
        first = report.diverging[0]
        where = f"at {first.path} (entry {first.seq})" if first.path else f"at entry {first.seq}"
        parts.append(f"{first.run_id} diverges {where}")
        if more := len(report.diverging) - 1:
            parts.append(f"{more} more {'diverges' if more == 1 else 'diverge'}")
    if report.impossible:
        parts.append(f"{len(report.impossible)} cannot be replayed")
    if report.unclean:
        parts.append(f"{report.unclean} left out because their code was warned of")
    if report.unchecked:
        parts.append("not all checked")
    return ", ".join(parts)
