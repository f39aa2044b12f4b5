"""Desk: does one thing after another beside the kernel, on a thread that is there while there is something to do.

It waits for nobody and nobody waits for it: closing lets go of what has not begun.
"""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable


class Desk:
    """Takes jobs from any thread. They raise nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: deque[Callable[[], object]] = deque()
        self._thread: threading.Thread | None = None
        self._closed = False

    def put(self, job: Callable[[], object]) -> None:
        """Do this after what was put before. What it sends belongs to the cell that is shown now: ipykernel keeps that
        in the context."""
        context = contextvars.copy_context()
        with self._lock:
            if self._closed:
                return
            self._jobs.append(lambda: context.run(job))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="agnt5-panel", daemon=True)
                self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether its thread is there."""
        return self._thread is not None

    def close(self) -> None:
        """Begin nothing more. It takes no lock, for the garbage collector may close in the middle of `put`."""
        self._closed = True
        self._jobs.clear()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._thread = None
                    return
                job = self._jobs.popleft()
            job()
            del job  # it holds its panel, which nobody else may want any more
