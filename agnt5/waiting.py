"""How the end of a run is awaited from outside: in this process, or by looking at a store that another one owns.

A run that handed over to a successor has no result; whoever waits for it waits for the last run of the chain. Waiting
must never change a run.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, NamedTuple

from agnt5 import asking, config, registry
from agnt5.codec import decode_failure, read_failure, visible
from agnt5.entry import value_of
from agnt5.errors import (
    RunCancelled,
    RunFailed,
    RunNotFound,
    RunPaused,
    RuntimeUnavailableError,
    SerializationError,
    StoreCorrupt,
)
from agnt5.execution.kinds import CONTINUED
from agnt5.log import logger
from agnt5.runtime import owner_or_reader
from agnt5.runtime import reader as look
from agnt5.types import Status

if TYPE_CHECKING:
    from agnt5 import _core
    from agnt5.execution.driver import Ending

_POLL_SECONDS = 0.1
# How long a run that was resumed may be queued before whoever waits for it is told.
_QUIET_SECONDS = 2.0


class _Next(NamedTuple):
    """Not an end: the run to wait for now."""

    run_id: str


def row_of(run_id: str, reader: _core.Reader | None = None) -> _core.RunRow:
    """What the store's table says of a run. RunNotFound when it says nothing."""
    if reader is None:
        reader = look()
    row = reader.run(run_id)
    if row is None:
        raise RunNotFound(f"No run {run_id} is in this store. `agnt5.runs()` lists those it has.", run_id=run_id)
    return row


def block(run_id: str, timeout: float | None) -> Any:
    """Block this thread until the run has ended, and those that it handed over to; TimeoutError after `timeout` s."""
    until = None if timeout is None else time.monotonic() + timeout
    while True:
        try:
            found = _block_for_one(run_id, until)
        except TimeoutError:
            reader = look()
            status = Status.from_code(row_of(run_id, reader).status)
            below = "".join(f" {told}" for told in asking.paused_below(run_id, reader))
            raise TimeoutError(
                f"Run {run_id} is still {status} after {timeout} s. It goes on; ask again, or `run.cancel()`.{below}"
            ) from None
        if not isinstance(found, _Next):
            return found
        run_id = found.run_id


async def wait(run_id: str) -> Any:
    """The same for a coroutine, without a limit."""
    while isinstance(found := await _wait_for_one(run_id), _Next):
        run_id = found.run_id
    return found


def successor_of(run_id: str, reader: _core.Reader) -> str:
    """The run that this one handed over to; "" when there is none."""
    ended = reader.ending(run_id)
    return ended.child_id if ended is not None and ended.outcome == CONTINUED else ""


def left_alone(row: _core.RunRow, *, owned: bool) -> bool:
    """Interrupted, and nobody has resumed it. `owned`: whether a living process owns the store."""
    return Status.from_code(row.status).left_alone(marked=row.interrupted, owned=owned)


def _block_for_one(run_id: str, until: float | None) -> Any:
    runtime, reader = owner_or_reader()
    if runtime is None:
        elsewhere = _Elsewhere(run_id, reader)
        while (known := elsewhere.look()) is None:
            if until is not None and time.monotonic() > until:
                raise TimeoutError
            time.sleep(_POLL_SECONDS)
        return _outcome(run_id, reader, *known)
    future = runtime.wait(run_id)
    try:
        known = None if future.done() else _here(run_id, reader)
        left = None if until is None else max(0.0, until - time.monotonic())
        status, payload = known if known is not None else asking.block(run_id, future, left)
    except CancelledError:
        raise _closed(run_id) from None
    finally:
        runtime.driver.unwait(run_id, future)
    return _outcome(run_id, reader, status, payload)


async def _wait_for_one(run_id: str) -> Any:
    runtime, reader = owner_or_reader()
    if runtime is None:
        elsewhere = _Elsewhere(run_id, reader)
        while (known := elsewhere.look()) is None:
            await asyncio.sleep(_POLL_SECONDS)
        return _outcome(run_id, reader, *known)
    future = runtime.wait(run_id)
    try:
        known = None if future.done() else _here(run_id, reader)
        status, payload = known if known is not None else await asking.wait(run_id, future)
    finally:
        runtime.driver.unwait(run_id, future)
    return _outcome(run_id, reader, status, payload)


def _here(run_id: str, reader: _core.Reader) -> Ending | None:
    """The end that is known already, of a run that only this process can drive."""
    row = row_of(run_id, reader)
    ended = _already(row)
    if ended is None and row.interrupted and registry.find(row.component) is None and _asks():
        raise RunPaused(
            f"Run {run_id} was resumed and goes on as soon as {row.component!r} is defined in this process, which owns "
            f"its store. Define it, then wait.",
            run_id=run_id,
            reason=row.reason,
        )
    return ended


class _Elsewhere:
    """One wait for a run that another process drives."""

    def __init__(self, run_id: str, reader: _core.Reader) -> None:
        self._run_id = run_id
        self._reader = reader
        self._told_at: float | None = time.monotonic() + _QUIET_SECONDS

    def look(self) -> Ending | None:
        """The end, when it is there. Says once why a run that was resumed does not begin."""
        row = row_of(self._run_id, self._reader)
        ended = _already(row)
        if ended is None and _asks() and not self._reader.owner():
            # It may have ended before its process went.
            row = row_of(self._run_id, self._reader)
            ended = _already(row)
            if ended is None:
                raise _interrupted(row)
        if ended is None and self._told_at is not None and time.monotonic() > self._told_at:
            self._told_at = None
            if row.interrupted:
                logger.warning(
                    "Run %s was resumed and has not begun: the process that owns its store drives it when %r is "
                    "defined there and there is room.",
                    row.id,
                    row.component,
                )
        return ended


def _already(row: _core.RunRow) -> Ending | None:
    status = Status.from_code(row.status)
    if status.terminal or status is Status.PAUSED:
        return row.status, None
    if left_alone(row, owned=True) and _asks():
        raise _interrupted(row)
    return None


def _asks() -> bool:
    """Whether interrupted runs wait for a person's word: otherwise they go on by themselves."""
    return config.settings().recover == "ask"


def _interrupted(row: _core.RunRow) -> RunPaused:
    why = row.reason or "its process went away"
    return RunPaused(
        f"Run {row.id} was interrupted: {why}. Let it go on with `run.resume()`.", run_id=row.id, reason=row.reason
    )


def _outcome(run_id: str, reader: _core.Reader, code: int, payload: bytes | None) -> Any:
    status = Status.from_code(code)
    if status is Status.PAUSED:
        from agnt5.execution.stops import reason_error

        row = row_of(run_id, reader)
        if Status.from_code(row.status) is not status:
            return _Next(run_id)  # resumed meanwhile: the pause that was told is an earlier one
        raise reason_error(run_id, row.reason)
    if status is Status.CANCELLED:
        raise RunCancelled(f"Run {run_id} was cancelled.", run_id=run_id)
    if payload is None:
        ended = reader.ending(run_id)
        if ended is None:
            raise StoreCorrupt(f"Run {run_id} is {status.value} and its journal has no end.")
        if ended.outcome == CONTINUED:
            return _Next(ended.child_id)
        payload = ended.payload
    if status is Status.FAILED:
        raise _failed(run_id, payload)
    return value_of(payload)


def _failed(run_id: str, payload: bytes) -> RunFailed:
    failure = read_failure(payload)
    error = RunFailed(
        f"Run {run_id} failed: {failure.name}: {visible(failure.message)}",
        run_id=run_id,
        cause_type=failure.type,
        cause_message=failure.message,
        traceback_text=failure.traceback,
    )
    try:
        error.__cause__ = decode_failure(payload)
    except SerializationError as unreadable:
        error.__cause__ = unreadable
    return error


def _closed(run_id: str) -> RuntimeUnavailableError:
    return RuntimeUnavailableError(
        f"The runtime was closed while run {run_id} was awaited. The run is recorded and goes on when its store is "
        f"opened again."
    )
