"""The magic itself: help, mistakes, what it returns, and that it comes and goes with its extension."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import agnt5
from agnt5 import Context, Run, flow
from agnt5_jupyter.verbs import verbs

Cell = Callable[[str], str]

# Every verb of the notebook. `connect` and `export` come with the runtime.
VERBS = {
    *("run", "agent", "runs", "show", "watch", "tree", "df", "replay", "step", "back", "goto", "continue", "break"),
    *("eval", "trace", "fork", "rerun", "diff", "check", "event", "approve", "deny", "cancel", "pause", "resume"),
    *("memory", "components", "status", "config", "save", "load", "test"),
}


@flow
async def doubled(ctx: Context, n: int, by: int = 2) -> int:
    return n * by


def test_these_are_the_verbs() -> None:
    assert set(verbs()) == VERBS


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help_that_runs_nothing(shell: InteractiveShell, cell: Cell, verb: str) -> None:
    shown = cell(f"%agnt5 {verb} --help")
    assert shown.startswith(f"usage: %agnt5 {verb}")
    assert verbs()[verb].says in shown
    assert agnt5.runs() == []


@pytest.mark.parametrize("line", ["", "--help", "help"])
def test_help_lists_the_verbs(cell: Cell, line: str) -> None:
    shown = cell(f"%agnt5 {line}")
    assert all(f"  {verb} " in shown for verb in VERBS)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("rnus", "there is no verb 'rnus'; did you mean 'runs'? (see %agnt5 --help)"),
        ("runs --limit many", "invalid int value: 'many' (see %agnt5 runs --help)"),
        ("runs --status odd", "invalid choice: 'odd'"),
        ("runs --limit -4", "`limit=` is how many runs at most, from 0; it is -4."),
        ("runs --limt 3", "there is no '--limt'; did you mean '--limit'?"),
        ("runs --limit", "--limit needs a value"),
        ("runs more", "unrecognized arguments: more"),
        ("run", "the following arguments are required: NAME (see"),
        ("run doubled 'open", "' is never closed"),
        ("run doubled (1", "')' is missing"),
        ("run doubled", "missing a required argument: 'n'"),
        ("run doubled 1 2 3", "too many positional arguments"),
        ("run doubled n=", "are no Python arguments"),
        ("run doubled unknown", "'unknown': NameError: name 'unknown' is not defined"),
        ("run doubled 1/0", "ZeroDivisionError"),
        ("run doubled 1 --as 1st", "argument --as: '1st' is no name of a variable"),
        ("run dubled 1", "nothing called 'dubled' can be run here; did you mean 'doubled'?"),
        ("show", "there are no runs yet"),
        ("show r_nope", "No run begins with 'r_nope' in this store."),
        ("step", "there is no replay yet: begin one with %agnt5 replay ID"),
        ("check nope", "Nothing is called 'nope' in this process."),
        ("config outputs loud", "must be one of full, summary, not 'loud'"),
        ("config nope", "no setting 'nope'"),
        ("config nope 1", "no setting 'nope'"),
        ("load nowhere.agnt5", "There is no file 'nowhere.agnt5'."),
        ("resume --again x", "need the ID of a run"),
        ("agent helper", "write the instructions below a line"),
    ],
)
def test_a_mistake_is_one_line(shell: InteractiveShell, line: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        shell.run_line_magic("agnt5", line)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith("%agnt5")


def test_a_mistake_has_no_traceback(cell: Cell) -> None:
    assert cell("%agnt5 rnus").strip().splitlines() == [
        "UsageError: %agnt5: there is no verb 'rnus'; did you mean 'runs'? (see %agnt5 --help)"
    ]


def test_other_verbs_head_no_cell(shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="only %%agnt5 run and %%agnt5 agent head a cell; write %agnt5 runs"):
        shell.run_cell_magic("agnt5", "runs", "anything")


def test_braces_and_dollars_are_the_persons(shell: InteractiveShell, cell: Cell) -> None:
    @flow
    async def echo(ctx: Context, value: Any) -> Any:
        return value

    shell.user_ns["x"] = 5
    assert "{'x': 5, '$x': [6]}" in cell("%agnt5 run echo {'x': x, '$x': [x + 1]} --wait")


def test_what_it_returns_is_shown_once_and_kept_as_the_last_value(shell: InteractiveShell, cell: Cell) -> None:
    shown = cell("%agnt5 run doubled 4 by=3 --as tripled")
    assert shown.count("component") == 1
    assert shell.user_ns["tripled"].result() == 12
    assert isinstance(shell.user_ns["_"], Run)
    assert cell("again = %agnt5 watch _").count("component") == 1
    assert cell("tripled").count("component") == 1, "a run displays itself"
    assert cell("tripled; 1").count("component") == 0


def test_unloading_takes_everything_away(shell: InteractiveShell) -> None:
    matchers = len(shell.Completer.custom_matchers)
    shell.run_line_magic("unload_ext", "agnt5_jupyter")
    assert "agnt5" not in shell.magics_manager.magics["line"]
    assert "agnt5" not in shell.magics_manager.magics["cell"]
    assert len(shell.Completer.custom_matchers) == matchers - 1
    formats, _ = shell.display_formatter.format(doubled.start(1))  # type: ignore[union-attr]
    assert formats["text/plain"].startswith("<Run ")
    shell.run_line_magic("load_ext", "agnt5_jupyter")
    shell.run_line_magic("reload_ext", "agnt5_jupyter")
    assert len(shell.Completer.custom_matchers) == matchers, "loading twice is loading once"


def test_load_ext_agnt5_is_the_same(shell: InteractiveShell) -> None:
    shell.run_line_magic("unload_ext", "agnt5_jupyter")
    shell.run_line_magic("load_ext", "agnt5")
    assert "agnt5" in shell.magics_manager.magics["line"]
    shell.run_line_magic("unload_ext", "agnt5")
    assert "agnt5" not in shell.magics_manager.magics["line"]
    shell.run_line_magic("load_ext", "agnt5_jupyter")
