"""Kills its own process with SIGKILL the n-th time a named point is reached, or a moment after.

A point is either a line that a thread passes (`at`) or a stretch of time in which the core works without the GIL
(`during`): then another thread kills, after a random part of the time that the stretch usually takes. Only tests load
this; the package has no failpoints.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from agnt5 import _core
from agnt5.execution import effects
from agnt5.execution.attempt import Attempt
from agnt5.execution.driver import Driver
from crash.ledger import Ledger

# Name of the point, and the highest n: a life must pass it that often for sure.
AT: dict[str, int] = {
    "before start": 10,
    "start returned": 10,
    "in body": 20,
    "effect done": 20,
    "settled": 20,
    "handed over": 40,
    "recorded": 40,
    "acknowledged": 40,
    "in method": 2,
    "method recorded": 2,
    "child ended": 2,
    "run ended": 8,
    "result returned": 8,
    "event sent": 2,
    "cancelled": 1,
    "evicting": 3,
    "evicted": 3,
    "leased": 12,
    "replaying": 6,
    "opened": 1,
    "stopping": 1,
    "closed": 1,
}
DURING: dict[str, int] = {
    "opening": 1,
    "committing": 3,
    "committing in the writer": 10,
    "retry wait": 2,
    "checkpoint": 1,
    "closing": 1,
}
POINTS = AT | DURING


class Trap:
    def __init__(self, point: str, nth: int, seed: int, ledger: Ledger) -> None:
        self.point = point
        self._left = nth
        self._random = random.Random(seed)
        self._ledger = ledger
        self._lock = threading.Lock()
        self._usual: dict[str, float] = {}

    def at(self, point: str) -> None:
        if self._reached(point):
            self._kill()

    def during(self, point: str, work: Callable[[], Any], usual: float = 0.001) -> Any:
        """Do `work`; when its turn has come, be killed in the middle of it."""
        began = time.perf_counter()
        if self._reached(point):
            self.soon(self._usual.get(point, usual))
        answer = work()
        self._usual[point] = time.perf_counter() - began
        return answer

    def soon(self, longest: float) -> None:
        delay = self._random.uniform(0, longest)
        threading.Thread(target=self._kill, args=(delay,), daemon=True).start()

    def reached(self, point: str, longest: float) -> None:
        """Something that lasts at least `longest` seconds has begun."""
        if self._reached(point):
            self.soon(longest)

    def when_changed(self, point: str, path: Path) -> None:
        """The main file of an SQLite database in WAL mode is written by checkpoints only."""
        if not self._reached(point):
            return
        before = path.stat()

        def watch() -> None:
            while (now := path.stat()).st_mtime_ns == before.st_mtime_ns and now.st_size == before.st_size:
                time.sleep(0.0002)
            self._kill(self._random.uniform(0, 0.002))

        threading.Thread(target=watch, daemon=True).start()

    def _reached(self, point: str) -> bool:
        if point != self.point:
            return False
        with self._lock:
            self._left -= 1
            return self._left == 0

    def _kill(self, delay: float = 0.0) -> NoReturn:
        if delay:
            time.sleep(delay)
        self._ledger.note("hit", self.point)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody survives this")


class Engine:
    """The core's engine, with points around what it does."""

    def __init__(self, engine: _core.Engine, trap: Trap) -> None:
        self._engine = engine
        self._trap = trap

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def flush(self) -> list[Any]:
        return self._trap.during("committing", self._engine.flush)

    def kick(self) -> None:
        self._engine.kick()
        # The writer commits on its own thread from here on.
        self._trap.reached("committing in the writer", 0.003)

    def close(self) -> None:
        self._trap.during("closing", self._engine.close, 0.003)
        self._trap.at("closed")


def install(trap: Trap, ledger: Ledger) -> None:
    """Put the points into this process, before its runtime is opened."""
    kinds: dict[str, int] = {}
    real = _core.Engine

    class Opener:
        @staticmethod
        def open(directory: str, **options: Any) -> Engine:
            opened = trap.during("opening", lambda: real.open(directory, **options), 0.05)
            trap.at("opened")
            return Engine(opened, trap)

    _core.Engine = Opener  # type: ignore[misc, assignment]

    def before(cls: type, name: str, note: Callable[..., None]) -> None:
        original = getattr(cls, name)

        def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            note(self, *args)
            return original(self, *args, **kwargs)

        setattr(cls, name, wrapped)

    def after(cls: type, name: str, note: Callable[..., None]) -> None:
        original = getattr(cls, name)

        def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            answer = original(self, *args, **kwargs)
            note(self, *args)
            return answer

        setattr(cls, name, wrapped)

    def leased(_driver: Driver, session: _core.Session) -> None:
        kinds[session.run_id] = session.kind
        trap.at("leased")

    def ended(_driver: Driver, run_id: str, _status: int) -> None:
        if kinds.get(run_id) == _core.COMPONENT_OBJECT:
            trap.at("method recorded")
        elif run_id.startswith("r_"):  # derived, so a run of a run
            trap.at("child ended")
        else:
            trap.at("run ended")

    def durable(attempt: Attempt, seq: int) -> None:
        ledger.note("durable", attempt.run_id, seq)
        trap.at("recorded")

    before(Driver, "adopt", leased)
    before(Driver, "on_ended", ended)
    before(Driver, "commit", lambda *_: trap.at("handed over"))
    before(Driver, "stop", lambda *_: trap.at("stopping"))
    before(Attempt, "on_durable", durable)
    after(Attempt, "on_durable", lambda *_: trap.at("acknowledged"))
    after(Attempt, "settled", lambda *_: trap.at("settled"))
    before(Attempt, "release", lambda *_: trap.at("evicting"))
    after(Attempt, "release", lambda *_: trap.at("evicted"))
    before(Attempt, "deliver", lambda attempt, *_: trap.at("replaying") if attempt.replaying else None)

    failed = effects.failed

    def failed_and_waits(op: Any, error: BaseException, logs: bytes, began: int) -> None:
        failed(op, error, logs, began)
        if isinstance(error, ConnectionError):
            trap.reached("retry wait", 0.02)

    effects.failed = failed_and_waits
