"""Threads for sync bodies: bounded, made when needed, never waited for at exit.

The standard executor joins its threads when the interpreter ends, so a body in `time.sleep(3600)` would hold the exit
for an hour. These threads are daemons. A thread that blocks on a durable operation lends its place to another, so
bodies that wait for each other cannot fill the pool and starve.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

Job = Callable[[], None]


class ThreadPool:
    __slots__ = ("_blocked", "_idle", "_jobs", "_limit", "_lock", "_threads")

    def __init__(self, limit: int) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._limit = limit
        self._threads = 0
        self._idle = 0
        self._blocked = 0

    def submit(self, job: Job) -> None:
        """Run `job` soon on some thread. A job reports its own errors; it must not raise."""
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
            elif self._threads - self._blocked < self._limit:
                self._spawn()
        self._jobs.put(job)

    def block(self) -> None:
        """The calling thread is about to wait for the host loop."""
        with self._lock:
            self._blocked += 1
            if self._idle == 0 and not self._jobs.empty():
                self._spawn()

    def unblock(self) -> None:
        with self._lock:
            self._blocked -= 1

    def close(self) -> None:
        """Idle threads end; a busy one ends after its job, if it ever does."""
        with self._lock:
            threads = self._threads
        for _ in range(threads):
            self._jobs.put(None)

    def _spawn(self) -> None:
        self._threads += 1
        threading.Thread(target=self._work, name=f"agnt5-body-{self._threads}", daemon=True).start()

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            job()
            del job
            with self._lock:
                # A job that nobody had a thread for is already ours: then this thread is not idle.
                if self._threads - self._blocked > self._limit:
                    self._threads -= 1
                    return
                self._idle += 1
