"""What the tab key offers, and how much of the line it replaces."""

from __future__ import annotations

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from agnt5 import Context, flow
from agnt5_jupyter.completing import offer


def first(n: int) -> int:
    return n


@flow
async def two_steps(ctx: Context, n: int) -> int:
    return await ctx.call(first, n) + await ctx.call(first, n)


@pytest.fixture
def shell_with_run(shell: InteractiveShell) -> InteractiveShell:
    run = two_steps.start(1, run_id="r_one")
    run.result()
    shell.user_ns.update(mine=run, first=first)
    return shell


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("%agnt5 rer", ["rerun"]),
        ("x = %agnt5 rer", ["rerun"]),
        ("%%agnt5 age", ["agent"]),
        ("%agnt5 run two", ["two_steps"]),
        ("%agnt5 run two_steps --w", ["--wait"]),
        ("%agnt5 fork --set first=1 --inflight re", ["rerun", "reuse"]),
        ("%agnt5 show ", ["mine", "r_one"]),
        ("%agnt5 diff mine r_o", ["r_one"]),
        ("%agnt5 event go --to mi", ["mine"]),
        ("%agnt5 fork r_one --at fi", ["first", "first#2"]),
        ("%agnt5 fork r_one --at first#", ["first#2"]),
        ("%agnt5 fork r_one --at 1", ["1"]),
        ("%agnt5 replay r_one --at 2", []),  # an answer: what is shown are entries 1 and 3
        ("%agnt5 replay r_one --at 3", ["3"]),
        ("%agnt5 rerun mine --always first#", ["first#2"]),
        ("%agnt5 rerun mine --always 3", []),
        ("%agnt5 fork nobody --at fi", []),
        ("%agnt5 runs --component two", ["two_steps"]),
        ("%agnt5 config log_", ["log_level"]),
        ("%agnt5 agent helper --tools two_steps,fir", ["first"]),
        ("%agnt5 fork mine --set first=", []),
        ("%agnt5 nonsense ", []),
        ("%agnt5 runs mo", []),
        ("agnt5 re", []),
        ("", []),
    ],
)
def test_offers(shell_with_run: InteractiveShell, line: str, offered: list[str]) -> None:
    assert offer(line, shell_with_run.user_ns)[0] == offered


def test_nobody_else_is_asked_where_there_is_an_answer(shell_with_run: InteractiveShell) -> None:
    with provisionalcompleter():
        for line, offered in [("%agnt5 runs --st", "--status"), ("%agnt5 fork r_one --at first#", "first#2")]:
            (one,) = shell_with_run.Completer.completions(line, len(line))
            assert (line[: one.start] + one.text) == line.rpartition(" ")[0] + " " + offered
        assert "first" in [one.text for one in shell_with_run.Completer.completions("fir", 3)]


def test_breakpoints_are_those_of_the_current_replay(shell_with_run: InteractiveShell) -> None:
    shell_with_run.run_line_magic("agnt5", "replay r_one")
    assert offer("%agnt5 break fir", {})[0] == ["first", "first#2"]
    assert offer("%agnt5 goto first#", {})[0] == ["first#2"]
    assert offer("%agnt5 goto 3", {})[0] == ["3"]
    assert offer("%agnt5 goto ", {})[0] == ["start", "end", "first", "first#2"]
