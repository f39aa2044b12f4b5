"""What a step prints and logs, kept for its journal entry while it still reaches the screen.

A context variable says which step is speaking, so steps that run at once do not mix, and a thread started with the
step's context speaks for it too. Text is kept as it is: masking is for those who show it, unless a `mask` is given. It
must never fail or delay what the user's code writes.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TextIO, cast

LIMIT = 64 * 1024

_current: ContextVar[Capture | None] = ContextVar("agnt5_capture", default=None)
# Set while a proxy or the logging hook passes something on, so that the proxies below it keep it a second time no more.
_passing = threading.local()
# Threads of one step share its capture. Reentrant: a finalizer may print in the middle of keeping a print.
_lock = threading.RLock()


class Capture:
    """Output of one step: the first and the last 32 KiB of text (in characters), and how much between them was cut.

    `muted` output is neither kept nor passed on: for replays and for attempts that are torn down. `mask` is applied to
    each text when it is dumped.
    """

    __slots__ = ("_cut", "_head", "_head_left", "_tail", "_tail_size", "limit", "mask", "muted")

    def __init__(self, limit: int = LIMIT, *, muted: bool = False, mask: Callable[[str], str] | None = None) -> None:
        self.limit = limit
        self.muted = muted
        self.mask = mask
        self._head: list[list[Any]] | None = None
        self._head_left = limit - limit // 2
        self._tail: deque[list[Any]] | None = None
        self._tail_size = 0
        self._cut = 0

    def add(self, stream: str, text: str) -> None:
        """Keep `text`; pieces of one line are joined."""
        if text and not self.muted:
            with _lock:
                self._add(stream, text)

    def _add(self, stream: str, text: str) -> None:
        if self._tail is None:
            head = self._head
            if head is None:
                head = self._head = []
            if len(text) <= self._head_left:
                self._head_left -= len(text)
                _append(head, stream, text)
                return
            _append(head, stream, text[: self._head_left])
            text = text[self._head_left :]
            self._head_left = 0
            self._tail = deque()
        self._add_tail(self._tail, stream, text)

    def _add_tail(self, tail: deque[list[Any]], stream: str, text: str) -> None:
        _append(tail, stream, text)
        self._tail_size += len(text)
        over = self._tail_size - self.limit // 2
        while over > 0:
            first = tail[0]
            if len(first[2]) <= over:
                tail.popleft()
                dropped = len(first[2])
            else:
                first[2] = first[2][over:]
                dropped = over
            over -= dropped
            self._tail_size -= dropped
            self._cut += dropped

    def records(self) -> list[list[Any]]:
        """`[stream, microseconds since 1970, text]` in order; stream is "stdout", "stderr", "log", or "cut", whose text
        says how much is missing there."""
        if self._head is None:
            return []
        found = [list(record) for record in self._head if record[2]]
        if self._tail is not None:
            if self._cut:
                found.append(["cut", self._tail[0][1] if self._tail else 0, f"... {self._cut:,} characters cut ..."])
            found.extend(list(record) for record in self._tail)
        if self.mask is not None:
            for record in found:
                record[2] = self.mask(record[2])
        return found

    def dump(self) -> bytes:
        """The records as JSON in UTF-8; nothing at all when there are none."""
        if self._head is None:
            return b""
        encoded = json.dumps(self.records(), ensure_ascii=False, separators=(",", ":"))
        # A lone surrogate, as from a file name that is no UTF-8, must not lose a step its result.
        return encoded.encode("utf-8", "replace")


def _append(records: list[list[Any]] | deque[list[Any]], stream: str, text: str) -> None:
    if records:
        last = records[-1]
        if last[0] == stream and last[2] and last[2][-1] != "\n" and stream != "log":
            last[2] += text
            return
    records.append([stream, time.time_ns() // 1000, text])


def capture_into(capture: Capture | None) -> None:
    """From now on, output of the current context goes to `capture` as well; None ends it."""
    _current.set(capture)


_OURS = frozenset({"write", "writelines", "flush"})


class Tee:
    """Stands in for `sys.stdout` or `sys.stderr`: keeps what the current step writes, delegates everything."""

    def __init__(self, name: str, stream: TextIO) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_stream", stream)

    def write(self, text: str) -> int:
        capture = _current.get()
        if capture is None or getattr(_passing, "on", False):
            return self._stream.write(text)
        if capture.muted:
            return len(text)
        _passing.on = True
        try:
            if isinstance(text, str):  # anything else is the stream's to refuse
                capture.add(self._name, text)
            return self._stream.write(text)
        finally:
            _passing.on = False

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # IPython replaces `sys.stdout.write` by a function that calls the one it found, which is ours: given to the
        # stream below, the two would call each other for ever.
        if name in _OURS:
            object.__setattr__(self, name, value)
        else:
            setattr(self._stream, name, value)

    def __delattr__(self, name: str) -> None:
        if name in _OURS:
            object.__delattr__(self, name)
        else:
            delattr(self._stream, name)

    def __dir__(self) -> list[str]:
        return dir(self._stream)

    def __iter__(self) -> Any:
        return iter(self._stream)

    def __enter__(self) -> Tee:
        self._stream.__enter__()
        return self

    def __exit__(self, *exc: Any) -> Any:
        return self._stream.__exit__(*exc)

    def __repr__(self) -> str:
        return f"<Tee of {self._stream!r}>"


def ensure_installed() -> None:
    """Wrap what `sys.stdout` and `sys.stderr` are now, and listen to logging. Costs next to nothing when nothing
    changed.

    Call it before a step: pytest, `contextlib.redirect_stdout` and kernels exchange the streams at any time.
    """
    # None under pythonw, and after the interpreter began to end.
    if type(sys.stdout) is not Tee and sys.stdout is not None:
        sys.stdout = cast("TextIO", Tee("stdout", sys.stdout))
    if type(sys.stderr) is not Tee and sys.stderr is not None:
        sys.stderr = cast("TextIO", Tee("stderr", sys.stderr))
    if not _listening:
        _listen()


_listening = False


def _listen() -> None:
    """Hear every record that reaches handlers. Not by a handler on the root logger: with one there,
    `logging.basicConfig` would do nothing and warnings of unconfigured programs would no longer be printed."""
    global _listening
    _listening = True
    call_handlers = logging.Logger.callHandlers

    def heard(self: logging.Logger, record: logging.LogRecord) -> None:
        capture = _current.get()
        if capture is None or getattr(_passing, "on", False):
            call_handlers(self, record)
            return
        if capture.muted:
            return
        _passing.on = True
        try:
            capture.add("log", _line(record))
            call_handlers(self, record)
        finally:
            _passing.on = False

    logging.Logger.callHandlers = heard


_formatter = logging.Formatter("%(levelname)s %(name)s: %(message)s")


def _line(record: logging.LogRecord) -> str:
    try:
        return _formatter.format(record)
    except Exception as error:
        # `log.info("%d", "x")`: handlers print a traceback about it and go on; so do we.
        return f"{record.levelname} {record.name}: {record.msg!r} (could not be formatted: {error})"
