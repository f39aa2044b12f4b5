"""Journals and runs as tables: rows for pandas, typed columns for Arrow.

pandas gets Python's own values; Arrow, whose columns have one type each, gets values as the text they are recorded
with, from which nothing is lost. pandas and pyarrow are imported when a table is made, never before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from agnt5.errors import ConfigurationError

if TYPE_CHECKING:
    from agnt5.entry import Entry
    from agnt5.run import Run

Row = Mapping[str, Any]

# Name of a column, and its type in Arrow.
RUNS: dict[str, str] = {
    "id": "string",
    "component": "string",
    "status": "string",
    "created": "time",
    "duration": "span",
    "error": "string",
    "tags": "json",
    "parent": "string",
    "caller": "string",
}
ENTRIES: dict[str, str] = {
    "seq": "int64",
    "path": "string",
    "kind": "string",
    "name": "string",
    "input": "recorded",
    "output": "recorded",
    "error": "string",
    "attempts": "int64",
    "started": "time",
    "ended": "time",
    "depth": "int64",
    "meta": "json",
}


def run_row(run: Run) -> Row:
    parent, caller = run.parent, run.caller
    return {
        "id": run.id,
        "component": run.component,
        "status": str(run.status),
        "created": run.created,
        "duration": run.duration,
        "error": run.error,
        "tags": run.tags,
        "parent": None if parent is None else parent.id,
        "caller": None if caller is None else caller.id,
    }


def entry_row(entry: Entry) -> Row:
    return {name: getattr(entry, name) for name in ENTRIES}


def recorded_row(entry: Entry) -> Row:
    """The same with values as text: the codec's JSON for what was asked and answered, None where there is nothing."""
    row = dict(entry_row(entry))
    row["input"] = _text(entry.stored_input)
    row["output"] = None if entry.error else _text(entry.stored_output)
    return row


def _text(stored: bytes) -> str | None:
    return stored.decode("utf-8", "backslashreplace") if stored else None


def frame(columns: Mapping[str, str], rows: Iterable[Row]) -> Any:
    """A DataFrame with these columns, also when there are no rows."""
    try:
        import pandas  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:
        raise _needs("a DataFrame", "pandas") from error
    return pandas.DataFrame(list(rows), columns=list(columns))


def arrow_table(columns: Mapping[str, str], rows: Iterable[Row]) -> Any:
    """An Arrow table with these columns and their types, also when there are no rows."""
    try:
        arrow = cast("Any", import_module("pyarrow"))  # it has no types
    except ImportError as error:
        raise _needs("an Arrow table", "pyarrow") from error
    types: dict[str, Callable[[], Any]] = {
        "string": arrow.string,
        "recorded": arrow.large_string,
        "json": arrow.string,
        "int64": arrow.int64,
        "time": lambda: arrow.timestamp("us", tz="UTC"),
        "span": lambda: arrow.duration("us"),
    }
    found = list(rows)
    arrays: list[Any] = []
    for name, kind in columns.items():
        values = [row[name] for row in found]
        if kind == "json":
            values = [json.dumps(value, ensure_ascii=False) if value else None for value in values]
        arrays.append(arrow.array(values, type=types[kind]()))
    return arrow.Table.from_arrays(arrays, names=list(columns))


def _needs(what: str, library: str) -> ConfigurationError:
    return ConfigurationError(f"{what} needs {library}, which is not installed here: `pip install agnt5[data]`.")
