"""Programs that a scenario runs in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRELUDE = """
import asyncio, os, signal, sys, time
from pathlib import Path
import agnt5
from agnt5 import Context, flow, function
"""


def play(
    home: Path, body: str, *, timeout: float = 60, python: str = sys.executable, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `body` with its store in `home`; it may be killed, so the code is for the caller to check."""
    return subprocess.run(
        [python, "-c", PRELUDE + textwrap.dedent(body)],
        env={**os.environ, "AGNT5_HOME": str(home / ".agnt5"), "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=home,
        check=False,
    )


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What a program that went well printed."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()
