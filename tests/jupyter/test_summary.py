"""`outputs: summary`: no display shows a prompt, a value, or what an error said."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

import agnt5
from agnt5 import Context, flow

Cell = Callable[[str], str]

# Stands in each place where a value can be.
WORD = "c4nary"


def whisper(text: str) -> str:
    return text + "!"


def fails(text: str) -> None:
    raise ValueError(text)


@flow
async def private(ctx: Context, text: str, go_wrong: bool = False) -> str:
    heard = await ctx.call(whisper, text)
    await ctx.state.set("heard", heard)
    if go_wrong:
        await ctx.call(fails, heard)
    return heard


@flow
async def asks(ctx: Context) -> Any:
    return await ctx.wait_for_event("word")


@pytest.fixture
def secretive(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    monkeypatch.setenv("AGNT5_OUTPUTS", "summary")
    private.run_sync(WORD)
    with pytest.raises(agnt5.RunFailed):
        private.run_sync(WORD, True)
    shell.user_ns.update(word=WORD, whisper=whisper, wrong=agnt5.runs()[0], right=agnt5.runs()[1])
    return shell


@pytest.mark.parametrize(
    "line",
    [
        *("runs", "show right", "show wrong", "watch right", "watch wrong", "tree right", "diff right wrong", "check"),
        *("df", "df right", "df wrong", "df right --arrow", "status", "components", "config"),
        *("run private word --wait", "fork right --at 1 --wait", "fork right --set whisper=word --wait"),
        *("run private word True --wait", "fork wrong --at 0 --wait", "rerun wrong --always whisper --wait"),
        *("rerun right --wait", "save right right.agnt5", "event word word --to asking"),
    ],
)
def test_no_view_tells_it(
    secretive: InteractiveShell, cell: Cell, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    secretive.user_ns["asking"] = asks.start()
    shown = cell(f"%agnt5 {line}")
    assert shown.strip()
    assert WORD not in shown


def test_no_step_of_a_replay_tells_it(secretive: InteractiveShell, cell: Cell, tmp_path: Path) -> None:
    moves = ("replay wrong", "step", "step", "back", "eval heard", "trace heard", "goto end", "continue")
    mistakes = ("goto start", "eval int(text)", "eval {}[text]", "trace {}[text]")
    for line in (*moves, *mistakes):
        assert WORD not in cell(f"%agnt5 {line}")
    cell(f"%agnt5 save wrong '{tmp_path}/wrong.agnt5'")
    assert WORD not in cell(f"%agnt5 load '{tmp_path}/wrong.agnt5'")


def test_names_times_and_counts_stay(secretive: InteractiveShell, cell: Cell) -> None:
    shown = cell("%agnt5 show wrong")
    assert "whisper" in shown
    assert "ValueError" in shown
    assert "heard" in cell("%agnt5 replay right --at whisper")
    assert "2 of 2 recorded runs replay" in cell("%agnt5 check")
    assert "a str, not shown" in cell("%agnt5 goto start\n%agnt5 eval text")


def test_objects_within_lists_are_one_line(secretive: InteractiveShell, cell: Cell) -> None:
    for within in ("[right, right.journal]", "{'r': right.replay()}", "(right.diff(wrong),)", "[agnt5.check()]"):
        shown = cell(f"import agnt5\n{within}")
        assert shown.count("\n") <= 3
        assert WORD not in shown


def test_the_setting_is_one_line_and_ends_so(secretive: InteractiveShell, cell: Cell) -> None:
    cell("%agnt5 config outputs full")
    assert WORD in cell("%agnt5 show right")
    cell("%agnt5 config outputs summary")
    assert WORD not in cell("%agnt5 show right")


def test_a_saved_notebook_keeps_it_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNT5_HOME", str(tmp_path / ".agnt5"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    cells = [
        "%load_ext agnt5\n%agnt5 config outputs summary",
        "import agnt5\nfrom agnt5 import flow\ndef shout(text):\n    return text.upper()",
        "@flow\nasync def private(ctx, text):\n    return await ctx.call(shout, text)",
        "text = ''.join(['c4n', 'ary'])\n%agnt5 run private text --as run --wait",
        *("run", "run.journal", "agnt5.runs()", "%agnt5 show run", "%agnt5 df run", "%agnt5 replay run", "%agnt5 step"),
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    place = {"metadata": {"path": str(tmp_path)}}
    kernel = nbclient.NotebookClient(book, timeout=60, kernel_name="python3", resources=place)
    kernel.create_kernel_manager().kernel_spec.argv[0] = sys.executable
    kernel.execute()
    outputs = json.dumps([book.metadata, *(cell.outputs for cell in book.cells)])
    assert "completed" in outputs
    assert "shout" in outputs
    assert WORD not in outputs.lower()
    for shown in (cell.outputs for cell in book.cells[4:8]):
        assert "<table" in shown[0]["data"]["text/html"]
