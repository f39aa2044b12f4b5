"""Every notebook runs from top to bottom, and again in the same kernel, and says what it promises to show."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from notebooks.story import FOLDER, STORIES, Story


@pytest.fixture
def told(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    """The notebook that the test names, after two times Run All."""
    return Story(request.param, tmp_path, monkeypatch, times=2)


def story(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("told", [name], indirect=True)


@story("01_quickstart")
def test_quickstart(told: Story, tmp_path: Path) -> None:
    assert told.complaints == []
    assert "random number" in told.shown("result")
    # Saved as it ended, though the cell that shows it had long ended then.
    assert "completed" in told.shown("run")
    assert "running" not in told.shown("run")
    journal = told.shown("journal")
    assert "read_page#3" in journal
    assert "explainer#3" in journal
    assert "3 of 6 answers" in told.shown("replay")
    assert told.shown("eval") == "300"
    fork = told.shown("fork")
    assert "3 entries are shared" in fork
    assert "read_page#2" in fork
    assert told.shown("fork-result") != told.shown("result")
    assert "read_page#2" in told.shown("diff")
    assert (tmp_path / ".agnt5/01_quickstart").is_dir()


@story("02_agent_with_approval")
def test_an_agent_asks_before_it_acts(told: Story, tmp_path: Path) -> None:
    assert told.complaints == []
    assert "clerk wants refund(number='A-17', euros=490)" in told.shown("waiting")
    assert "approved refund(number='A-17', euros=49)" in told.shown("approve")
    assert "Dear Ada" in told.shown("answer")
    assert "sent 49 euros to Ada" in told.shown("talk")
    assert "denied refund" in told.shown("deny")
    assert "Dear Ben" in told.shown("second")
    assert "it is on its way" in told.shown("journal")
    assert (tmp_path / ".agnt5/02_agent_with_approval").is_dir()


@story("03_crash_and_resume")
def test_a_kernel_is_killed_and_its_run_goes_on(told: Story, tmp_path: Path) -> None:
    assert told.complaints == []
    assert told.shown("left") == "recorded: argparse, csv, enum, fractions\n"
    assert "count_words#5" in told.shown("left-journal")
    assert "'typing': " in told.shown("result")
    proof = told.shown("proof").splitlines()
    assert proof[0] == "12 steps in 2 processes"
    assert proof[1] == "recorded before the kill, and run again: []"
    assert proof[2] == "under way at the kill, and run again: ['heapq']"
    assert (tmp_path / ".agnt5/03_crash_and_resume").is_dir()


@story("04_time_travel")
def test_a_bug_is_found_and_corrected(told: Story, tmp_path: Path) -> None:
    assert told.complaints == []
    assert "ZeroDivisionError" in told.shown("failed")
    assert "4 of 4 answers" in told.shown("replay")
    assert told.shown("trace").count("textwrap") == 4
    assert "2 of 3 recorded runs replay" in told.shown("check")
    assert "diverges at entry 9" in told.shown("check")
    assert "'keyword': 100" in told.shown("reused")
    assert "4 results" in told.shown("reused")
    assert "1 step executed" in told.shown("reused")
    assert "survey#2" in told.shown("diff")
    assert told.shown("tree").count("r_") == 3
    assert (tmp_path / ".agnt5/04_time_travel").is_dir()


@story("05_memory")
def test_what_is_remembered(told: Story, tmp_path: Path) -> None:
    assert told.complaints == []
    assert told.shown("search").splitlines()[0].endswith("Ada prefers tea; coffee keeps her awake.")
    assert "asked so far: 2" in told.shown("answer"), "the second Run All goes on where the first was"
    assert told.shown("episodes").count("Who has to sign") == 2
    assert told.shown("how").startswith("publish from CI")
    assert "My name is Ada." in told.shown("asked")
    assert "office" in told.shown("namespaces")
    assert (tmp_path / ".agnt5/05_memory").is_dir()


def test_each_story_is_tested() -> None:
    told = {mark.args[1][0] for test in globals().values() for mark in getattr(test, "pytestmark", ())}
    assert told == set(STORIES)


@pytest.mark.parametrize("name", STORIES)
def test_what_is_committed_is_clean(name: str) -> None:
    """No outputs and counts; ids that say what a cell is for; only the metadata that a kernel is chosen by."""
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    for cell in notebook.cells:
        assert cell.metadata == {}, cell.id
        assert cell.id.replace("-", "").isalpha(), cell.id
        assert not cell.get("outputs"), cell.id
        assert cell.get("execution_count") is None, cell.id
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert first.source.startswith("%load_ext agnt5_jupyter")


def test_the_list_of_notebooks_is_complete() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in STORIES if f"]({name}.ipynb)" not in readme] == []
