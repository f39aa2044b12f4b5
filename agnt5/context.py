"""What a component's body asks the world through: `ctx`.

Every operation becomes a recorded command; nothing happens before it is awaited. A context belongs to one execution of
one body and must never be used after it.
"""

from __future__ import annotations

import asyncio
import math
import random as _random
import uuid as _uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, cast

from agnt5.codec import encode, encode_call
from agnt5.component import FLOW, FUNCTION, OBJECT, Component, component_of, object_type
from agnt5.durable import at_most_once
from agnt5.errors import ConfigurationError, ServiceUnavailableError
from agnt5.execution.current import current_context
from agnt5.execution.kinds import (
    JOIN,
    OBJECT_CALL,
    SEND_EVENT,
    SLEEP,
    START,
    STEP,
    WAIT_EVENT,
    derive,
)
from agnt5.execution.sidechannels import Metrics, RunLogger
from agnt5.execution.targets import CALL, CHILD, Target, target_of
from agnt5.execution.together import together
from agnt5.proxy import ObjectProxy
from agnt5.retry import DEFAULT, as_policy
from agnt5.state import State

if TYPE_CHECKING:
    from agnt5.chat import Conversations
    from agnt5.execution.scope import Scope
    from agnt5.llm import LLM, Reply
    from agnt5.llm.types import Conversation
    from agnt5.retry import RetryPolicy
    from agnt5.run import Run

__all__ = ["Context", "State", "current_context"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Context:
    """The operations of one body. In a sync body the same names block its thread instead of returning awaitables."""

    __slots__ = ("_conversations", "_logger", "_metrics", "_random", "_scope", "_state")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._random: _random.Random | None = None
        self._logger: RunLogger | None = None
        self._metrics: Metrics | None = None
        self._state: State | None = None
        self._conversations: Conversations | None = None

    # Operations

    async def call(
        self,
        target: Any,
        /,
        *args: Any,
        name: str | None = None,
        retry_policy: RetryPolicy | int | None = None,
        timeout: float | None = None,
        effect: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run `target` durably and return its recorded result.

        A plain callable is a step; a `@function` runs inside this run with its own operations nested; a `@flow`, agent
        or workflow becomes a child run; `"service", "method", *data` reaches a component by name. `timeout` is in
        seconds for one attempt. When it failed for good, its own exception is raised, with `.attempts`.
        """
        return await self.call_with(
            target, args, kwargs, name=name, retry_policy=retry_policy, timeout=timeout, effect=effect
        )

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
        """`call`, for a target whose own parameters may be called `name` or `timeout`."""
        if type(target) is str:
            return await self._call_by_name(target, args, kwargs, name, retry_policy, timeout, effect)
        found = target_of(target)
        if name is not None or retry_policy is not None or timeout is not None or effect is not None:
            once = None if effect is None else at_most_once(effect)
            found = found.with_options(name, retry_policy, timeout, once)
        kind = found.kind
        component = found.component
        if kind == CHILD and component is not None:
            return await self._scope.operate(
                CHILD, found.name, encode_call(args, kwargs), found, 0, component.name, component.kind
            )
        if found.at_most_once:
            return await self._scope.operate(kind, found.name, encode_call(args, kwargs), found, at_most_once=True)
        return await self._scope.operate(kind, found.name, encode_call(args, kwargs), found)

    async def spawn(self, calls: Iterable[tuple[Any, Any]], *, return_exceptions: bool = False) -> list[Any]:
        """Call all at once; results in order. In `(target, args)` a tuple is spread, anything else is one argument.

        With `return_exceptions` a failure takes its place in the list; without, the first one is raised and the
        others are cancelled.
        """
        work = [self.call(target, *args) for target, args in list(map(call_pair, calls))]
        return await together(work, return_exceptions=return_exceptions)

    async def sleep(self, delay: float | timedelta) -> None:
        """Wait durably: seconds or a timedelta. The run needs no memory meanwhile and survives restarts."""
        microseconds = _microseconds(delay)
        if microseconds <= 0:
            await asyncio.sleep(0)
            return
        await self._scope.operate(SLEEP, "sleep", b"", None, self._scope.clock_us() + microseconds)

    async def wait_for_event(self, name: str, timeout: float | timedelta | None = None, *, about: Any = None) -> Any:
        """The payload of the next event called `name`; EventTimeoutError after `timeout` seconds.

        An event sent before the wait is kept for it; each event is consumed once. `about`: what the wait is about,
        recorded as its input for those who look at the run and decide.
        """
        due = 0 if timeout is None else self._scope.clock_us() + max(1, _microseconds(timeout))
        question = b"" if about is None else encode(about)
        return await self._scope.operate(WAIT_EVENT, name, question, None, due, name)

    async def chat(
        self,
        messages: Conversation,
        *,
        model: str | None = None,
        llm: LLM | None = None,
        tools: Sequence[Any] = (),
        response_format: Any = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        timeout: float | None = None,
        retry_policy: RetryPolicy | int | None = None,
        name: str = "chat",
        **options: Any,
    ) -> Reply:
        """Ask a model, once and recorded: what it answered, with tokens, cost and latency beside it.

        `messages`: a text, or a list of messages. `model`: `provider/name`; or an `llm`; else the configured one.
        `response_format`: a type or JSON schema; `reply.output` is the validated value, OutputInvalid when the answer
        breaks it. Failed requests are tried again, durably, waiting as long as the provider says. Tokens are emitted
        while they come (see `emit`) and never recorded singly. Other names go to the provider as they are.
        """
        from agnt5.chat import chat

        return await chat(
            self,
            messages,
            model=llm if llm is not None else model,
            tools=tools,
            response_format=response_format,
            temperature=temperature,
            max_tokens=max_tokens,
            timeout=timeout,
            retry_policy=retry_policy,
            name=name,
            options=options,
        )

    async def embed(
        self,
        texts: str | Sequence[str],
        *,
        model: str | None = None,
        llm: LLM | None = None,
        retry_policy: RetryPolicy | int | None = None,
        name: str = "embed",
    ) -> Any:
        """The vector of a text, or of each text of a list: lists of floats, recorded with tokens and cost."""
        from agnt5.chat import embed

        return await embed(self, texts, model=llm if llm is not None else model, retry_policy=retry_policy, name=name)

    async def send_event(self, name: str, payload: Any = None, *, run: Run | str | None = None) -> None:
        """Send an event from inside the run: recorded, sent once. To the oldest waiter, or to one run."""
        self.post_event(name, payload, "" if run is None else run if isinstance(run, str) else run.id)

    async def get_object(self, cls: type | str, key: str) -> Any:
        """A proxy of the durable object with this key: `await proxy.method(...)`."""
        return ObjectProxy(object_type(cls), key, self.call_object)

    async def continue_as(self, *args: Any, **kwargs: Any) -> NoReturn:
        """End this run of a flow here; a new run of the same flow goes on, with these arguments and a fresh journal.

        For flows that never end, or would grow a journal of many thousand entries. Whoever waits for this run gets what
        the last run of the chain returns; events kept for it, `run.cancel()` and the like reach that one. The new run
        has its own `ctx.state` and time limit and runs the code that is defined when it begins. Other tasks of the flow
        are cancelled, children still awaited are asked to stop, as at any end of a flow. Only in a flow.
        """
        await self._scope.hand_over(encode_call(args, kwargs))

    async def start(self, target: Any, /, *args: Any, **kwargs: Any) -> Run:
        """Start a component as a run of its own and go on; `await` the Run later, or never."""
        component = component_of(target)
        if component is None:
            raise ConfigurationError(f"{target!r} is no component: only a @function or @flow can be a run of its own.")
        return self.start_run(component, args, kwargs)

    # Values

    @property
    def state(self) -> State:
        """Named values of this execution: `await ctx.state.set/get/delete/keys`."""
        if self._state is None:
            self._state = State(self, self._scope)
        return self._state

    def now(self) -> datetime:
        """The recorded time, UTC: in a flow, of the last thing that was answered."""
        return _EPOCH + timedelta(microseconds=self._scope.now_us())

    def uuid(self) -> _uuid.UUID:
        """A fresh UUID, the same in every replay."""
        scope = self._scope
        label = f"{scope.label}{scope.next_uuid()}"
        return _uuid.UUID(bytes=derive(scope.attempt.session.seed, label), version=4)

    @property
    def random(self) -> _random.Random:
        """A generator seeded by the run: the same numbers in every replay."""
        if self._random is None:
            seed = derive(self._scope.attempt.session.seed, f"{self._scope.label}random", 32)
            self._random = _random.Random(int.from_bytes(seed, "big"))
        return self._random

    @property
    def run_id(self) -> str:
        return self._scope.run_id

    @property
    def attempt(self) -> int:
        """1 for the first try of this body."""
        return self._scope.number

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this step or function, unique per run and path; for services that take one."""
        scope = self._scope
        return scope.attempt.session.idempotency_key(scope.key_seq) if scope.key_seq else scope.run_id

    @property
    def is_replaying(self) -> bool:
        """Whether the answers come from the journal right now. Code must not decide by it."""
        return self._scope.replaying

    # Side channels: silent while replaying

    @property
    def logger(self) -> RunLogger:
        if self._logger is None:
            self._logger = RunLogger(self)
        return self._logger

    @property
    def metrics(self) -> Metrics:
        if self._metrics is None:
            self._metrics = Metrics(self)
        return self._metrics

    def emit(self, value: Any) -> None:
        """Show transient progress to whoever watches the run. Not recorded, not repeated in a replay."""
        if not self._scope.replaying:
            self._scope.attempt.driver.emitted(self.run_id, value)

    # For the rest of the package

    async def operation(
        self,
        name: str,
        record: Any,
        body: Callable[..., Awaitable[Any]],
        *,
        policy: RetryPolicy | int | None = None,
        default: RetryPolicy = DEFAULT,
        code: bytes = b"",
    ) -> Any:
        """A step of this package's own: `record` is its input, and `body(record)` its effect."""
        target = Target(
            STEP,
            name,
            body,
            is_async=True,
            wants_context=False,
            policy=None if policy is None else as_policy(policy),
            default=default,
            code=code,
        )
        return await self._scope.operate(STEP, name, encode_call((record,), {}), target)

    @property
    def conversations(self) -> Conversations:
        """What the chats of this body have recorded, so that each message is recorded once."""
        if self._conversations is None:
            from agnt5.chat import Conversations

            self._conversations = Conversations()
        return self._conversations

    def find_llm(self, wanted: Any) -> LLM:
        """The model to ask: the one that is wanted, or the configured one."""
        from agnt5.llm import find_llm

        return find_llm(wanted)

    async def _call_by_name(
        self,
        service: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str | None,
        retry_policy: RetryPolicy | int | None,
        timeout: float | None,
        effect: str | None,
    ) -> Any:
        from agnt5 import registry

        kind = registry.find_object(service)
        if kind is not None and args and isinstance(args[0], str) and args[0] in kind.methods:
            return await self.call_object(kind.method(args[0]), kind.target("default"), args[1:], kwargs)
        if args and isinstance(args[0], str):
            dotted = registry.find(f"{service}.{args[0]}")
            if dotted is not None and dotted.kind in (FUNCTION, FLOW):
                return await self.call_with(
                    dotted, args[1:], kwargs, name=name, retry_policy=retry_policy, timeout=timeout, effect=effect
                )
        component = registry.find(service)
        if component is not None and component.kind != OBJECT:
            return await self.call_with(
                component, args, kwargs, name=name, retry_policy=retry_policy, timeout=timeout, effect=effect
            )
        missing = Target(
            CALL,
            service if name is None else name,
            _unknown_service(service),
            is_async=True,
            wants_context=False,
        ).with_options(None, retry_policy, timeout, None)
        return await self._scope.operate(CALL, missing.name, encode_call(args, kwargs), missing)

    async def call_object(
        self, method: Component[..., Any], target: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return await self._scope.operate(OBJECT_CALL, method.name, encode_call(args, kwargs), None, 0, target, OBJECT)

    def post_event(self, name: str, payload: Any, run_id: str) -> None:
        self._scope.tell(SEND_EVENT, name, encode(payload), run_id)

    def start_run(self, component: Component[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Run:
        from agnt5.run import Run

        scope = self._scope
        seq = scope.tell(START, component.name, encode_call(args, kwargs), component.name, component.kind)
        run_id = scope.attempt.session.child_id(seq)
        scope.attempt.expect(run_id, component)
        return Run(run_id, started_in=scope.attempt.run_id)

    def has_started(self, started_in: str) -> bool:
        """Whether a run that was started in the run with this id was started here."""
        return started_in == self._scope.attempt.run_id

    async def join_run(self, run_id: str) -> Any:
        return await self._scope.operate(JOIN, "join", b"", None, 0, run_id)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of run {self.run_id}>"


def call_pair(pair: Any) -> tuple[Any, tuple[Any, ...]]:
    """Target and arguments of one item of `spawn`; a callable alone is called without any."""
    if isinstance(pair, tuple):
        target, args = cast("tuple[Any, Any]", pair)
        return target, cast("tuple[Any, ...]", args) if isinstance(args, tuple) else (args,)
    return pair, ()


def _microseconds(delay: float | timedelta) -> int:
    if isinstance(delay, timedelta):
        return delay // timedelta(microseconds=1)
    if not math.isfinite(delay):
        raise ConfigurationError(f"A wait is a number of seconds or a timedelta, not {delay!r}.")
    return round(delay * 1_000_000)


def _unknown_service(service: str) -> Any:
    async def body(*args: Any, **kwargs: Any) -> Any:
        from agnt5 import registry

        known = ", ".join(registry.known_names()) or "nothing"
        raise ServiceUnavailableError(
            f"Nobody serves {service!r}. This process knows: {known}. Define it here, or connect to a runtime with a "
            f"worker that does.",
            service=service,
        )

    return body
