"""Starts the longest scenario together with the first one: it mostly sleeps, and so do others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A smaller number is for trying something out; only this one is the promise.
SLEEPERS = int(os.environ.get("AGNT5_TEST_SLEEPERS", "100000"))

Start = Callable[[float], "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def start_sleepers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start SLEEPERS flows that are due together, with this margin of time to put them to bed."""
    started: list[subprocess.Popen[str]] = []

    def start(margin: float) -> subprocess.Popen[str]:
        home = tmp_path_factory.mktemp("sleepers")
        process = subprocess.Popen(
            [sys.executable, "-m", "scenarios.sleepers", str(home), str(SLEEPERS), str(margin)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def sleepers(start_sleepers: Start) -> subprocess.Popen[str]:
    return start_sleepers(2.5)


@pytest.fixture(scope="session", autouse=True)
def early(request: pytest.FixtureRequest) -> None:
    """Asleep while other scenarios are played, where one process plays them all; several overlap without this."""
    wanted = any(item.path.name == "test_waiting_together.py" for item in request.session.items)
    if wanted and not hasattr(request.config, "workerinput"):
        request.getfixturevalue("sleepers")
