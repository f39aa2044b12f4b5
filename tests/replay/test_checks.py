"""Checks: which recorded runs does the code of now still replay, and where do the others part from it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import agnt5
from agnt5 import ConfigurationError, Context, flow, function
from replay.corpus import CORPUS, executed, fetch
from replay.playing import record


@pytest.mark.parametrize("name", CORPUS)
async def test_unchanged_code_replays(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    run = await record(CORPUS[name])
    executed.clear()
    report = agnt5.check(CORPUS[name].component)
    assert report.ok, str(report)
    assert run.id in [one.run_id for one in report]
    assert set(executed) <= {"finally"}
    assert capfd.readouterr() == ("", "")


@flow(name="reports")
async def reports(ctx: Context, day: str) -> str:
    text = await ctx.call(fetch, day)
    await ctx.state.set("day", day)
    return text


def changed(body: Any) -> Any:
    return flow(body, name="reports")


async def told(code: Any) -> agnt5.replay.check.Checked:
    await reports.start("monday")
    report = agnt5.check(changed(code))
    assert not report.ok
    assert len(report) == 1
    return report[0]


async def test_another_command_is_told_with_both_lines() -> None:
    async def code(ctx: Context, day: str) -> str:
        text = await ctx.call(fetch, day)
        await ctx.state.set("weekday", day)
        return text

    found = await told(code)
    assert found.verdict == "diverges"
    assert found.recorded.startswith('state set "day"')
    assert found.asked.startswith('state set "weekday"')
    text = str(found)
    assert 'await ctx.state.set("day", day)' in text, "the recorded line"
    assert 'await ctx.state.set("weekday", day)' in text, "the line of now"
    assert f"at entry {found.seq}" in text
    assert "test_checks.py" in found.asked


async def test_code_that_returns_early_and_code_that_goes_on() -> None:
    async def early(ctx: Context, day: str) -> str:
        return await ctx.call(fetch, day)

    found = await told(early)
    assert found.verdict == "diverges"
    assert found.recorded.startswith('state set "day"')
    assert "returned" in found.asked or "ended" in found.asked

    async def late(ctx: Context, day: str) -> str:
        text = await ctx.call(fetch, day)
        await ctx.state.set("day", day)
        return await ctx.call(fetch, text)

    found = agnt5.check(changed(late))[0]
    assert found.verdict == "diverges"
    assert "end" in found.recorded


async def test_code_that_waits_for_something_else_for_ever() -> None:
    async def code(ctx: Context, day: str) -> str:
        text = await ctx.call(fetch, day)
        await asyncio.get_running_loop().create_future()
        return text

    found = await told(code)
    assert found.verdict == "diverges"
    assert found.asked.startswith("nothing more at this point at ")
    assert "await asyncio.get_running_loop().create_future()" in str(found), "where it waits"


async def test_code_that_does_io_cannot_be_replayed() -> None:
    async def code(ctx: Context, day: str) -> str:
        with open("/tmp/never", "w") as file:
            file.write(day)
        return await ctx.call(fetch, day)

    found = await told(code)
    assert found.verdict == "cannot replay"
    assert found.reason.startswith("FlowIOError")


async def test_a_signature_that_no_longer_fits() -> None:
    async def code(ctx: Context) -> str:
        return await ctx.call(fetch, "monday")

    found = await told(code)
    assert found.verdict == "diverges"
    assert "the code ended with TypeError" in found.asked


async def test_all_components_newest_first_and_the_last_few() -> None:
    @function
    async def counts(ctx: Context) -> int:
        return 1

    await counts.start()
    for day in ("monday", "tuesday", "wednesday"):
        await reports.start(day)
    await record(CORPUS["in_sequence"])
    report = agnt5.check()
    assert [one.component for one in report] == ["in_sequence", "reports", "reports", "reports"]
    assert report.memos == 1
    assert "reports: 3 of 3 recorded runs replay" in str(report)
    assert len(agnt5.check("reports", last=2)) == 2
    assert agnt5.check("reports", seconds=0).unchecked == 3
    assert "not all checked: 3" in str(agnt5.check("reports", seconds=0))
    assert json.loads(json.dumps(report.to_dict()))["ok"]


async def test_a_flow_that_is_gone_is_told_by_its_name() -> None:
    @flow
    async def short_lived(ctx: Context) -> None:
        await ctx.call(fetch, "x")

    await short_lived.start()
    kept = agnt5.registry.snapshot()
    agnt5.registry._components.pop("short_lived")
    try:
        (found,) = agnt5.check()
    finally:
        agnt5.registry.restore(kept)
    assert found.verdict == "cannot replay"
    assert "nothing is called 'short_lived'" in found.reason
    with pytest.raises(ConfigurationError, match="Nothing is called"):
        agnt5.check("nobody")
    with pytest.raises(ConfigurationError, match="is no flow"):
        agnt5.check(fetch)


async def test_waiting_runs_are_replayed_as_far_as_they_are() -> None:
    @flow
    async def waits_here(ctx: Context) -> str:
        first = await ctx.call(fetch, "a")
        return first + await ctx.wait_for_event("go on")

    run = waits_here.start()
    while len(run.journal) < 2:
        await asyncio.sleep(0.01)
    assert agnt5.check(waits_here).ok
    run.cancel()


async def spoken() -> None:
    """Never awaited by the flow below."""


@flow(name="now and then")
async def now_and_then(ctx: Context, how: str, file: str) -> None:
    await ctx.call(fetch, how)
    if how == "forgets":
        spoken()
    if how == "writes":
        open(file, "w").close()


async def test_a_check_that_nobody_asked_for_leaves_out_what_was_not_clean(tmp_path: Path) -> None:
    quiet = now_and_then.start("quiet", "")
    await quiet
    await now_and_then.start("forgets", "")
    with pytest.raises(agnt5.AGNT5Error):
        await now_and_then.start("writes", str(tmp_path / "out"))
    assert len(agnt5.check(now_and_then)) == 3
    report = agnt5.check(now_and_then, clean=True)
    assert [one.run_id for one in report] == [quiet.id]
    assert report.unclean == report.to_dict()["unclean"] == 2
    assert "not checked: 2 runs whose code was warned of" in str(report)


async def test_the_time_may_end_within_a_long_run() -> None:
    @flow(name="long")
    async def long(ctx: Context) -> None:
        for n in range(1000):
            await ctx.state.set("n", n)
            await ctx.call(fetch, n)

    await long.start()
    report = agnt5.check(long, seconds=0.001)
    assert len(report) == 0
    assert report.unchecked == 1
    assert agnt5.check(long, seconds=60).ok
