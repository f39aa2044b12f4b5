"""A journal recorded in one process replays in another: other addresses, another hash seed, another Python."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ACROSS = Path(__file__).with_name("across.py")


def _run(python: str, mode: str, file: Path, seed: int) -> None:
    done = subprocess.run(
        [python, str(ACROSS), mode, str(file), str(seed)],
        env={"PYTHONHASHSEED": str(seed), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Nothing was printed by asyncio, by a collector or at the end of the interpreter.
    assert done.stderr == ""


def _pythons() -> list[str]:
    """Every Python from 3.11 that is installed here and starts, this one first."""
    found = {f"3.{sys.version_info.minor}": sys.executable}
    for minor in range(11, 16):
        homes = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3"))
        for candidate in [shutil.which(f"python3.{minor}"), *map(str, homes)]:
            if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
                found.setdefault(f"3.{minor}", candidate)
    return list(found.values())


@pytest.mark.parametrize("seed", [1, 2, 12345])
def test_across_hash_seeds(tmp_path: Path, seed: int) -> None:
    _run(sys.executable, "record", tmp_path / "stories", 0)
    _run(sys.executable, "replay", tmp_path / "stories", seed)


@pytest.mark.parametrize("recorder", _pythons())
def test_across_pythons(tmp_path: Path, recorder: str) -> None:
    _run(recorder, "record", tmp_path / "stories", 7)
    for replayer in _pythons():
        _run(replayer, "replay", tmp_path / "stories", 8)
