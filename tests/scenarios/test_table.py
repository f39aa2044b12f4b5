"""The table of scenarios names tests that exist, and every scenario test is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`((?:tests|core)/[\w/]+\.(?:py|rs))::(\w+)`", (ROOT / "docs/design/scenarios.md").read_text())


def test_the_table_is_read() -> None:
    assert len(NAMED) > 60


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_named_tests_exist(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    keyword = "def" if file.endswith(".py") else "fn"
    missing = [name for other, name in NAMED if other == file and not re.search(rf"\b{keyword} {name}\b", text)]
    assert missing == []


def test_every_line_of_the_table_names_a_test() -> None:
    rows = [
        line
        for line in (ROOT / "docs/design/scenarios.md").read_text().splitlines()
        if line.startswith("|") and not line.startswith(("| promise", "|---"))
    ]
    assert [row for row in rows if "::" not in row] == []


def test_every_scenario_test_is_in_the_table() -> None:
    files = [*(ROOT / "tests/scenarios").glob("test_*.py"), *(ROOT / "tests/crash").glob("test_*.py")]
    named = {f"{file}::{name}" for file, name in NAMED}
    left = [
        f"{file.relative_to(ROOT)}::{name}"
        for file in files
        if file != Path(__file__)
        for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))
        if f"{file.relative_to(ROOT)}::{name}" not in named
    ]
    assert left == []
