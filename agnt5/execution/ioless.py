"""The half of the flow loop that refuses: every asyncio loop method that means I/O, threads or another driver.

A refused call raises FlowIOError at the user's line and poisons the run, so that `except Exception` around it cannot
turn it into a completed run. It must never do any I/O, not even to say why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from agnt5.errors import FlowIOError
from agnt5.execution.asyncgens import AsyncGens
from agnt5.execution.frames import caller

REMEDY = (
    "A flow only orchestrates; I/O belongs in a function: move it into one and write `await ctx.call(function, ...)`."
)


class Fenced(BaseException):
    """Raised in a flow whose run is poisoned, so that `except Exception` does not catch it. Never leaves the driver."""


class IOLessLoop(asyncio.AbstractEventLoop):
    """Base of the flow loop. `poison` is told once, with the first error; `on_poison` lets the driver hear of it even
    when the loop is not draining."""

    def __init__(self) -> None:
        self._poison: BaseException | None = None
        self.asyncgens = AsyncGens()
        self.on_poison: Callable[[BaseException], None] | None = None

    def poison(self, error: BaseException) -> None:
        """This run must fail with `error`, whatever its code makes of it. The first error stands."""
        if self._poison is None:
            self._poison = error
            if self.on_poison is not None:
                self.on_poison(error)

    def refuse_io(self, what: str, remedy: str = REMEDY, depth: int = 2) -> FlowIOError:
        """The poisoning error for `what`, naming the user's line, `depth` frames up at the least. Raise what it
        returns."""
        where = caller(depth)
        error = FlowIOError(f"{what} at {where}: a flow may not do this. {remedy}", location=where)
        self.poison(error)
        return error

    def _unsupported(self, what: str, why: str) -> RuntimeError:
        return RuntimeError(f"{what} at {caller(3)}: {why}")

    # The loop is driven by its run and by nothing else.

    def run_forever(self) -> None:
        raise self._unsupported("run_forever()", "a flow's loop is driven by its run.")

    def run_until_complete(self, future: Any) -> Any:
        raise self._unsupported("run_until_complete()", "a flow's loop is driven by its run; `await` it instead.")

    def stop(self) -> None:
        raise self._unsupported("stop()", "a flow's loop is driven by its run; `return` or raise instead.")

    def close(self) -> None:
        raise self._unsupported("close()", "a flow's loop is driven by its run, which closes it.")

    def set_task_factory(self, factory: Any) -> None:
        if factory is not None:
            raise self._unsupported(
                "set_task_factory()", "tasks of a flow are numbered, so that sets of them are ordered."
            )

    def get_task_factory(self) -> None:
        return None

    def set_exception_handler(self, handler: Any) -> None:
        if handler is not None:
            raise self._unsupported("set_exception_handler()", "what nobody handles becomes a warning on the run.")

    def get_exception_handler(self) -> None:
        return None

    def get_debug(self) -> bool:
        return False

    def set_debug(self, enabled: bool) -> None:
        """Debug mode measures wall time, which a replay cannot repeat: it stays off."""

    async def shutdown_asyncgens(self) -> None:
        raise self._unsupported("shutdown_asyncgens()", "the run closes async generators when it ends.")

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """There is none to shut down."""


def _refused(name: str) -> Any:
    def method(self: IOLessLoop, *args: Any, **keywords: Any) -> Any:
        raise self.refuse_io(f"`loop.{name}`")

    method.__name__ = name
    method.__qualname__ = f"IOLessLoop.{name}"
    method.__doc__ = "I/O: always raises FlowIOError."
    return method


def _refused_executor(self: IOLessLoop, executor: Any, func: Any, *args: Any) -> Any:
    name = getattr(func, "__name__", None) or getattr(getattr(func, "func", None), "__name__", "function")
    if name == "run" and getattr(func, "args", None):  # asyncio.to_thread passes partial(context.run, function, ...)
        name = getattr(func.args[0], "__name__", name)
    raise self.refuse_io(f"a thread (`run_in_executor` or `to_thread`) for `{name}`")


_IO_METHODS = (
    "add_reader",
    "add_signal_handler",
    "add_writer",
    "connect_accepted_socket",
    "connect_read_pipe",
    "connect_write_pipe",
    "create_connection",
    "create_datagram_endpoint",
    "create_server",
    "create_unix_connection",
    "create_unix_server",
    "getaddrinfo",
    "getnameinfo",
    "remove_reader",
    "remove_signal_handler",
    "remove_writer",
    "sendfile",
    "set_default_executor",
    "sock_accept",
    "sock_connect",
    "sock_recv",
    "sock_recv_into",
    "sock_recvfrom",
    "sock_recvfrom_into",
    "sock_sendall",
    "sock_sendfile",
    "sock_sendto",
    "start_tls",
    "subprocess_exec",
    "subprocess_shell",
)

for _name in _IO_METHODS:
    setattr(IOLessLoop, _name, _refused(_name))
IOLessLoop.run_in_executor = _refused_executor  # pyright: ignore[reportAttributeAccessIssue]
