"""`ctx` for unit tests: runs bodies at once, in virtual time, without a store.

Calls are answered by `mock_call` or run for real, and all are recorded. It must never sleep, write or start a thread.
"""

from __future__ import annotations

import asyncio
import inspect
import random as _random
import uuid as _uuid
from collections import defaultdict, deque
from collections.abc import Iterable
from contextvars import Token
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from agnt5.component import Component, component_of, object_type, wants_context
from agnt5.context import Context, State, call_pair
from agnt5.durable import at_most_once
from agnt5.errors import ConfigurationError, EventTimeoutError, ServiceUnavailableError, StepTimeout
from agnt5.execution.current import current
from agnt5.proxy import ObjectProxy
from agnt5.retry import NO_RETRY, as_policy

if TYPE_CHECKING:
    from agnt5.llm import LLM, Request
    from agnt5.retry import RetryPolicy

_START = datetime(2024, 1, 1, tzinfo=UTC)


class RecordedCall(NamedTuple):
    """One `ctx.call`, object call or start, in the order in which they were made."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class ContinuedAs(BaseException):
    """How a flow's body ends under a MockContext when it hands over; `args` and `kwargs` are the next run's."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        super().__init__(*args)
        self.kwargs = kwargs


class _Mock:
    __slots__ = ("return_value", "series", "side_effect")

    def __init__(self, return_value: Any, side_effect: Any) -> None:
        self.return_value = return_value
        self.side_effect = side_effect
        # A list is used up, one value or exception a call.
        self.series: deque[Any] | None = deque(side_effect) if isinstance(side_effect, list | tuple) else None  # pyright: ignore[reportUnknownArgumentType]


class MockContext(Context):
    """Use it as `with MockContext() as ctx:`; inside, components and `current_context()` see it too.

    `calls` lists what was called, `sleeps` the seconds slept, `emitted` what `ctx.emit` showed, `sent` the events sent.
    `seed` decides `ctx.random` and `ctx.uuid`, `start` the virtual clock. `llm` answers chats that name no model;
    without one, the answer repeats the instructions and the question.
    """

    __slots__ = (
        "_clock",
        "_events",
        "_llm",
        "_memory",
        "_mocks",
        "_objects",
        "_token",
        "_uuid_random",
        "calls",
        "emitted",
        "sent",
        "sleeps",
        "values",
    )

    def __init__(self, *, seed: int = 0, start: datetime = _START, llm: LLM | None = None) -> None:
        super().__init__(_MockScope(self))  # type: ignore[arg-type]
        self._clock = start
        self._mocks: dict[tuple[str, ...], _Mock] = {}
        self._events: defaultdict[str, deque[Any]] = defaultdict(deque)
        self._objects: dict[str, Any] = {}
        self._llm = llm
        self._memory: Any = None
        self._token: Token[Any] | None = None
        self._random = _random.Random(seed)
        self._uuid_random = _random.Random(f"uuid:{seed}")
        self.calls: list[RecordedCall] = []
        self.sleeps: list[float] = []
        self.emitted: list[Any] = []
        self.sent: list[tuple[str, Any]] = []
        self.values: dict[str, Any] = {}

    def __enter__(self) -> MockContext:
        self._token = current.set(self)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._token is not None:
            current.reset(self._token)
            self._token = None

    # Arranging

    def mock_call(self, *target: Any, return_value: Any = None, side_effect: Any = None) -> None:
        """Answer calls of `target`: a callable, a component, `"service"` or `"service", "method"`.

        `side_effect`: an exception to raise, a callable to ask with the call's arguments, or a list of values and
        exceptions to give one after the other.
        """
        if not target:
            raise ConfigurationError("mock_call needs what is called: a callable, or 'service' and 'method'.")
        key = tuple(part if isinstance(part, str) else _name(part) for part in target)
        self._mocks[key] = _Mock(return_value, side_effect)

    def mock_event(self, name: str, payload: Any = None) -> None:
        """Keep an event for `wait_for_event`."""
        self._events[name].append(payload)

    # Operations

    async def continue_as(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ContinuedAs(args, kwargs)

    async def call_with(
        self,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        name: str | None = None,
        retry_policy: RetryPolicy | int | None = None,
        timeout: float | None = None,
        effect: str | None = None,
    ) -> Any:
        at_most_once(effect)
        called = target if isinstance(target, str) else name or _name(target)
        self.calls.append(RecordedCall(called, args, kwargs))
        mock, rest = self._mock_of(target, called, args)
        if mock is not None:
            return await _answer(mock, rest, kwargs)
        if isinstance(target, str):
            return await self._by_name(target, args, kwargs)
        component = component_of(target)
        policy = retry_policy if retry_policy is not None else component and component.retry_policy
        tries = as_policy(policy, NO_RETRY)
        tried = 0
        while True:
            try:
                return await self._limited(target, args, kwargs, timeout or (component.timeout if component else None))
            except Exception as error:
                tried += 1
                if tried >= tries.max_attempts or not tries.retries(error):
                    raise

    async def spawn(self, calls: Iterable[tuple[Any, Any]], *, return_exceptions: bool = False) -> list[Any]:
        work = [self.call(target, *args) for target, args in map(call_pair, calls)]
        return list(await asyncio.gather(*work, return_exceptions=return_exceptions))

    async def sleep(self, delay: float | timedelta) -> None:
        seconds = delay.total_seconds() if isinstance(delay, timedelta) else float(delay)
        self.sleeps.append(seconds)
        self._clock += timedelta(seconds=max(0.0, seconds))
        await asyncio.sleep(0)

    async def wait_for_event(self, name: str, timeout: float | timedelta | None = None, *, about: Any = None) -> Any:
        if not self._events[name]:
            await asyncio.sleep(0)  # another branch may be about to send it
        if self._events[name]:
            return self._events[name].popleft()
        if timeout is None:
            raise ConfigurationError(
                f"The event {name!r} never comes: arrange it with `ctx.mock_event({name!r}, payload)` before the wait."
            )
        await self.sleep(timeout)
        raise EventTimeoutError(f"No event {name!r} arrived in time.", event=name)

    async def get_object(self, cls: type | str, key: str) -> Any:
        return ObjectProxy(object_type(cls), key, self.call_object)

    async def operation(self, name: str, record: Any, body: Any, **settings: Any) -> Any:
        self.calls.append(RecordedCall(name, (record,), {}))
        mock = self._mocks.get((name,))
        if mock is not None:
            return await _answer(mock, (record,), {})
        from agnt5.llm.limits import virtual_time

        with virtual_time():
            return await body(record)

    def find_llm(self, wanted: Any) -> LLM:
        """The model that is wanted; else this test's, which repeats its instructions and what it is asked."""
        if wanted is not None:
            return super().find_llm(wanted)
        if self._llm is None:
            from agnt5.llm import ScriptedLLM

            self._llm = ScriptedLLM(_echo, model="echo")
        return self._llm

    # Values

    @property
    def state(self) -> State:
        if self._state is None:
            self._state = _MockState(self, self._scope)
        return self._state

    def now(self) -> datetime:
        return self._clock

    def uuid(self) -> _uuid.UUID:
        return _uuid.UUID(int=self._uuid_random.getrandbits(128), version=4)

    @property
    def random(self) -> _random.Random:
        assert self._random is not None
        return self._random

    @property
    def run_id(self) -> str:
        return "r_mock"

    @property
    def attempt(self) -> int:
        return 1

    @property
    def idempotency_key(self) -> str:
        return "mock"

    @property
    def is_replaying(self) -> bool:
        return False

    def emit(self, value: Any) -> None:
        self.emitted.append(value)

    # Inside

    def scratch_memory(self) -> Any:
        """Where `agnt5.memory` keeps things while this context is current: this context's own, in no store."""
        if self._memory is None:
            from agnt5.runtime import scratch_memory

            self._memory = scratch_memory()
        return self._memory

    def _mock_of(self, target: Any, called: str, args: tuple[Any, ...]) -> tuple[_Mock | None, tuple[Any, ...]]:
        if isinstance(target, str) and args and isinstance(args[0], str):
            mock = self._mocks.get((target, args[0]))
            if mock is not None:
                return mock, args[1:]
        key = target if isinstance(target, str) else _name(target)
        return self._mocks.get((called,)) or self._mocks.get((key,)), args

    async def _limited(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], timeout: float | None) -> Any:
        component = component_of(target)
        fn = target if component is None else component.fn
        asks = wants_context(fn) if component is None else component.wants_context
        value = fn(self, *args, **kwargs) if asks else fn(*args, **kwargs)
        if not inspect.isawaitable(value):
            return value
        if timeout is None:
            return await value
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                return await value
        except TimeoutError as error:
            if not limit.expired():
                raise
            what = f"{_name(target)} took longer than its timeout of {timeout:g} s."
            raise StepTimeout(what, seconds=timeout) from error

    async def _by_name(self, service: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        from agnt5 import registry

        kind = registry.find_object(service)
        if kind is not None and args and isinstance(args[0], str) and args[0] in kind.methods:
            return await self._on_object(kind.method(args[0]), kind.target("default"), args[1:], kwargs)
        component = registry.find(service)
        if component is not None:
            return await self._limited(component, args, kwargs, component.timeout)
        shown = ", ".join(repr(part) for part in (service, *args[:1]))
        raise ServiceUnavailableError(
            f"Nobody serves {service!r} in this test: `ctx.mock_call({shown}, return_value=...)`.", service=service
        )

    async def call_object(
        self, method: Component[..., Any], target: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        self.calls.append(RecordedCall(method.name, args, kwargs))
        assert method.owner is not None
        short = method.name.removeprefix(f"{method.owner.name}.")
        mock = self._mocks.get((method.owner.name, short))
        if mock is not None:
            return await _answer(mock, args, kwargs)
        return await self._on_object(method, target, args, kwargs)

    async def _on_object(
        self, method: Component[..., Any], target: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        assert method.owner is not None
        instance = self._objects.get(target)
        if instance is None:
            instance = self._objects[target] = method.owner.cls()
        first = (instance, self) if method.wants_context else (instance,)
        value = method.fn(*first, *args, **kwargs)
        return await value if inspect.isawaitable(value) else value

    def start_run(self, component: Component[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.calls.append(RecordedCall(component.name, args, kwargs))
        mock, rest = self._mock_of(component, component.name, args)
        work = _answer(mock, rest, kwargs) if mock else self._limited(component, args, kwargs, component.timeout)
        return asyncio.get_running_loop().create_task(work)

    def post_event(self, name: str, payload: Any, run_id: str) -> None:
        self.sent.append((name, payload))
        self._events[name].append(payload)

    def __repr__(self) -> str:
        return f"<MockContext: {len(self.calls)} calls>"


class _MockState(State):
    __slots__ = ()

    @property
    def _values(self) -> dict[str, Any]:
        return self._ctx.values  # type: ignore[attr-defined]

    async def set(self, key: str, value: Any) -> None:
        self._values[key] = value

    async def get(self, key: str, default: Any = None) -> Any:
        return self._values.get(key, default)

    async def delete(self, key: str) -> None:
        self._values.pop(key, None)

    async def keys(self) -> list[str]:
        return sorted(self._values)


class _MockScope:
    """What a MockContext answers with when something asks it for its scope."""

    __slots__ = ("ctx", "explicit", "number", "replaying")

    def __init__(self, ctx: MockContext) -> None:
        self.ctx = ctx
        self.replaying = False
        self.explicit = False
        self.number = 1


def _name(target: Any) -> str:
    component = component_of(target)
    return component.name if component is not None else getattr(target, "__name__", type(target).__name__)


async def _answer(mock: _Mock, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    effect = mock.side_effect
    if mock.series is not None:
        if not mock.series:
            raise ConfigurationError("A mocked call was made more often than its side_effect list has values.")
        effect = mock.series.popleft()
        if not _raises(effect):
            return effect
    if _raises(effect):
        raise effect
    if effect is None:
        return mock.return_value
    value = effect(*args, **kwargs)
    return await value if inspect.isawaitable(value) else value


def _echo(request: Request) -> str:
    asked = next((one.text for one in reversed(request.turns) if one.role == "user"), "")
    return "\n".join(part for part in (request.system, asked) if part)


def _raises(effect: Any) -> bool:
    return isinstance(effect, BaseException) or (isinstance(effect, type) and issubclass(effect, BaseException))
