"""Runs the bodies of steps and calls, and tells their attempt how they ended.

A body runs in a copy of its run's context variables: async ones as a task of the host loop, sync ones on a thread. This
module must never deliver a result: it only settles it, and the journal hands it on.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from typing import TYPE_CHECKING, Any

from agnt5 import _core
from agnt5.codec import decode_call, encode, encode_failure
from agnt5.errors import RunPaused, SerializationError, StepError, StepTimeout
from agnt5.execution.capture import Capture, capture_into, ensure_installed
from agnt5.execution.clock import BodyClock, now_us
from agnt5.execution.current import current
from agnt5.execution.ioless import Fenced
from agnt5.execution.scopes import MemoScope
from agnt5.execution.traced import memo_scope
from agnt5.secret import mask, refuse_secrets

if TYPE_CHECKING:
    from agnt5.execution.ops import Op

STEP = _core.COMMAND_STEP
VALUE = _core.OUTCOME_VALUE
FAILURE = _core.OUTCOME_FAILURE

# A wait that a failing body's error asks for (`retry_after`) is believed up to a day.
_LONGEST_ASKED_US = 86_400_000_000
# How long a body may ignore the cancellation of its time limit before its result is given up.
_GRACE = 5.0


if sys.version_info >= (3, 12):

    def _task(op: Op, token: int) -> asyncio.Task[None]:
        # A trivial body ends right here, without a turn of the loop.
        loop = op.attempt.host.loop
        return asyncio.Task(
            _run(op, token), loop=loop, name=op.name, context=op.attempt.context.copy(), eager_start=True
        )
else:

    def _task(op: Op, token: int) -> asyncio.Task[None]:
        # Before 3.12 a task's first step is the callback it gives to its loop. It is taken back and run here.
        host = op.attempt.host
        task = asyncio.Task(_run(op, token), loop=host.loop, name=op.name, context=op.attempt.context.copy())
        if host.ready is not None:
            host.ready.pop()._run()
        return task


def start(op: Op) -> None:
    """Begin the body of a STEP or CALL (or of the run itself) whose command is durable."""
    attempt = op.attempt
    target = op.target
    assert target is not None
    ensure_installed()
    op.running = True
    op.token = token = op.token + 1
    attempt.live += 1
    if target.timeout is not None:
        op.clock = BodyClock(attempt.host.loop, target.timeout, lambda: _expired(op, token))
    if target.is_async:
        op.task = None
        task = _task(op, token)
        if op.running and op.token == token:
            op.task = task
        return
    began = now_us()
    scope = None if op.kind == STEP else memo_scope(attempt, op)
    op.inside = scope
    context = attempt.context.copy()
    attempt.host.pool.submit(lambda: context.run(_run_in_thread, op, token, scope, began))


def abandon(op: Op) -> None:
    """Give up a running body: its task is cancelled; a thread goes on, unheard."""
    if not op.running:
        return
    op.running = False
    op.token += 1
    if op.clock is not None:
        op.clock.stop()
    if op.inside is not None:
        op.inside.close()
    if op.task is not None:
        op.task.cancel()
    else:
        op.attempt.live -= 1
        op.attempt.schedule()


async def _run(op: Op, token: int) -> None:
    target = op.target
    assert target is not None
    began = now_us()
    capture = Capture(mask=mask)
    scope: MemoScope | None = None
    try:
        args, kwargs = decode_call(op.input, namespace=op.attempt.namespace, strict=True)
        capture_into(capture)
        if op.kind == STEP:
            current.set(op)
            value = await target.fn(*args, **kwargs)
        else:
            op.inside = scope = memo_scope(op.attempt, op)
            ctx = scope.context()
            current.set(ctx)
            value = await (target.fn(ctx, *args, **kwargs) if target.wants_context else target.fn(*args, **kwargs))
    except BaseException as error:  # a body may raise anything; none of it may reach the loop
        if scope is not None:
            scope.close(error)
        _ended(op, token, True, None, error, capture, began)
        return
    if scope is not None:
        scope.close()
    _ended(op, token, True, value, None, capture, began)


def _run_in_thread(op: Op, token: int, scope: MemoScope | None, began: int) -> None:
    target = op.target
    assert target is not None
    capture = Capture(mask=mask)
    value: Any = None
    error: BaseException | None = None
    try:
        args, kwargs = decode_call(op.input, namespace=op.attempt.namespace, strict=True)
        capture_into(capture)
        if scope is None:
            current.set(op)
            value = target.fn(*args, **kwargs)
        else:
            ctx = scope.sync_context()
            current.set(ctx)
            value = target.fn(ctx, *args, **kwargs) if target.wants_context else target.fn(*args, **kwargs)
        if inspect.isawaitable(value):
            value = op.attempt.block_on(_awaited(value))
    except BaseException as raised:  # as above: a thread must live on
        error = raised
    op.attempt.host.post_late(_thread_ended, op, token, value, error, capture, began)


async def _awaited(value: Any) -> Any:
    return await value


def _thread_ended(op: Op, token: int, value: Any, error: BaseException | None, capture: Capture, began: int) -> None:
    if token != op.token:
        return  # given up; its place was taken off when that happened
    if op.inside is not None:
        op.inside.close(error)
    _ended(op, token, False, value, error, capture, began)


def _ended(
    op: Op, token: int, is_task: bool, value: Any, error: BaseException | None, capture: Capture, began: int
) -> None:
    attempt = op.attempt
    attempt.live -= 1
    if token != op.token or attempt.dead:
        attempt.schedule()
        return
    op.running = False
    op.task = None
    clock = op.clock
    if clock is not None:
        clock.stop()
        op.clock = None
        if clock.expired:
            error = _timeout(op)
    listener = attempt.driver.listener
    if listener is not None:
        listener.body_ended(op, error, began)
    if error is None:
        try:
            payload = encode(value)
            if attempt.driver.refuses:
                refuse_secrets(payload, f"the result of {op.name!r}")
        except SerializationError as unrecordable:
            attempt.unrecordable(op, unrecordable)
            return
        attempt.settled(op, VALUE, payload, capture.dump(), began)
    else:
        failed(op, error, capture.dump(), began)


def failed(op: Op, error: BaseException, logs: bytes, began: int) -> None:
    """An execution of a body raised: wait and try again, or let the failure stand."""
    attempt = op.attempt
    if isinstance(error, Fenced):
        attempt.schedule()
        return
    if isinstance(error, RunPaused) and op.seq:
        attempt.stop_with(error)  # it asks a person: unanswered, so that a resume runs it again or brings its answer
        return
    if isinstance(error, asyncio.CancelledError):
        if attempt.cancelling and op.seq == 0:
            attempt.settled(op, _core.OUTCOME_CANCELLED, b"", logs, began)
            return
        error = StepError(f"{op.name}: the body was cancelled by code of its own, not by its run.")
    error = bearable(op.name, error)
    tried = attempt.session.attempts(op.seq) + 1
    policy = attempt.policy_of(op)
    if tried < policy.max_attempts and policy.retries(error):
        key = (attempt.session.idempotency_key(op.seq) if op.seq else attempt.run_id).encode()
        delay = _core.retry_delay(
            tried,
            initial_us=policy.initial_us,
            factor=policy.factor,
            max_interval_us=policy.max_interval_us,
            jitter=policy.jitter,
            key=key,
        )
        asked_for = getattr(error, "retry_after", None)
        if isinstance(asked_for, int | float):  # the other side said when it will listen again
            delay = max(delay, min(round(asked_for * 1e6), _LONGEST_ASKED_US))
        attempt.session.retry(op.seq, encode_failure(error, attempts=tried), now_us() + delay, logs=logs, began=began)
        attempt.schedule()
        return
    attempt.settled(op, FAILURE, encode_failure(error, attempts=tried), logs, began)


def bearable(name: str, error: BaseException) -> Exception:
    """What stands for what a body or run raised. `sys.exit()` there must not end the loop on which all runs live."""
    if isinstance(error, Exception):
        return error
    return StepError(f"{name}: the body raised {type(error).__name__}({error}), which ends programs, not steps.")


def _timeout(op: Op) -> StepTimeout:
    assert op.target is not None
    return StepTimeout(
        f"{op.name} took longer than its timeout of {op.target.timeout:g} s (durable waits not counted). Give it more "
        f"time with `timeout=`, or look at its logs for what it waited for."
    )


def _expired(op: Op, token: int) -> None:
    if op.token != token or not op.running:
        return
    if op.task is not None:
        op.task.cancel()
        op.attempt.host.loop.call_later(_GRACE, _give_up, op, token, context=op.attempt.host.base)
    else:
        _give_up(op, token)


def _give_up(op: Op, token: int) -> None:
    if op.token != token or not op.running or op.attempt.dead:
        return
    abandon(op)
    failed(op, _timeout(op), b"", 0)
