"""`ctx` as a plain `def` body sees it: the same names, and each blocks the body's own thread until it is answered.

The operations run on the host loop; this thread only waits. It must never be used from the host thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from agnt5.context import Context, State

if TYPE_CHECKING:
    from agnt5.component import Component
    from agnt5.execution.scopes import MemoScope
    from agnt5.run import Run


class SyncContext(Context):
    """Blocking twin of Context. Each method's contract is Context's, without the `await`."""

    __slots__ = ("_async",)

    def __init__(self, scope: MemoScope) -> None:
        super().__init__(scope)
        self._async = Context(scope)

    def _block(self, coro: Any) -> Any:
        return self._scope.attempt.block_on(coro)

    def call(self, target: Any, /, *args: Any, **kwargs: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._block(self._async.call(target, *args, **kwargs))

    def call_with(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], **options: Any) -> Any:
        return self._block(self._async.call_with(target, args, kwargs, **options))

    def spawn(self, calls: Iterable[tuple[Any, Any]], *, return_exceptions: bool = False) -> Any:  # pyright: ignore
        return self._block(self._async.spawn(calls, return_exceptions=return_exceptions))

    def sleep(self, delay: float | timedelta) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._block(self._async.sleep(delay))

    def wait_for_event(self, name: str, timeout: float | timedelta | None = None, *, about: Any = None) -> Any:
        return self._block(self._async.wait_for_event(name, timeout, about=about))

    def chat(self, messages: Any, **settings: Any) -> Any:
        return self._block(self._async.chat(messages, **settings))

    def embed(self, texts: Any, **settings: Any) -> Any:
        return self._block(self._async.embed(texts, **settings))

    def send_event(self, name: str, payload: Any = None, *, run: Run | str | None = None) -> Any:
        return self._block(self._async.send_event(name, payload, run=run))

    def get_object(self, cls: type | str, key: str) -> Any:
        from agnt5.component import object_type
        from agnt5.proxy import ObjectProxy

        return ObjectProxy(object_type(cls), key, self.call_object)

    def continue_as(self, *args: Any, **kwargs: Any) -> Any:
        return self._block(self._async.continue_as(*args, **kwargs))

    def start(self, target: Any, /, *args: Any, **kwargs: Any) -> Any:
        return self._block(self._async.start(target, *args, **kwargs))

    @property
    def state(self) -> Any:
        if self._state is None:
            self._state = _SyncState(self, self._scope)
        return self._state

    def now(self) -> datetime:
        return self._block(_later(self._async.now))

    def call_object(self, method: Component[..., Any], target: str, args: tuple[Any, ...], kwargs: Any) -> Any:
        return self._block(self._async.call_object(method, target, args, kwargs))

    def post_event(self, name: str, payload: Any, run_id: str) -> None:
        self._block(_later(self._async.post_event, name, payload, run_id))

    def start_run(self, component: Component[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Run:
        return self._block(_later(self._async.start_run, component, args, kwargs))

    def join_run(self, run_id: str) -> Any:
        return self._block(self._async.join_run(run_id))


class _SyncState(State):
    __slots__ = ()

    def set(self, key: str, value: Any) -> Any:
        return self._ctx._block(super().set(key, value))  # type: ignore[attr-defined]

    def get(self, key: str, default: Any = None) -> Any:
        return self._ctx._block(super().get(key, default))  # type: ignore[attr-defined]

    def delete(self, key: str) -> Any:
        return self._ctx._block(super().delete(key))  # type: ignore[attr-defined]

    def keys(self) -> Any:
        return self._ctx._block(super().keys())  # type: ignore[attr-defined]


async def _later(function: Any, *args: Any) -> Any:
    return function(*args)
