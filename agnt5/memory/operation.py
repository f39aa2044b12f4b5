"""How an operation of a memory is carried out: recorded inside a run, at once elsewhere, and always off the event loop.

Bodies of operations are functions of plain values, so that they can be steps; what only sets a memory up (its bound,
what makes its vectors) is closed over, so that changing it changes no command. Bodies must never look at a memory
object: in a rerun, what they do is known by their code and arguments alone.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4
from weakref import WeakKeyDictionary

from agnt5 import config, runtime
from agnt5.codec import encode
from agnt5.execution.current import current
from agnt5.execution.ops import Op
from agnt5.secret import refuse_secrets

if TYPE_CHECKING:
    from agnt5 import _core

T = TypeVar("T")

# Each waits for a commit, and all that wait share it: this many puts at once are one fsync.
_THREADS = 16

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_uses: WeakKeyDictionary[Op, tuple[int, Counter[bytes]]] = WeakKeyDictionary()


async def operate(name: str, body: Callable[..., Awaitable[T]], *args: Any) -> T:
    """Inside a flow, function or method: a recorded step called `name`, which runs `body`. Elsewhere `body` itself.

    A plain step is one entry and has no room for others: there the operation is part of what the step does.
    """
    found = current.get()
    if found is None or isinstance(found, Op):
        return await body(*args)
    answer: Any = found.call(body, *args, name=name)
    # The context of a sync body answers at once.
    return await answer if inspect.isawaitable(answer) else answer


async def ask(work: Callable[[_core.Memory], T]) -> T:
    """What `work` gives when it is called with the memory of this process, on a thread."""
    scratch = getattr(current.get(), "scratch_memory", None)  # a MockContext brings its own, and starts no threads
    if scratch is not None:
        return work(scratch())
    # Which store is meant may be said by a context variable, and those do not reach the thread.
    context = contextvars.copy_context()
    return await on_thread(lambda: work(context.run(runtime.memory)))


async def on_thread(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_threads(), work)


def recorded(value: Any, root: str) -> bytes:
    """The bytes of a value that is to be kept. SerializationError when it cannot be, or seems to hold a credential and
    `redact="refuse"` is set."""
    data = encode(value, root=root)
    if config.settings().redact == "refuse":
        refuse_secrets(data, root)
    return data


def new_id(*what: bytes) -> str:
    """The id of something new, another one each time.

    In a step it derives from the step's idempotency key and from what is remembered, so that a step which runs again
    after a crash names it the same; of equal things in one step, the n-th has an id of its own.
    """
    op = current.get()
    if not isinstance(op, Op):
        return uuid4().hex
    content = blake2b(digest_size=16)
    for part in what:
        content.update(len(part).to_bytes(8, "big") + part)
    this = content.digest()
    with _lock:  # branches of a sync step may be threads
        token, uses = _uses.get(op, (0, Counter[bytes]()))
        if token != op.token:  # the body runs again
            token, uses = op.token, Counter[bytes]()
        uses[this] += 1
        nth = uses[this]
        _uses[op] = (token, uses)
    key = op.step_context().idempotency_key
    named = this + f"\0{nth}\0{key}".encode()
    return blake2b(named, digest_size=16).hexdigest()


def _begin_anew() -> None:
    """A forked child has none of the threads, and nobody to release a lock that one of them held."""
    global _lock, _pool
    _lock, _pool = threading.Lock(), None


os.register_at_fork(after_in_child=_begin_anew)


def _threads() -> ThreadPoolExecutor:
    global _pool
    if _pool is None:
        with _lock:
            if _pool is None:
                _pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="agnt5-memory")
    return _pool
