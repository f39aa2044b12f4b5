"""How many requests a model gets at once and in a minute, so that a thousand callers do not storm its provider.

Limits hold within this process. After a refusal that says when to come back, all callers of that model wait until then.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from agnt5.errors import ConfigurationError, RateLimited
from agnt5.log import logger

CONCURRENCY = 16
"""Requests to one model at the same time, unless `limit_model` says otherwise."""

_MINUTE = 60.0
_LONGEST = 3600.0
_LONG = 10.0
"""Seconds; a wait of that length is worth a word."""


class _Limit:
    """What one model allows."""

    __slots__ = ("concurrency", "per_minute")

    def __init__(self, concurrency: int, per_minute: int | None) -> None:
        self.concurrency = concurrency
        self.per_minute = per_minute


class _Gate:
    """The state of one limit on one event loop."""

    __slots__ = ("closed_until", "free", "recent")

    def __init__(self, concurrency: int) -> None:
        self.free = asyncio.Semaphore(concurrency)
        self.recent: deque[float] = deque()
        self.closed_until = 0.0


_timeless: ContextVar[bool] = ContextVar("time is virtual", default=False)
_lock = threading.Lock()
_limits: dict[str, _Limit] = {"local": _Limit(1, None)}  # one at a time is all that this process can compute
_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Gate]] = WeakKeyDictionary()


def limit_model(name: str, *, concurrency: int = CONCURRENCY, per_minute: int | None = None) -> None:
    """Limit a model, `provider/model`, or each model of a provider, `provider`; from the next request on."""
    for what, value in (("concurrency", concurrency), ("per_minute", per_minute)):
        if value is not None and (isinstance(value, bool) or value < 1):
            raise ConfigurationError(f"{what} is a whole number from 1, not {value!r}.")
    with _lock:
        _limits[name] = _Limit(concurrency, per_minute)
        for gates in _gates.values():
            for known, gate in gates.items():
                if known == name or (known.startswith(f"{name}/") and known not in _limits):
                    gate.free = asyncio.Semaphore(concurrency)


@asynccontextmanager
async def turn(name: str) -> AsyncGenerator[None, None]:
    """Wait for a place among the requests to this model, and hold it."""
    gate = _gate(name)
    limit = _limit(name)
    async with gate.free:
        while not _timeless.get() and (wait := _wait(gate, limit, _now())) > 0:
            await _pause(wait)
        if limit.per_minute is not None:
            gate.recent.append(_now())
        yield


@contextmanager
def virtual_time() -> Generator[None, None, None]:
    """In here nobody waits for time to pass: a test's clock is its own, and a script refuses for hours at once."""
    token = _timeless.set(True)
    try:
        yield
    finally:
        _timeless.reset(token)


def heed(name: str, error: Exception) -> None:
    """Remember a refusal that says when to come back."""
    if isinstance(error, RateLimited) and error.retry_after is not None and not _timeless.get():
        gate = _gate(name)
        wait = min(error.retry_after, _LONGEST)
        if wait >= _LONG and _now() + wait > gate.closed_until + _LONG:
            logger.warning("%s asks to come back in %g s; until then all its callers here wait", name, wait)
        gate.closed_until = max(gate.closed_until, _now() + wait)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


def _wait(gate: _Gate, limit: _Limit, now: float) -> float:
    wait = gate.closed_until - now
    if limit.per_minute is not None:
        while gate.recent and gate.recent[0] <= now - _MINUTE:
            gate.recent.popleft()
        if len(gate.recent) >= limit.per_minute:
            wait = max(wait, gate.recent[0] + _MINUTE - now)
    return wait


def _limit(name: str) -> _Limit:
    with _lock:
        return _limits.get(name) or _limits.get(name.partition("/")[0]) or _Limit(CONCURRENCY, None)


def _gate(name: str) -> _Gate:
    loop = asyncio.get_running_loop()
    limit = _limit(name)
    with _lock:
        return _gates.setdefault(loop, {}).setdefault(name, _Gate(limit.concurrency))
