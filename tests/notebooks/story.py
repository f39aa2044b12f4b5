"""Executes a notebook of `notebooks/` in a real kernel that reaches no other host, and tells what its cells showed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"
STORIES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
PATIENCE = 60

# Kernels run this first, those that a notebook starts included.
OFFLINE = """
import ipaddress, sys

def _stay_here(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    elif event == "socket.getaddrinfo":
        host = args[0] or "localhost"
    else:
        return
    host = host.decode() if isinstance(host, bytes) else str(host)
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise PermissionError(f"this notebook wanted to reach {host}")

sys.addaudithook(_stay_here)
"""


class Story:
    """A notebook that was run from top to bottom, `times` times in one kernel, in a store below `home`."""

    def __init__(self, name: str, home: Path, patch: pytest.MonkeyPatch, times: int = 1) -> None:
        self.complaints: list[str] = []
        """Whatever went to stderr: mistakes in magics are told there. An exception ends the story at once."""
        self.notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
        startup = home / "ipython/profile_default/startup"
        startup.mkdir(parents=True)
        (startup / "00-offline.py").write_text(OFFLINE)
        patch.setenv("AGNT5_HOME", str(home / ".agnt5"))
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        patch.setenv("JPY_SESSION_NAME", f"{name}.ipynb")
        patch.setenv("PYTHONPATH", str(ROOT))
        client = NotebookClient(
            self.notebook,
            kernel_name="python3",
            timeout=PATIENCE,
            resources={"metadata": {"path": str(home)}},
        )
        with client.setup_kernel(env=dict(os.environ)):
            for _ in range(times):
                for index, cell in enumerate(self.notebook.cells):
                    client.execute_cell(cell, index)
                self.complaints += self._complaints()

    def shown(self, cell: str) -> str:
        """What a cell showed, by its id, as text."""
        found = next(one for one in self.notebook.cells if one.id == cell)
        return "".join(map(_text, found.outputs))

    def _complaints(self) -> list[str]:
        outputs = [output for cell in self.notebook.cells for output in cell.get("outputs", ())]
        return [_text(output) for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


def _text(output: Any) -> str:
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return output.get("text") or output.get("data", {}).get("text/plain", "")
