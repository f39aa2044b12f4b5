"""What a newcomer reads when the machine lacks something: one line that names it, before anything is changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UTILITIES = ("sh", "dirname", "sed", "sort", "head", "rm", "uname")

GOOD_PYTHON = f'exec "{sys.executable}" "$@"'
OLD_PYTHON = 'case "$1" in --version) echo "Python 3.9.18";; *) exit 1;; esac'
NO_VENV = f'case "$2" in *ensurepip*) exit 1;; *) exec "{sys.executable}" "$@";; esac'
GOOD_CARGO = "echo 'cargo 1.95.0 (f2d3ce0bd 2026-03-21)'"
OLD_CARGO = "echo 'cargo 1.63.0'"
NO_TOOLCHAIN = "echo 'error: no default toolchain is configured' >&2; exit 1"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/setup.sh", tmp_path / "scripts")
    shutil.copy(ROOT / "Cargo.toml", tmp_path)
    return tmp_path


def set_up(checkout: Path, **tools: str) -> subprocess.CompletedProcess[str]:
    """Run `setup.sh tools` on a machine that has these programs and little else."""
    programs = checkout / "bin"
    programs.mkdir()
    for name in UTILITIES:
        found = shutil.which(name)
        assert found, name
        (programs / name).symlink_to(found)
    for name, body in tools.items():
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name not in {"PATH", "PYTHON", "CC"}}
    return subprocess.run(
        ["sh", "scripts/setup.sh", "tools"],
        cwd=checkout,
        env=environment | {"PATH": str(programs)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ({}, "Python 3.11 or newer is needed"),
        ({"python3": OLD_PYTHON}, "found: Python 3.9.18"),
        ({"python3": GOOD_PYTHON}, "a C compiler is missing"),
        ({"python3": GOOD_PYTHON, "cc": ":"}, "cargo is missing"),
        ({"python3": GOOD_PYTHON, "cc": ":", "cargo": NO_TOOLCHAIN}, "cargo is missing"),
        ({"python3": GOOD_PYTHON, "cc": ":", "cargo": OLD_CARGO}, "cargo 1.63.0 is too old"),
        ({"python3": NO_VENV, "cc": ":", "cargo": GOOD_CARGO}, "lacks the venv module"),
    ],
    ids=["nothing", "old-python", "no-compiler", "no-cargo", "no-toolchain", "old-cargo", "no-venv"],
)
def test_what_is_missing_is_one_line(checkout: Path, tools: dict[str, str], words: str) -> None:
    answer = set_up(checkout, **tools)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    assert words in answer.stderr
    assert not (checkout / ".venv").exists()
