"""The audit hook that keeps flows pure: file writes, sockets and subprocesses raise while a flow's code runs.

It is armed by the running loop of the thread being a flow loop, so it costs nothing to arm and cannot be forgotten;
other threads and the rest of the program are not touched. It sees what Python audits: a blocking `time.sleep` is not
seen, slow drains are reported instead (`FlowLoop.on_slow`).
"""

from __future__ import annotations

import os
import sys
import threading
from asyncio import _get_running_loop  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from agnt5.execution.ioless import IOLessLoop

# Audit events (Python's "audit events table") that touch the world, and what to call them.
_WATCHED: dict[str, str] = {
    "_thread.start_joinable_thread": "starting a thread",
    "_thread.start_new_thread": "starting a thread",
    "open": "opening a file for writing",
    "os.chmod": "changing a file's mode",
    "os.chown": "changing a file's owner",
    "os.exec": "replacing this process",
    "os.fork": "forking this process",
    "os.forkpty": "forking this process",
    "os.kill": "signalling a process",
    "os.killpg": "signalling a process group",
    "os.link": "making a link",
    "os.mkdir": "making a directory",
    "os.posix_spawn": "starting a subprocess",
    "os.remove": "removing a file",
    "os.rename": "renaming a file",
    "os.rmdir": "removing a directory",
    "os.spawn": "starting a subprocess",
    "os.startfile": "starting a program",
    "os.symlink": "making a link",
    "os.system": "running a shell command",
    "os.truncate": "truncating a file",
    "os.utime": "changing a file's times",
    "pty.spawn": "starting a subprocess",
    "socket.__new__": "opening a socket",
    "socket.bind": "binding a socket",
    "socket.connect": "connecting a socket",
    "socket.getaddrinfo": "a name look-up",
    "socket.gethostbyaddr": "a name look-up",
    "socket.gethostbyname": "a name look-up",
    "socket.getnameinfo": "a name look-up",
    "socket.sendmsg": "sending on a socket",
    "socket.sendto": "sending on a socket",
    "sqlite3.connect": "opening a database",
    "subprocess.Popen": "starting a subprocess",
    "webbrowser.open": "opening a browser",
}
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_installed = False
_exempt = threading.local()


def install() -> None:
    """Add the hook; a second call does nothing. Python has no way to take one out."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)


@contextmanager
def exempt() -> Iterator[None]:
    """For the engine's own I/O on behalf of a flow that is running on this thread."""
    before = getattr(_exempt, "on", False)
    _exempt.on = True
    try:
        yield
    finally:
        _exempt.on = before


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event not in _WATCHED:
        return
    loop = _get_running_loop()
    if loop is None or not isinstance(loop, IOLessLoop) or getattr(_exempt, "on", False):
        return
    if event == "open":
        if not _writes(*args):
            return
    elif event == "sqlite3.connect" and args[0] == ":memory:":
        return
    elif event.startswith("_thread.") and not loop.is_closed():
        return  # libraries start some to compute; but the clean-up of what is given up must leave nobody to act for it
    if not _on_its_own_account(sys._getframe(1)):
        raise loop.refuse_io(_named(_WATCHED[event], event, args), depth=3)


def _writes(path: Any, mode: str | None, flags: int) -> bool:
    if isinstance(path, int) or path in (os.devnull, b"/dev/null"):
        return False
    if mode is not None:
        return any(letter in mode for letter in "wax+")
    return bool(flags & _WRITE_FLAGS)


def _named(what: str, event: str, args: tuple[Any, ...]) -> str:
    subject = args[0] if args and event.partition(".")[0] in ("open", "os", "sqlite3", "subprocess") else None
    return f"{what} ({subject!r})" if isinstance(subject, (str, bytes, os.PathLike)) else what


def _on_its_own_account(frame: FrameType | None) -> bool:
    """Whether Python or a library does this, not the flow: an import, logging, or a finalizer that merely ran now."""
    while frame is not None:
        code = frame.f_code
        if code.co_name == "__del__" or code.co_filename.startswith("<frozen importlib"):
            return True
        module = frame.f_globals.get("__name__")
        if module == "logging" or module == "warnings" or (module == "weakref" and code.co_name == "__call__"):
            return True
        if module == "agnt5.execution.flowloop":
            return False
        frame = frame.f_back
    return False
