"""The repository itself: what lies at its top, and what must never be in it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TOP = {
    *(".cargo", ".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md"),
    *("Cargo.lock", "Cargo.toml", "Makefile", "justfile", "pyproject.toml", "requirements", "rustfmt.toml", "scripts"),
    *("agnt5", "agnt5_jupyter", "benches", "core", "docs", "examples", "notebooks", "protos", "tests"),
}
# Written in pieces so that this file does not find itself.
REGISTRY_ADDRESS = re.compile("python" + "hosted|pypi" + r"\.org|registry" + r"\.npmjs|index" + r"\.crates")
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:ho" + "me/[a-z]|Us" + "ers/[a-z]|ro" + "ot/)")
UNFINISHED = re.compile("raise Not" + r"ImplementedError|\bto" + r"do!\(|unim" + r"plemented!\(|[#/] *TO" + "DO")
SKIPPED = re.compile(r"mark\.sk" + r"ip|mark\.xf" + r"ail|#\[ig" + "nore")


def tracked() -> list[Path]:
    answer = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if answer.returncode:  # an unpacked source distribution has no history, and then nothing foreign either
        return [path for path in ROOT.rglob("*.py") if ".venv" not in path.parts]
    paths = (ROOT / name for name in answer.stdout.decode().split("\0") if name)
    return [path for path in paths if path.is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_top_level_is_the_agreed_one() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} <= TOP


@pytest.mark.parametrize("pattern", [REGISTRY_ADDRESS, MACHINE_PATH, UNFINISHED, SKIPPED], ids=lambda p: p.pattern[:24])
def test_nothing_that_belongs_elsewhere(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in tracked()
        if path.name != "Cargo.lock"
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_files_fit_in_one_head() -> None:
    long = {
        str(path.relative_to(ROOT)): length
        for path in tracked()
        if path.suffix in {".py", ".rs"} and (length := text_of(path).count("\n")) > 450
    }
    assert long == {}


def test_nothing_built_is_tracked() -> None:
    built = [path for path in tracked() if {"target", ".venv", "__pycache__"} & set(path.relative_to(ROOT).parts)]
    assert built == []
    assert [path for path in tracked() if path.suffix in {".so", ".pyc", ".dylib"}] == []
