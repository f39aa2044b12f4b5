"""A run that one Python began goes on under another, from its last recorded step.

The other Pythons are those found here, each with a small environment of its own for what the package needs. One that
cannot be equipped is named as left out.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("versions.py")
HERE = f"3.{sys.version_info.minor}"


def _others() -> dict[str, str]:
    """Pythons beside this one that could run the package, by minor version."""
    found: dict[str, str] = {}
    for minor in range(11, 16):
        homes = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3"))
        for candidate in [shutil.which(f"python3.{minor}"), *map(str, homes)]:
            if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
                found.setdefault(f"3.{minor}", candidate)
    found.pop(HERE, None)
    return found


OTHERS = _others()
PAIRS = [pair for other in OTHERS for pair in ((HERE, other), (other, HERE))]


@pytest.fixture(scope="session", params=PAIRS, ids="-to-".join)
def pythons(request: pytest.FixtureRequest) -> tuple[str, str]:
    first, second = request.param
    return _equipped(first), _equipped(second)


def _equipped(minor: str) -> str:
    """The interpreter of an environment with the package's dependencies; made once, kept between sessions."""
    if minor == HERE:
        return sys.executable
    home = ROOT / "target" / "pythons" / minor
    python = home / "bin" / "python"
    needed = [f"{name}=={version(name)}" for name in ("msgspec", "click")]
    steps = [
        [OTHERS[minor], "-m", "venv", str(home)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *needed],
    ]
    if not (home / "equipped").exists():
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"Python {minor} cannot be equipped: {done.stderr.strip().splitlines()[-1:]}")
        (home / "equipped").touch()
    return str(python)


def _run(python: str, mode: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, str(PROGRAM), mode, str(home)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_one_python_began_another_ends(pythons: tuple[str, str], tmp_path: Path) -> None:
    begun = _run(pythons[0], "begin", tmp_path)
    assert begun.returncode == -signal.SIGKILL, begun.stderr
    ended = _run(pythons[1], "end", tmp_path)
    assert ended.returncode == 0, ended.stderr
    *words, told = ended.stdout.splitlines()
    answers = json.loads(told)
    assert sorted(words) == ["c end", "d end", "g end"], "nothing recorded was executed again"
    assert answers["gathers"] == [["g0", "g1", "g2", "g3"], ["t0", "t1", "t2"], "on", "g end"]
    assert answers["completes"][1:] == [1, "limited", "on", "c end"]
    assert sorted(answers["completes"][0]) == ["c1", "c2", "c3", "late"]
    assert answers["draws"][0]
    assert answers["draws"][1] == ["f1", "f2"]
