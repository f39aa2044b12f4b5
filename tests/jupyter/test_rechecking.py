"""The line after a cell that changed a flow: what it says, what it leaves out, and when it is silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

import agnt5
from agnt5_jupyter.rechecking import Rechecker, told

Cell = Callable[[str], str]
Lines = Callable[..., list[str]]


@pytest.fixture
def lines(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """Run cells, and get the lines that their changes gave."""
    shell.run_line_magic("unload_ext", "agnt5_jupyter")
    rechecker = Rechecker()

    def run(*cells: str) -> list[str]:
        for text in cells:
            shell.run_cell(text).raise_error()
            rechecker.after_cell()
        rechecker.finish()
        return [line for line in capsys.readouterr().out.splitlines() if "changed" in line]

    yield run
    rechecker.close()
    shell.run_line_magic("load_ext", "agnt5_jupyter")


SETUP = "import agnt5\nfrom agnt5 import flow\ndef work(x): return x\ndef other(x): return x\n"
FLOW = "@flow\nasync def order_flow(ctx, n):\n    for i in range(n):\n        await ctx.call({step}, i)\n"


def test_some_replay_and_some_do_not(lines: Lines) -> None:
    assert lines(SETUP, FLOW.format(step="work"), "for n in range(3): order_flow.run_sync(n)") == []
    (line,) = lines(FLOW.format(step="work if i == 0 else other"))
    (diverging,) = [run for run in agnt5.runs() if run.input.args == (2,)]
    assert line == f"order_flow changed: 2 of 3 recorded runs replay, {diverging.id} diverges at other (entry 3)"


def test_nothing_is_said_of_what_did_not_change_or_has_no_runs(lines: Lines) -> None:
    assert lines(SETUP, FLOW.format(step="work"), FLOW.format(step="other")) == []
    assert lines("order_flow.run_sync(1)", FLOW.format(step="other"), "x = 1") == []
    assert lines("# a comment\n" + FLOW.format(step="other")) == []


def test_a_helper_that_the_flow_calls_is_part_of_it(lines: Lines) -> None:
    asks = "@flow\nasync def asking(ctx):\n    for name in names(): await ctx.call(work, name)\n"
    assert lines(SETUP, "def names(): return ['a', 'b']", asks, "asking.run_sync()") == []
    (line,) = lines("def names(): return ['b', 'a']")
    assert line.startswith("asking changed: 0 of 1 recorded run replays, ")


def test_a_run_in_flight_is_checked_as_far_as_it_is_recorded(lines: Lines) -> None:
    waits = "@flow\nasync def in_flight(ctx):\n    await ctx.call(work, 1)\n    await ctx.wait_for_event({event!r})\n"
    start = "run = in_flight.start()\nimport time\nwhile run.status != 'waiting': time.sleep(0.01)"
    assert lines(SETUP, waits.format(event="go"), start) == []
    (line,) = lines(waits.format(event="come"))
    assert "0 of 1 recorded run replays" in line


def test_runs_that_were_not_clean_are_left_alone(lines: Lines, tmp_path: Path) -> None:
    file = str(tmp_path / "out")
    writes = "@flow\nasync def writes(ctx, n):\n    if n: open(file, 'w')\n    await ctx.call({}, n)"
    start = "for n in (0, 1):\n    try: writes.run_sync(n)\n    except agnt5.AGNT5Error: pass"
    assert lines(SETUP, f"file = {file!r}", writes.format("work"), start) == []
    (line,) = lines(writes.format("other"))
    assert line.startswith("writes changed: 0 of 1 recorded run replays, ")
    assert line.endswith(", 1 left out because their code was warned of")


def test_a_check_that_ran_out_of_time_says_so(lines: Lines) -> None:
    lines(SETUP, FLOW.format(step="work"), "for n in range(3): order_flow.run_sync(n)")
    flow = next(one for one in agnt5.components() if one.name == "order_flow")
    assert told("order_flow", agnt5.check(flow, seconds=0.0)) == (
        "order_flow changed: none of its 3 recorded runs was checked"
    )
    report = agnt5.check(flow)
    report.unchecked = 9
    assert told("order_flow", report) == "order_flow changed: 3 of 3 recorded runs replay, not all checked"


def test_looking_creates_no_store(lines: Lines) -> None:
    assert lines(SETUP, FLOW.format(step="work"), FLOW.format(step="other")) == []
    assert not agnt5.settings().store_directory.exists()


def test_prints_and_steps_of_the_checked_code_stay_silent(lines: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    loud = "@flow\nasync def loud(ctx):\n    print('changed here')\n    await ctx.call({step}, 1)\n"
    lines(SETUP, loud.format(step="work"), "loud.run_sync()")
    (line,) = lines(loud.format(step="other"))
    assert line.startswith("loud changed: 0 of 1")


def test_an_agent_whose_cell_changed(lines: Lines) -> None:
    agent = "bot = agnt5.Agent('bot', {told!r}, llm=ScriptedLLM(['hi']))"
    assert (
        lines(
            "import agnt5\nfrom agnt5.llm import ScriptedLLM",
            agent.format(told="Be kind."),
            "str(bot.run_sync('hello'))",
        )
        == []
    )
    assert lines(agent.format(told="Be kind.")) == []
    (line,) = lines(agent.format(told="Be rude."))
    assert line.startswith("bot changed: 0 of 1 recorded run replays, ")
