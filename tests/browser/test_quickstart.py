"""The quickstart notebook in JupyterLab: Run All, without an error anywhere and without a request off the host."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from browser.lab import Chromium

NOTEBOOK = Path(__file__).parents[2] / "notebooks/01_quickstart.ipynb"


def test_run_all(chromium: Chromium) -> None:
    notebook = chromium.story(NOTEBOOK)
    notebook.run_all()
    first = notebook.page.get_by_test_id("agnt5-run").first
    expect(first.get_by_test_id("agnt5-status")).to_contain_text("completed")
    expect(first.get_by_role("row").filter(has_text="read_page")).to_have_count(3)
    for kind in ("journal", "replay", "diff"):
        expect(notebook.panel(kind)).to_be_visible()
    expect(notebook.panel("diff")).to_contain_text("read_page")
    notebook.is_clean()
    assert len(notebook.page.locator(".jp-CodeCell").all()) >= 10
