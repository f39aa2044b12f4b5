"""Keys as they are typed. The terminal stays in one mode meanwhile, so keys typed ahead are not lost."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import sys
import termios
import tty
from collections.abc import Generator
from types import FrameType

# An escape sequence as terminals send it for a key, as far as it has come.
_BEGUN = re.compile(r"\x1b(?:\[[0-9;]*|O)?")
# Seconds within which a terminal sends the rest of one.
_PATIENCE = 0.05
# What `key` gives when the terminal has another size now.
RESIZED = ""


def _ignore(number: int, frame: FrameType | None) -> None:
    """The pipe has told it."""


class Keyboard:
    """Reads keys from standard input, which is a terminal."""

    def __init__(self) -> None:
        self._descriptor = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._descriptor)
        self._left = contextlib.ExitStack()

    def __enter__(self) -> Keyboard:
        self._resized, told = os.pipe()
        # A handler that does nothing is what lets the signal be told at all; the pipe tells it between two keys.
        handler = signal.signal(signal.SIGWINCH, _ignore)
        os.set_blocking(told, False)
        former = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
        self._left.callback(os.close, self._resized)
        self._left.callback(os.close, told)
        self._left.callback(signal.set_wakeup_fd, former)
        self._left.callback(signal.signal, signal.SIGWINCH, handler)
        self._left.callback(self._whole_lines)
        self._single_keys()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.close()

    def _single_keys(self) -> None:
        tty.setcbreak(self._descriptor, termios.TCSADRAIN)

    def _whole_lines(self) -> None:
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    def key(self) -> str:
        """The next key, or RESIZED; EOFError when the terminal went away."""
        if self._descriptor not in select.select([self._descriptor, self._resized], [], [])[0]:
            os.read(self._resized, 1024)
            return RESIZED
        # Not a byte more than the key: what is typed after it may be meant for a prompt.
        key = self._byte()
        while _BEGUN.fullmatch(key) and select.select([self._descriptor], [], [], _PATIENCE)[0]:
            key += self._byte()
        return key

    def _byte(self) -> str:
        data = os.read(self._descriptor, 1)
        if not data:
            raise EOFError
        return data.decode("latin-1")

    @contextlib.contextmanager
    def lines(self) -> Generator[None]:
        """Whole lines are typed for a while, and what is typed is seen."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._single_keys)
            self._whole_lines()
            yield
