"""`%agnt5` in IPython's real shell, and in a real kernel."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import nbclient
import nbformat
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from agnt5 import Context, flow
from agnt5_jupyter.table import RunTable


@flow(name="<b>bold</b>")
async def marked_up(ctx: Context) -> str:
    return "done"


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "agnt5_jupyter")
    yield shell
    shell.run_line_magic("unload_ext", "agnt5_jupyter")
    InteractiveShell.clear_instance()


def test_runs_is_a_table_in_text_and_html(shell: InteractiveShell) -> None:
    marked_up.run_sync()
    shown: Any = shell.run_line_magic("agnt5", "runs")
    formats, _ = shell.display_formatter.format(shown)  # type: ignore[union-attr]
    assert "<b>bold</b>" in formats["text/plain"]
    assert "completed" in formats["text/plain"]
    assert "&lt;b&gt;bold&lt;/b&gt;" in formats["text/html"]
    assert "<b>" not in formats["text/html"]


def test_no_runs_yet(shell: InteractiveShell) -> None:
    assert repr(shell.run_line_magic("agnt5", "runs")) == "no runs yet"


@pytest.mark.parametrize("line", ["rnus", "runs --limit many", "runs --status odd", "runs 'open"])
def test_a_usage_error_is_one_line(shell: InteractiveShell, line: str) -> None:
    with pytest.raises(UsageError) as raised:
        shell.run_line_magic("agnt5", line)
    assert "\n" not in str(raised.value)
    assert "%agnt5 --help" in str(raised.value)


@pytest.mark.parametrize("line", ["", "--help", "runs --help"])
def test_help(shell: InteractiveShell, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shell.run_line_magic("agnt5", line) is None
    assert "usage: %agnt5" in capsys.readouterr().out


def test_control_characters_are_shown_not_obeyed() -> None:
    class Recorded:
        id, component, status, created, duration = "r_1", "\x1b[31m<script>", "failed", None, None
        error = "first\nsecond"

    table = RunTable.of([Recorded()])  # type: ignore[list-item]
    assert "\x1b" not in repr(table)
    assert "<script>" not in table._repr_html_()
    assert "second" not in repr(table)


def test_in_a_real_kernel(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNT5_HOME", str(tmp_path / ".agnt5"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    cells = [
        "%load_ext agnt5\nfrom agnt5 import flow\n@flow\nasync def hello(ctx, name):\n    return f'hello {name}'",
        "await hello.run('you')",
        "%agnt5 runs",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    place = {"metadata": {"path": str(tmp_path)}}
    kernel = nbclient.NotebookClient(book, timeout=60, kernel_name="python3", resources=place)
    kernel.create_kernel_manager().kernel_spec.argv[0] = sys.executable
    kernel.execute()
    assert book.cells[1].outputs[0]["data"]["text/plain"] == "'hello you'"
    assert "hello" in book.cells[2].outputs[0]["data"]["text/plain"]
    assert "<table>" in book.cells[2].outputs[0]["data"]["text/html"]
