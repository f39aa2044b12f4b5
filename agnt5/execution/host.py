"""The host loop: one daemon thread with an ordinary asyncio loop on which all runs are driven.

User code outside of runs never shares this loop, so buttons work while a cell waits. It must never be entered from two
threads: others post callables to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from agnt5.execution.pool import ThreadPool
from agnt5.execution.watchdog import Watchdog

_POOL_LIMIT = max(32, min(64, (os.cpu_count() or 1) * 8))


class Host:
    __slots__ = ("_receive", "_send", "_thread", "base", "loop", "pool", "ready", "wake_fd", "watchdog")

    def __init__(self, on_wake: Callable[[], None]) -> None:
        self.loop = asyncio.new_event_loop()
        # Callbacks of the next iteration, the newest last. None where the loop is not Python's own and hides them.
        self.ready: deque[asyncio.Handle] | None = getattr(self.loop, "_ready", None)
        # Driver callbacks run in this context, so that a step's capture never swallows what the driver itself logs.
        self.base = contextvars.Context()
        self.pool = ThreadPool(_POOL_LIMIT)
        self._receive, self._send = socket.socketpair()
        self._receive.setblocking(False)
        self._send.setblocking(False)
        self.wake_fd = self._send.fileno()
        self._thread = threading.Thread(target=self._main, args=(on_wake,), name="agnt5-host", daemon=True)
        self.watchdog = Watchdog(self.loop)

    def start(self) -> None:
        self._thread.start()

    def _main(self, on_wake: Callable[[], None]) -> None:
        asyncio.set_event_loop(self.loop)
        receive = self._receive

        def woken() -> None:
            try:
                receive.recv(4096)
            except BlockingIOError:
                return
            on_wake()

        self.loop.add_reader(receive.fileno(), woken)
        self.watchdog.host_ident = threading.get_ident()
        while True:
            try:
                self.loop.run_forever()
                return
            except (SystemExit, KeyboardInterrupt):
                # Raised in a task of some body, which has it as its error too. asyncio lets it through to end the
                # program; here it would end every other run.
                continue

    @property
    def inside(self) -> bool:
        """Whether the caller is on the host thread."""
        return threading.get_ident() == self._thread.ident

    def post(self, callback: Callable[..., Any], *args: Any) -> None:
        """Run a callback on the host loop soon; from any thread."""
        self.loop.call_soon_threadsafe(callback, *args, context=self.base)

    def post_late(self, callback: Callable[..., Any], *args: Any) -> None:
        """As `post`, for threads that may outlive the loop: then nobody is left to hear them."""
        with contextlib.suppress(RuntimeError):
            self.post(callback, *args)

    def soon(self, callback: Callable[..., Any], *args: Any) -> None:
        """As `post`, from the host thread, without waking it."""
        self.loop.call_soon(callback, *args, context=self.base)

    def stop(self, timeout: float) -> bool:
        """Stop the loop; False when it did not stop in time, because a body holds the thread."""
        self.watchdog.close()
        self.pool.close()
        if not self._thread.is_alive() or self.inside:
            return True
        try:
            self.loop.call_soon_threadsafe(self.loop.stop)
        except RuntimeError:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def dispose(self) -> None:
        """Give the sockets free, once nothing writes to them any more."""
        if not self._thread.is_alive():
            self.loop.remove_reader(self._receive.fileno())
            self.loop.close()
        self._receive.close()
        self._send.close()
