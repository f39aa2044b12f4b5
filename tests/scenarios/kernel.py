"""A real kernel that runs cells, for scenarios that need one."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager

ROOT = Path(__file__).parents[2]
PATIENCE = 60
_QUIET = 3


class Kernel:
    """`run` a cell and get what it showed as text; errors included, as `Class: message`.

    `packages`: a directory whose packages come before those that are installed, such as another ipykernel.
    """

    def __init__(self, home: Path, packages: Path | None = None) -> None:
        self._manager = KernelManager(kernel_name="python3")
        spec = self._manager.kernel_spec
        assert spec is not None
        spec.argv[0] = sys.executable
        environment = {
            **os.environ,
            "AGNT5_HOME": str(home / ".agnt5"),
            "IPYTHONDIR": str(home / "ipython"),
            "PYTHONPATH": os.pathsep.join(map(str, [packages, ROOT] if packages else [ROOT])),
        }
        self._shown: dict[str, list[str]] = {}
        self._knocked = time.monotonic()
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
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            message = self._next()
            if interrupt_at and interrupt_at in self.shown(request):
                interrupt_at = ""
                self._manager.interrupt_kernel()
            mine = message["parent_header"].get("msg_id") == request
            if mine and message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return self.shown(request)
        raise AssertionError(f"the cell did not end; it showed {self.shown(request)!r}")

    def shown(self, request: str) -> str:
        """What a cell has shown until now, also after it was done."""
        return "".join(self._shown.get(request, []))

    def wait_for(self, request: str, text: str) -> str:
        """What a cell shows, once this is part of it; it may come after the cell was done."""
        until = time.monotonic() + PATIENCE
        while text not in self.shown(request):
            assert time.monotonic() < until, f"{text!r} was not shown, but {self.shown(request)!r}"
            self._next()
        return self.shown(request)

    def complete(self, text: str) -> list[str]:
        """What the tab key offers at the end of this text."""
        request = self._client.complete(text, len(text))
        while (answer := self._hear(self._client.get_shell_msg))["parent_header"].get("msg_id") != request:
            continue
        return answer["content"]["matches"]

    def _next(self) -> Any:
        message = self._hear(self._client.get_iopub_msg)
        kind, content = message["msg_type"], message["content"]
        shown = self._shown.setdefault(message["parent_header"].get("msg_id", ""), [])
        if kind == "stream":
            shown.append(content["text"])
        elif kind in ("execute_result", "display_data"):
            shown.append(content["data"].get("text/plain", ""))
        elif kind == "error":
            shown.append(f"{content['ename']}: {content['evalue']}")
        return message

    def _hear(self, channel: Any) -> Any:
        until = time.monotonic() + PATIENCE
        while True:
            self._knock()
            try:
                return channel(timeout=_QUIET)
            except Empty:
                assert time.monotonic() < until, "the kernel says nothing any more"

    def _knock(self) -> None:
        """ipykernel 7.0 to 7.3 may leave a request lying in its socket until somebody else connects
        (ipython/ipykernel#1554), also without this package. Where it has not, one more connection changes nothing.

        By the clock, not only when all is quiet: panels of other cells go on speaking.
        """
        if time.monotonic() < self._knocked + _QUIET:
            return
        self._knocked = time.monotonic()
        visitor: Any = self._manager.blocking_client()
        visitor.start_channels(iopub=False, stdin=False, hb=False, control=False)
        visitor.kernel_info()
        visitor.stop_channels()

    def kill_and_restart(self) -> None:
        self._manager.restart_kernel(now=True)
        self._client.wait_for_ready(timeout=PATIENCE)

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
