"""What models of this process are saying, piece by piece, kept for the panels that show it.

No journal has it. Hearing happens on the thread that emits, so it only puts pieces aside.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import Any

import agnt5

_MOST = 200
"""Runs whose pieces are kept while no panel takes them."""


class Streams:
    """Hears all runs once somebody listens; `take` gives the pieces of some and forgets them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pieces: dict[str, deque[tuple[str, str, bool]]] = {}

    def listen(self) -> None:
        """Hear this process's engine, which may be another than before. Runs of other processes are heard there."""
        with contextlib.suppress(agnt5.AGNT5Error):
            agnt5.listen(self._hear)

    def want(self, run_ids: set[str]) -> None:
        """From now on keep the pieces of these runs."""
        with self._lock:
            for run_id in run_ids:
                self._pieces.setdefault(run_id, deque(maxlen=20_000))
            while len(self._pieces) > _MOST:
                self._pieces.pop(next(iter(self._pieces)))

    def take(self, run_ids: set[str]) -> list[tuple[str, str, bool]]:
        """(step, text, whether the answer begins again), in order."""
        found: list[tuple[str, str, bool]] = []
        with self._lock:
            for run_id in run_ids:
                pieces = self._pieces.get(run_id)
                if pieces:
                    found += pieces
                    pieces.clear()
        return found

    def _hear(self, run_id: str, value: Any) -> None:
        if not isinstance(value, agnt5.Streamed) or not value.delta.text:
            return
        with self._lock:
            pieces = self._pieces.get(run_id)
            if pieces is not None:
                pieces.append((f"{run_id}/{value.path}", value.delta.text, value.again))


streams = Streams()
