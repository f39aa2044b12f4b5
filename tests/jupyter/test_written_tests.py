"""`%agnt5 test`: a run of a notebook's flow becomes a test that a fresh process runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from agnt5 import Run

ROOT = Path(__file__).parents[2]
Cell = Callable[[str], str]

CELLS = [
    "%load_ext agnt5\nfrom dataclasses import dataclass\nfrom agnt5 import flow",
    "@dataclass\nclass Order:\n    item: str\n\ndef price(order):\n    # in cents\n    return 10 * len(order.item)",
    '@flow\nasync def order_of_cell(ctx, item):\n    """One thing."""\n    return await ctx.call(price, Order(item))',
    "unrelated = list(range(3))\ndef shows():\n    return unrelated",
]
RUN = "%agnt5 run order_of_cell 'tea' --as tea --wait"


class Notebook:
    """Cells as a front end has them: run in the shell, and perhaps saved in a file."""

    def __init__(self, shell: InteractiveShell, directory: Path) -> None:
        self._shell: Any = shell
        self.path = directory / "shop.ipynb"
        self.cells = list(CELLS)

    def run(self) -> Run:
        for cell in [*self.cells, RUN]:
            self._shell.run_cell(cell, store_history=True).raise_error()
        return self._shell.user_ns["tea"]

    def save(self) -> None:
        cells = [{"cell_type": "code", "source": cell.splitlines(True), "outputs": []} for cell in [*self.cells, RUN]]
        self.path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))


@pytest.fixture
def notebook(shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return Notebook(shell, tmp_path)


def run_pytest(test: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", str(test)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=test.parent, timeout=60)
    return answer.returncode, answer.stdout + answer.stderr


def test_a_test_loads_the_definitions_of_its_notebook(
    notebook: Notebook, cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook.cells[3] = "def shows():\n    return 3"
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook.path))
    notebook.run()
    notebook.path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}))
    assert "shop.ipynb, as it was last saved, defines no 'order_of_cell'" in cell("%agnt5 test tea")
    assert not (tmp_path / "tests").exists()
    notebook.save()
    told = cell("%agnt5 test tea")
    assert told == (
        "wrote tests/test_order_of_cell.py, which replays tests/test_order_of_cell.agnt5\n"
        "run it with: pytest tests/test_order_of_cell.py\n"
    )
    test = tmp_path / "tests/test_order_of_cell.py"
    assert 'load_app(HERE.parent / "shop.ipynb")  # its definitions; no cell is run' in test.read_text()
    assert run_pytest(test)[0] == 0
    assert "is there already; name another file, or replace it with --force" in cell("%agnt5 test tea")
    assert "wrote" in cell("%agnt5 test -1 --force")
    notebook.cells[2] = notebook.cells[2].replace("Order(item)", "Order(item * 2)")
    notebook.save()
    code, told = run_pytest(test)
    assert code == 1
    assert "DivergenceError: at entry 1: recorded was step \"price\" with (Order(item='tea'))" in told
    assert "the code asked for step \"price\" with (Order(item='teatea'))" in told


def test_where_the_notebooks_file_is_not_known_its_cells_are_written_beside_the_test(
    notebook: Notebook, cell: Cell, tmp_path: Path
) -> None:
    notebook.run()
    told = cell("%agnt5 test tea --to checks/test_tea.py")
    assert "a copy of this session's cells" in told
    code = (tmp_path / "checks/tea_cells.py").read_text()
    assert "# in cents" in code, "as it was written"
    assert '"""One thing."""' in code
    assert "unrelated" not in code, "what it does not need is left out"
    assert "load_ext" not in code
    test = tmp_path / "checks/test_tea.py"
    assert run_pytest(test)[0] == 0
    (tmp_path / "checks/tea_cells.py").write_text(code.replace("price, Order", "len, Order"))
    code, told = run_pytest(test)
    assert code == 1
    assert "DivergenceError" in told
    cell("%agnt5 test tea --to checks/test_second.py")
    assert (tmp_path / "checks/second_cells.py").is_file(), "another test of it has cells of its own"


def test_what_cannot_be_brought_back_is_told_in_one_line(
    notebook: Notebook, cell: Cell, shell: InteractiveShell, tmp_path: Path
) -> None:
    notebook.run()
    run_cell: Any = shell.run_cell

    def refused(definition: str, says: str) -> None:
        run_cell(definition, store_history=True).raise_error()
        run_cell("%agnt5 run odd --as odd_run --wait", store_history=True).raise_error()
        told = cell("%agnt5 test odd_run")
        assert says in told
        # What is said of the redefinition may come at any time.
        assert len([line for line in told.splitlines() if " recorded run" not in line]) == 1
        assert not (tmp_path / "tests").exists()

    flow = "@flow\nasync def odd(ctx):\n    return "
    refused("%%capture out\n" + flow + "1", "Neither the cell that defines 'odd' is known nor the notebook's file")
    refused("limit = max(3, 4)\n" + flow + "limit", "uses 'limit', which cell")
    refused("token = 'sk-ant-api03-" + "a" * 40 + "'\n" + flow + "len(token)", "hold a credential")
    run_cell("from agnt5 import function\n@function\ndef plain():\n    return 1", store_history=True)
    run_cell("%agnt5 run plain --as plain_run --wait", store_history=True).raise_error()
    assert "plain is no flow" in cell("%agnt5 test plain_run")
    assert "no run begins" in cell("%agnt5 test nothing").lower()
