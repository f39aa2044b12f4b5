"""The code in README and in the guides is run as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "docs/getting-started.md", *sorted((ROOT / "docs/guides").glob("*.md"))]
WITH_CODE = [page for page in PAGES if "```python" in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.stem)
def test_code_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    program = tmp_path / "test_page.py"
    program.write_text("\n\n".join(blocks), encoding="utf-8")
    is_test = "def test_" in program.read_text(encoding="utf-8")
    plugin = [] if entry_points(group="pytest11", name="agnt5") else ["-p", "agnt5.testing.plugin"]
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, str(program)] if is_test else [str(program)]
    environment = os.environ | {"AGNT5_HOME": str(tmp_path / ".agnt5"), "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=60
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_make_targets_that_pages_name_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    pages = [*PAGES, ROOT / "CONTRIBUTING.md"]
    typed = re.compile(r"(?:`|^    )make ([a-z]+)", re.MULTILINE)
    named = {name for page in pages for name in typed.findall(page.read_text(encoding="utf-8"))}
    assert {"demo", "test", "lint"} <= named
    assert {name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()
