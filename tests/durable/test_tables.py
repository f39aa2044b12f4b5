"""Journals and lists of runs as DataFrames and Arrow tables."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta

import pandas
import pyarrow

import agnt5
from agnt5 import Context, RunList, flow


def pair(n: int) -> tuple[int, str]:
    return n, "x" * n


def fails() -> None:
    raise ValueError("no")


@flow
async def mixed(ctx: Context, n: int) -> None:
    await ctx.call(pair, n)
    await ctx.state.set("n", n)
    await ctx.call(fails)


async def test_a_journal_in_pandas_holds_values_and_in_arrow_what_is_recorded() -> None:
    run = mixed.start(2)
    journal = await wait(run)
    frame = journal.to_pandas()
    assert list(frame["path"]) == [entry.path for entry in journal]
    assert frame.loc[0, "output"] == (2, "xx")
    assert frame.loc[1, "input"] == 2
    assert frame.loc[2, "error"] == "ValueError: no"
    assert frame["started"].dt.tz is not None
    table = journal.to_arrow()
    assert table.column_names == list(frame.columns)
    first, _, last = table.to_pylist()
    assert "xx" in str(json.loads(first["output"])), "JSON"
    assert first["output"].encode() == journal[0].stored_output
    assert last["output"] is None
    assert last["error"] == "ValueError: no"
    assert table.schema.field("started").type == pyarrow.timestamp("us", tz="UTC")
    assert table.schema.field("attempts").type == pyarrow.int64()


async def test_a_list_of_runs_is_a_table() -> None:
    run = mixed.start(1)
    await wait(run)
    fork = run.fork(0)
    await wait(fork)
    runs = agnt5.runs()
    assert isinstance(runs, RunList)
    assert runs == [fork, run]
    frame = runs.to_pandas()
    assert list(frame["id"]) == [fork.id, run.id]
    assert frame.loc[0, "parent"] == run.id
    assert frame["parent"].isna().tolist() == [False, True]
    assert frame.loc[0, "duration"] == fork.duration
    table = runs.to_arrow()
    assert table.column("status").to_pylist() == ["failed", "failed"]
    assert all(isinstance(one, timedelta) for one in table.column("duration").to_pylist())


def test_an_empty_list_has_its_columns_and_types() -> None:
    frame, table = agnt5.runs().to_pandas(), agnt5.runs().to_arrow()
    assert isinstance(frame, pandas.DataFrame)
    assert table.num_rows == len(frame) == 0
    assert list(frame.columns) == table.column_names
    assert table.schema.field("created").type == pyarrow.timestamp("us", tz="UTC")


async def wait(run: agnt5.Run) -> agnt5.Journal:
    with contextlib.suppress(agnt5.RunFailed):
        await run
    return run.journal
