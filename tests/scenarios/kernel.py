"""A real kernel that runs cells, for scenarios that need one."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

ROOT = Path(__file__).parents[2]
PATIENCE = 60


class Kernel:
    """`run` a cell and get what it showed as text; errors included, as `Class: message`."""

    def __init__(self, home: Path) -> None:
        self._manager = KernelManager(kernel_name="python3")
        spec = self._manager.kernel_spec
        assert spec is not None
        spec.argv[0] = sys.executable
        environment = {
            **os.environ,
            "AGNT5_HOME": str(home / ".agnt5"),
            "IPYTHONDIR": str(home / "ipython"),
            "PYTHONPATH": str(ROOT),
        }
        self._manager.start_kernel(cwd=str(home), env=environment)
        self._client: Any = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=PATIENCE)

    def run(self, cell: str) -> str:
        return self.answer(self.begin(cell))

    def begin(self, cell: str) -> str:
        """Send a cell without waiting for it."""
        return self._client.execute(cell)

    def answer(self, request: str, interrupt_at: str = "") -> str:
        """All that the cell showed until it was done; interrupted when it has shown `interrupt_at`."""
        shown: list[str] = []
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            message = self._client.get_iopub_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                shown.append(content["text"])
                if interrupt_at and interrupt_at in "".join(shown):
                    interrupt_at = ""
                    self._manager.interrupt_kernel()
            elif kind in ("execute_result", "display_data"):
                shown.append(content["data"]["text/plain"])
            elif kind == "error":
                shown.append(f"{content['ename']}: {content['evalue']}")
            elif kind == "status" and content["execution_state"] == "idle":
                return "".join(shown)
        raise AssertionError(f"the cell did not end; it showed {shown}")

    def kill_and_restart(self) -> None:
        self._manager.restart_kernel(now=True)
        self._client.wait_for_ready(timeout=PATIENCE)

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
