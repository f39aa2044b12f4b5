"""Source of what is defined in cells: kept with each run, also below a `%%magic`, and never another cell's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

import agnt5

Cell = Callable[[str], str]


def recorded(shell: InteractiveShell, cell: Cell, start: str) -> dict[str, str | None]:
    """Names of the functions in a run's record of its code, and their source."""
    cell(f"run = {start}\nrun.result()")
    run: Any = shell.user_ns["run"]
    return {one["name"]: one["source"] for one in json.loads(run.journal.stored[0].code)}


HEAD = "from agnt5.durable import flow, object\n"


def test_below_a_cell_magic(shell: InteractiveShell, cell: Cell) -> None:
    cell(HEAD)
    body = "@flow\nasync def timed(ctx):\n    # why\n    return helper()\n\ndef helper():\n    return 1\n"
    cell(f"%%time\n{body}")
    found = recorded(shell, cell, "timed.start()")
    assert found == {
        "timed": "@flow\nasync def timed(ctx):\n    # why\n    return helper()\n",
        "helper": "def helper():\n    return 1\n",
    }


def test_below_two_magics_and_with_magics_inside(shell: InteractiveShell, cell: Cell) -> None:
    cell(HEAD)
    cell("%%capture\n%%time\n\nwhere = %pwd\n@flow\nasync def both(ctx):\n    return 1")
    assert recorded(shell, cell, "both.start()") == {"both": "@flow\nasync def both(ctx):\n    return 1\n"}


def test_the_newest_text_that_made_the_very_code(shell: InteractiveShell, cell: Cell) -> None:
    cell(HEAD)
    for n in (1, 2):
        cell(f"%%time\n@flow\nasync def changing(ctx):\n    return {n}")
        assert recorded(shell, cell, "changing.start()")["changing"] == (
            f"@flow\nasync def changing(ctx):\n    return {n}\n"
        )
    shell.user_ns["made"] = "@flow\nasync def hidden(ctx):\n    return 3\n"
    cell("%%time\nexec(made)")
    assert recorded(shell, cell, "hidden.start()")["hidden"] is None, "no cell holds its text"


def test_methods_of_classes_in_cells(shell: InteractiveShell, cell: Cell) -> None:
    text = "@object\nclass Counter:\n    n = 0\n    def add(self):\n        self.n += 1\n        return self.n\n"
    for magic in ("", "%%time\n"):
        cell(HEAD)
        cell(magic + text)
        cell("import agnt5\nawait agnt5.get_object(Counter, 'a').add()")
        (run,) = agnt5.runs(component="Counter.add", limit=1)
        (source,) = [one["source"] for one in json.loads(run.journal.stored[0].code)]
        assert source.strip().startswith("def add(self):")
