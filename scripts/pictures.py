"""Takes the pictures in docs/images out of the notebooks, in JupyterLab and Chromium: what `make pictures` runs.

It stands on the harness of the browser tests and shows what a reader who runs the notebooks would see, in light and in
dark. It draws nothing by itself.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat
from playwright.sync_api import Locator, expect, sync_playwright

from browser.lab import Chromium, Lab, Notebook

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs/images"
LARGEST = 200_000
"""Bytes of a picture."""

# A wide window: panels are as wide as cells.
WINDOW = {"viewport": {"width": 1000, "height": 1600}}
# name: notebook, the last cell that is run (None: all), panel, which of these
PICTURES: dict[str, tuple[str, str | None, str, int]] = {
    "run": ("01_quickstart", None, "run", 0),
    "replay": ("01_quickstart", None, "replay", 0),
    "diff": ("01_quickstart", None, "diff", 0),
    "approval": ("02_agent_with_approval", "ask", "run", 0),
    "resumed": ("03_crash_and_resume", "result", "run", 0),
}


def cells_until(name: str, last: str | None) -> list[str]:
    notebook = nbformat.read(ROOT / f"notebooks/{name}.ipynb", as_version=4)
    found: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            found.append(cell.source)
        if cell.id == last:
            break
    return found


def settled(panel: Locator, kind: str, waits: bool) -> None:
    if waits:
        expect(panel.get_by_test_id("agnt5-ask")).to_be_visible()
    elif kind == "run":
        expect(panel.get_by_test_id("agnt5-status")).to_contain_text("completed")
    panel.scroll_into_view_if_needed()
    panel.page.wait_for_timeout(500)


def take(notebook: Notebook, wanted: list[str]) -> None:
    for dark in (False, True):
        notebook.theme(dark)
        for name in wanted:
            _, last, kind, which = PICTURES[name]
            panel = notebook.page.get_by_test_id(f"agnt5-{kind}").nth(which)
            settled(panel, kind, last == "ask")
            path = IMAGES / f"{name}-{'dark' if dark else 'light'}.png"
            panel.screenshot(path=path)
            size = path.stat().st_size
            print(f"{path.relative_to(ROOT)}  {size // 1000} kB")
            if size > LARGEST:
                sys.exit(f"{path.name} has {size} bytes, more than {LARGEST}")


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="agnt5-pictures-") as home:
        lab = Lab(Path(home))
        try:
            with sync_playwright() as playwright:
                browser = Chromium(playwright, lab)
                for source in dict.fromkeys((name, last) for name, last, _, _ in PICTURES.values()):
                    notebook = browser.notebook(cells_until(*source), **WINDOW)
                    notebook.command("application:toggle-left-area")
                    notebook.run_all()
                    take(notebook, [name for name, picture in PICTURES.items() if picture[:2] == source])
                browser.close()
        finally:
            lab.close()


if __name__ == "__main__":
    main()
