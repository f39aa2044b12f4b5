"""A kernel is killed in the middle of a run; Run All and `%agnt5 resume` end it, and nothing recorded is done again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from owning import owner
from scenarios.kernel import Kernel

NOTEBOOK = [
    "%load_ext agnt5\nimport os, pathlib, time\nfrom agnt5 import flow",
    """
def step(n):
    with open("ledger", "a") as file:
        file.write(f"{n}\\n")
    while n == 3 and not pathlib.Path("go").exists():
        time.sleep(0.01)
    return n
""",
    "@flow\nasync def five(ctx):\n    return [await ctx.call(step, n) for n in range(5)]",
]
STORY = "%agnt5 run five --as run"


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    started = Kernel(tmp_path)
    yield started
    started.close()


def test_run_all_and_resume(kernel: Kernel, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    for cell in [*NOTEBOOK, STORY]:
        kernel.run(cell)
    kernel.run("while '3' not in pathlib.Path('ledger').read_text(): time.sleep(0.01)")
    kernel.kill_and_restart()
    assert ledger.read_text().split() == ["0", "1", "2", "3"]
    for cell in NOTEBOOK:
        assert kernel.run(cell) == "", "definitions alone let nothing go on"
    assert "1: %agnt5 resume lets them go on" in kernel.run("%agnt5 status")
    assert "interrupted" in kernel.run("%agnt5 watch -1").split("created")[0]
    (tmp_path / "go").touch()
    assert "five" in kernel.run("%agnt5 resume --wait")
    assert kernel.run("await _") == "[0, 1, 2, 3, 4]"
    # The step that was under way had no recorded outcome; its code runs again, and only its.
    assert ledger.read_text().split() == ["0", "1", "2", "3", "3", "4"]
    assert kernel.run("%agnt5 resume") == "no run was interrupted\n"
    assert "2 of" not in kernel.run("%agnt5 check five")


def test_several_runs_and_one_by_its_id(kernel: Kernel, tmp_path: Path) -> None:
    for cell in NOTEBOOK:
        kernel.run(cell)
    kernel.run("runs = [five.start(run_id=f'five-{n}') for n in range(3)]")
    kernel.run("while pathlib.Path('ledger').read_text().count('3') < 3: time.sleep(0.01)")
    kernel.kill_and_restart()
    (tmp_path / "go").touch()
    for cell in NOTEBOOK:
        kernel.run(cell)
    assert "five-1" in kernel.run("%agnt5 resume five-1 --wait")
    assert "2: %agnt5 resume lets them go on" in kernel.run("%agnt5 status")
    shown = kernel.run("%agnt5 resume --wait")
    assert "five-0" in shown
    assert "five-2" in shown
    assert "five-1" not in shown
    assert kernel.run("%agnt5 runs --status completed").count("five-") == 3
    assert (tmp_path / "ledger").read_text().split().count("2") == 3


def test_a_notebook_beside_the_owner_waits_for_what_the_owner_drives(
    tmp_path: Path, cell: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGNT5_STORE", "default")  # the owner is no notebook
    monkeypatch.setenv("AGNT5_RECOVER", "ask")
    (tmp_path / "go").touch()
    with owner(tmp_path) as other:
        assert "1: %agnt5 resume" in cell("%agnt5 status")
        threading.Timer(0.3, other.define).start()
        shown = cell("%agnt5 resume --wait")
        assert "completed" in shown
        assert "interrupted" not in shown
        assert cell("%agnt5 resume").strip() == "no run was interrupted"
