"""One thread that keeps all live panels up to date, 20 times a second at most.

It asks a panel to look and to tell what changed; it never waits for a browser, and it ends when nothing is live.
"""

from __future__ import annotations

import contextvars
import threading
from typing import Protocol

PERIOD = 0.05
"""Seconds between two looks."""


class Live(Protocol):
    """What can be followed."""

    def tick(self) -> bool:
        """Look, tell, and say whether there will be more. It raises nothing."""
        ...


class Follower:
    """Follows panels from `follow` until their `tick` says that no more will come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._followed: dict[int, tuple[Live, contextvars.Context]] = {}
        self._thread: threading.Thread | None = None
        self._pause = threading.Event()

    def follow(self, panel: Live) -> None:
        # What a thread sends belongs to the cell that shows the panel: ipykernel keeps that in the context.
        context = contextvars.copy_context()
        with self._lock:
            self._followed[id(panel)] = panel, context
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="agnt5-panels", daemon=True)
                self._thread.start()

    def leave(self, panel: Live) -> None:
        # Without the lock: the garbage collector closes panels in the middle of anything, of `follow` and `_run` too.
        # One that is followed is no garbage, so such a panel is not in here; for others this is one step.
        self._followed.pop(id(panel), None)

    def look_now(self) -> None:
        """Look at all of them, without waiting for the thread's next time."""
        with self._lock:
            followed = list(self._followed.values())
        for panel, context in followed:
            if not context.copy().run(panel.tick):
                self.leave(panel)

    def _run(self) -> None:
        while True:
            with self._lock:
                followed = list(self._followed.values())
                if not followed:
                    self._thread = None
                    return
            for panel, context in followed:
                if not context.run(panel.tick):
                    self.leave(panel)
            self._pause.wait(PERIOD)


follower = Follower()
