"""The two ways into the notebooks: `make demo` tells the quickstart in a terminal, `make lab` serves it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from notebooks.story import ROOT

PATIENCE = 60


def private(home: Path) -> dict[str, str]:
    """An environment in which Jupyter knows nothing of whoever runs the tests."""
    places = (
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "IPYTHONDIR",
        "JUPYTERLAB_WORKSPACES_DIR",
    )
    return {**os.environ, **{name: str(home / name.lower()) for name in places}, "HOME": str(home)}


def test_demo_tells_the_quickstart_and_the_crash(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, str(ROOT / "scripts/demo.py")],
        env=private(tmp_path),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
    )
    assert told.returncode == 0, told.stderr
    assert "\033" not in told.stdout, "colours are for terminals"
    story = told.stdout
    parts = [
        "Quickstart",
        '│ %agnt5 run tour ["secrets"',
        "read_page#3",
        "3 of 6 answers",
        "3 entries are shared",
    ]
    parts += ["SIGKILL", "steps are recorded, resuming", "Executed again: 0."]
    places = [story.find(part) for part in parts]
    assert -1 not in places, parts[places.index(-1)]
    assert places == sorted(places)
    assert not list(tmp_path.rglob(".agnt5")), "its store was thrown away"


def answers(port: int) -> bool:
    """The address is told a moment before somebody listens there."""
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """The address of a server as `make lab LAB=--no-browser` starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    options = ["--no-browser", f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=t"]
    log = tmp_path / "lab.log"
    with log.open("wb") as said:
        server = subprocess.Popen(
            ["sh", str(ROOT / "scripts/lab.sh"), *options],
            env=private(tmp_path),
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + PATIENCE
        while "/lab/tree/" not in log.read_text() or not answers(port):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def test_lab_serves_the_quickstart_and_asks_nothing_of_the_network(lab: str, tmp_path: Path) -> None:
    assert "/lab/tree/notebooks/01_quickstart.ipynb" in (tmp_path / "lab.log").read_text()

    def get(path: str) -> str:
        with urllib.request.urlopen(f"{lab}{path}?token=t", timeout=PATIENCE) as answer:
            return answer.read().decode()

    assert json.loads(get("/api/contents/notebooks/01_quickstart.ipynb"))["type"] == "notebook"
    page = get("/lab/tree/notebooks/01_quickstart.ipynb")
    assert '"news": {"disabled": true}' in page
    assert "'readonly'" in (tmp_path / "lab.log").read_text(), "no list of extensions is fetched"
