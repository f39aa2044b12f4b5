"""`as_completed` and `wait_for` for the flow loop: same results as asyncio's, same order in every replay and every
Python.

asyncio's own put tasks in sets of coroutines ordered by `id`, and ask for tasks and timers in an order that changed
between 3.11 and 3.12. These must never be used on another loop; `dispatch` sees to that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable
from inspect import isawaitable
from typing import Any, TypeVar

T = TypeVar("T")


async def wait_for(awaitable: Awaitable[T], timeout: float | None) -> T:
    """As Python 3.12 and later: the timer is armed first, and a coroutine runs in the calling task."""
    if timeout is None:
        return await awaitable
    if timeout > 0:
        async with asyncio.timeout(timeout):
            return await awaitable
    future = asyncio.ensure_future(awaitable)
    if not future.done():
        await _cancel_and_wait(future)
    try:
        return future.result()
    except asyncio.CancelledError as error:
        raise TimeoutError from error


async def _cancel_and_wait(future: asyncio.Future[Any]) -> None:
    """Not `await future`: that could not tell our cancellation of it from somebody's cancellation of us."""
    ended = asyncio.get_running_loop().create_future()

    def wake(_: asyncio.Future[Any]) -> None:
        if not ended.done():
            ended.set_result(None)

    future.add_done_callback(wake)
    try:
        future.cancel()
        await ended
    finally:
        future.remove_done_callback(wake)


def as_completed(awaitables: Iterable[Awaitable[Any]], *, timeout: float | None = None) -> AsCompleted:
    """A plain and an async iterator on every Python, as asyncio's is since 3.13. Tasks are made and the timer is armed
    at once, in the order given. A set is refused when it holds anything but futures: it has no order to repeat."""
    if isawaitable(awaitables):
        raise TypeError(f"expects an iterable of awaitables, not {type(awaitables).__name__}")
    if isinstance(awaitables, (set, frozenset)) and not all(map(asyncio.isfuture, awaitables)):
        raise TypeError(
            "as_completed() got a set of coroutines. In a flow their order decides which command comes first, and a "
            "set has another order in every process: pass a list."
        )
    return AsCompleted(awaitables, timeout)


class AsCompleted:
    def __init__(self, awaitables: Iterable[Awaitable[Any]], timeout: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._done: asyncio.Queue[asyncio.Future[Any] | None] = asyncio.Queue()
        futures = [asyncio.ensure_future(one, loop=loop) for one in dict.fromkeys(awaitables)]
        self._waiting: dict[asyncio.Future[Any], None] = dict.fromkeys(futures)
        self._left = len(self._waiting)
        for future in self._waiting:
            future.add_done_callback(self._completed)
        self._timer = loop.call_later(timeout, self._expired) if futures and timeout is not None else None

    def __iter__(self) -> AsCompleted:
        return self

    def __aiter__(self) -> AsCompleted:
        return self

    def __next__(self) -> Coroutine[Any, Any, Any]:
        if self._left == 0:
            raise StopIteration
        self._left -= 1
        return self._result()

    async def __anext__(self) -> asyncio.Future[Any]:
        if self._left == 0:
            raise StopAsyncIteration
        self._left -= 1
        return await self._future()

    async def _result(self) -> Any:
        return (await self._future()).result()

    async def _future(self) -> asyncio.Future[Any]:
        future = await self._done.get()
        if future is None:
            raise TimeoutError
        return future

    def _completed(self, future: asyncio.Future[Any]) -> None:
        if future in self._waiting:
            del self._waiting[future]
            self._done.put_nowait(future)
            if not self._waiting and self._timer is not None:
                self._timer.cancel()

    def _expired(self) -> None:
        for future in self._waiting:
            future.remove_done_callback(self._completed)
            self._done.put_nowait(None)
        self._waiting.clear()
