"""The wall clock, and the time limit of one execution of a body, which durable waits stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


def now_us() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000


class BodyClock:
    __slots__ = ("_expire", "_handle", "_left", "_loop", "_since", "_waits", "expired")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, expire: Callable[[], None]) -> None:
        self._loop = loop
        self._left = seconds
        self._expire = expire
        self._waits = 0
        self._since = 0.0
        self._handle: asyncio.TimerHandle | None = None
        self.expired = False
        self._run()

    def wait_begins(self) -> None:
        self._waits += 1
        if self._waits == 1 and self._handle is not None:
            self._handle.cancel()
            self._handle = None
            self._left = max(0.0, self._left - (self._loop.time() - self._since))

    def wait_ends(self) -> None:
        self._waits -= 1
        if self._waits == 0 and not self.expired:
            self._run()

    def stop(self) -> None:
        self._waits += 1
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _run(self) -> None:
        self._since = self._loop.time()
        self._handle = self._loop.call_later(self._left, self._over)

    def _over(self) -> None:
        self._handle = None
        self.expired = True
        self._expire()
