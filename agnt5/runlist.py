"""Runs as a list that can become a table: what `agnt5.runs()` returns.

It is a list of handles; nothing about a run is read before it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnt5 import tables

if TYPE_CHECKING:
    from agnt5.run import Run


class RunList(list["Run"]):
    """Runs, in the order in which they were asked for."""

    def to_pandas(self) -> Any:
        """A DataFrame with a row per run: id, component, status, created (UTC), duration, error, tags, parent (id of
        the run it was forked or rerun from) and caller (id of the run whose child it is). Needs pandas (`pip install
        agnt5[data]`)."""
        return tables.frame(tables.RUNS, map(tables.run_row, self))

    def to_arrow(self) -> Any:
        """The same as an Arrow table; `tags` is JSON. Needs pyarrow (`pip install agnt5[data]`)."""
        return tables.arrow_table(tables.RUNS, map(tables.run_row, self))
