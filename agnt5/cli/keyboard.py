"""Keys as they are typed. The terminal stays in one mode meanwhile, so keys typed ahead are not lost."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
import termios
import tty
from collections.abc import Generator

# An escape sequence as terminals send it for a key, as far as it has come.
_BEGUN = re.compile(r"\x1b(?:\[[0-9;]*|O)?")
# Seconds within which a terminal sends the rest of one.
_PATIENCE = 0.05


class Keyboard:
    """Reads keys from standard input, which is a terminal."""

    def __init__(self) -> None:
        self._descriptor = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._descriptor)

    def __enter__(self) -> Keyboard:
        tty.setcbreak(self._descriptor, termios.TCSADRAIN)
        return self

    def __exit__(self, *_: object) -> None:
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    def key(self) -> str:
        """The next key; EOFError when the terminal went away."""
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
            stack.callback(self.__enter__)
            self.__exit__()
            yield
