"""llama.cpp's server in this process, on a free port of loopback with a key of its own; one for each file of weights.

Started when first asked, stopped at exit. It must never listen beyond this machine, nor write to the terminal.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import os
import secrets
import threading
from pathlib import Path
from typing import Any, NamedTuple

from agnt5.errors import ConfigurationError
from agnt5.llm.clients import sdk
from agnt5.secret import hide


class Settings(NamedTuple):
    """How a server runs: tokens of one conversation, and threads that compute."""

    context: int
    threads: int


class Address(NamedTuple):
    """Where a server listens, and the key it asks for."""

    url: str
    key: str


_lock = threading.Lock()
_servers: dict[Path, tuple[Any, Address]] = {}
_left_behind = False
"""This process was forked from one that had servers."""


def running(weights: Path, settings: Settings) -> Address:
    """The server on these weights, started if there is none: about a second, so not on an event loop."""
    if _left_behind:
        raise ConfigurationError(
            "The local model cannot run here: this process was forked from one where it already ran, and llama.cpp's "
            "threads stayed there. Start processes by 'spawn', or ask the model only after the fork."
        )
    with _lock:
        known = _servers.get(weights)
        if known is None:
            known = _servers[weights] = _start(weights, settings)
            _stop_at_exit()
        return known[1]


def _start(weights: Path, settings: Settings) -> tuple[Any, Address]:
    xllamacpp = sdk("xllamacpp", "local")
    key = secrets.token_urlsafe(24)
    hide("local server", key)
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.verbosity = -1  # before anything is loaded: it says a lot
    params.hostnames = ["127.0.0.1"]
    params.port = 0  # a free one
    params.api_keys = [key]
    params.cors_origins = ""
    params.ui = params.endpoint_slots = params.endpoint_props = False
    params.offline = True
    params.n_ctx = settings.context
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise ConfigurationError(
            f"llama.cpp cannot run {str(weights)!r}: {error}. It must be a whole GGUF file."
        ) from None
    return server, Address(server.listening_address, key)


def stop() -> None:
    """End all servers of this process."""
    with _lock:
        _servers.clear()  # the last reference: the server ends with it


@functools.cache
def _stop_at_exit() -> None:
    atexit.register(stop)
    os.register_at_fork(after_in_child=_leave_to_parent)


def _leave_to_parent() -> None:
    """In a forked child: forget the servers, whose threads exist in the parent alone.

    To end one here would wait for those threads for ever, and so would the end of the process, when llama.cpp's own
    objects are destroyed. So each server keeps a reference that nobody gives back, and where the C library can, the
    process leaves as soon as Python is done.
    """
    global _lock, _left_behind
    _lock = threading.Lock()
    if not _servers:
        return
    _left_behind = True
    for server, _ in _servers.values():
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(server))
    _servers.clear()
    c_library = ctypes.CDLL(None)
    if hasattr(c_library, "on_exit"):
        c_library.on_exit(c_library._exit, None)
