"""The thread on which one replay's code runs. It has no event loop, so a flow loop can be drained on it.

Everything a replay makes is made, used and torn down here, whoever asks; nothing is left to the garbage collector.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from agnt5.execution.asyncgens import hook

T = TypeVar("T")


class Stage:
    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=_work, args=(self._jobs,), name="agnt5-replay", daemon=True)
        self._thread.start()

    def call(self, job: Callable[[], T]) -> T:
        """Run a job on the stage and wait for it; raises what it raises."""
        if threading.current_thread() is self._thread:
            return job()
        future: Future[T] = Future()
        self._jobs.put((job, future))
        return future.result()

    def leave(self, job: Callable[[], Any]) -> None:
        """Run a last job, wait for nothing, and end the thread."""
        self._jobs.put((job, Future()))
        self._jobs.put(None)


def _work(jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]) -> None:
    hook()  # once for the thread: setting it at every answer costs as much as an answer
    while (item := jobs.get()) is not None:
        job, future = item
        try:
            future.set_result(job())
        except BaseException as error:
            future.set_exception(error)
        del item, job, future  # nothing of a job outlives it
