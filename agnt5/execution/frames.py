"""Where code stands: the suspended frames of a task, and the user's line in a running stack.

For error messages now and for time travel later. It reads frames and must never run, resume or change them.
"""

from __future__ import annotations

import gc
import linecache
import os
import sys
import sysconfig
from functools import lru_cache
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any, NamedTuple

# Awaitables written in C that stand between two Python frames and have no public way to the one they drive.
_OPAQUE = {"async_generator_asend", "async_generator_athrow", "anext_awaitable", "coroutine_wrapper"}
_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STDLIB = tuple(
    {os.path.abspath(path) + os.sep for path in (sysconfig.get_path("stdlib"), os.path.dirname(os.__file__)) if path}
)


class Frame(NamedTuple):
    """One suspended frame. `lineno` is the line it waits at; `frame` gives locals while the task is suspended."""

    function: str
    filename: str
    lineno: int
    frame: FrameType


def frames(task: Any) -> list[Frame]:
    """The suspended frames of a task, coroutine, generator or async generator, outermost first.

    Empty for one that has ended. The chain ends at a future or another task: what that waits for is its own matter.
    """
    chain: list[Frame] = []
    seen: set[int] = set()
    current = task.get_coro() if hasattr(task, "get_coro") else task
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        if isinstance(current, CoroutineType):
            frame, following = current.cr_frame, current.cr_await
        elif isinstance(current, GeneratorType):
            frame, following = current.gi_frame, current.gi_yieldfrom
        elif isinstance(current, AsyncGeneratorType):
            frame, following = current.ag_frame, current.ag_await
        elif type(current).__name__ in _OPAQUE:
            frame, following = None, _driven_by(current)
        else:
            break
        if frame is not None:
            code = frame.f_code
            chain.append(Frame(code.co_qualname, code.co_filename, frame.f_lineno or code.co_firstlineno, frame))
        current = following
    return chain


def raising(error: BaseException) -> list[Frame]:
    """The frames that an exception passed through, outermost first, each at the line where it did."""
    found: list[Frame] = []
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        found.append(Frame(frame.f_code.co_qualname, frame.f_code.co_filename, traceback.tb_lineno, frame))
        traceback = traceback.tb_next
    return found


def _driven_by(opaque: object) -> object | None:
    for candidate in gc.get_referents(opaque):
        if isinstance(candidate, (AsyncGeneratorType, CoroutineType)) or type(candidate).__name__ in _OPAQUE:
            return candidate
    return None


@lru_cache(maxsize=4096)
def distance(filename: str) -> int:
    """How far a file is from what the user wrote: 0 their code, 1 an installed package, 2 Python's or ours."""
    if filename.startswith(("<frozen ", _OWN)):
        return 2
    if f"{os.sep}site-packages{os.sep}" in filename or f"{os.sep}dist-packages{os.sep}" in filename:
        return 1
    return 2 if filename.startswith(_STDLIB) else 0


def place(task: Any) -> str:
    """`file:line in function` of the innermost user frame a task is suspended in; its function alone when it has
    ended."""
    chain = frames(task)
    if not chain:
        coro = task.get_coro() if hasattr(task, "get_coro") else task
        code = getattr(coro, "cr_code", None) or getattr(coro, "ag_code", None)
        if code is None:
            return repr(coro)
        return f"{code.co_filename}:{code.co_firstlineno} in {code.co_qualname}"
    nearest = min(distance(frame.filename) for frame in chain)
    for frame in reversed(chain):
        if distance(frame.filename) == nearest:
            return f"{frame.filename}:{frame.lineno} in {frame.function}"
    raise AssertionError("some frame has the least distance")


def is_users(where: str) -> bool:
    """Whether a place, as `place` and `caller` tell it, is in the user's code or a package of theirs."""
    return distance(where.rpartition(" in ")[0].rpartition(":")[0]) < 2


def text_at(where: str) -> str:
    """The line of source at a place as `place` and `caller` tell it; "" when it cannot be read."""
    filename, _, line = where.rpartition(" in ")[0].rpartition(":")
    linecache.checkcache(filename)
    return linecache.getline(filename, int(line)).strip() if filename and line.isdigit() else ""


def caller(depth: int = 1) -> str:
    """`file:line in function` of the innermost user frame of the running stack, from `depth` frames up."""
    found: FrameType | None = None
    found_distance = 3
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None and found_distance > 0:
        if (far := distance(frame.f_code.co_filename)) < found_distance:
            found, found_distance = frame, far
        frame = frame.f_back
    if found is None:
        return "an unknown line"
    return f"{found.f_code.co_filename}:{found.f_lineno} in {found.f_code.co_qualname}"
