"""Notices when a body blocks the host loop, on which every run of the process depends, and says where.

It only warns: it must never interrupt or change what a body does. Its thread sleeps while no body is under way.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from types import FrameType

from agnt5.log import logger

_PERIOD = 1.0


class Watchdog:
    __slots__ = ("_beat", "_busy", "_closed", "_loop", "_thread", "_warned", "host_ident")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._busy = threading.Event()
        self._beat = threading.Event()
        self._closed = False
        self._warned = False
        self._thread: threading.Thread | None = None
        self.host_ident = 0

    def watch(self, busy: bool) -> None:
        """Bodies are under way on the host loop, or none is left."""
        if not busy:
            self._busy.clear()
            return
        self._busy.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._main, name="agnt5-watchdog", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._closed = True
        self._busy.set()
        self._beat.set()

    def _main(self) -> None:
        while True:
            self._busy.wait()
            if self._closed:
                return
            self._beat.clear()
            try:
                self._loop.call_soon_threadsafe(self._beat.set)
            except RuntimeError:
                return
            if self._beat.wait(_PERIOD):
                self._warned = False
                if self._closed:
                    return
                # Nothing is lost by looking only once a period: a block shorter than that is not worth a word.
                threading.Event().wait(_PERIOD)
            elif not self._warned and not self._closed:
                self._warned = self._warn()

    def _warn(self) -> bool:
        """Whether there was something to say."""
        found = _user_line(sys._current_frames().get(self.host_ident))
        if found is None:
            return False  # no body stands there: the machine is too busy to run this process, and no code is at fault
        where, name = found
        logger.warning(
            "%s has blocked the host loop for more than %.0f s at %s. Every run of this process waits for it: "
            "make the body a plain `def` (it then gets a thread of its own) or await an async library.",
            name,
            _PERIOD,
            where,
        )
        return True


def _user_line(frame: FrameType | None) -> tuple[str, str] | None:
    """The innermost line outside the standard library and of this package, and the function it is in."""
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package != "agnt5" and (package not in sys.stdlib_module_names or package == "__main__"):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}", f"`{frame.f_code.co_name}`"
        frame = frame.f_back
    return None
