"""What models of this process are saying, piece by piece, kept for the panels that show it.

No journal has it. Hearing happens on the thread that emits, so it only puts pieces aside. It begins when this module is
first imported, before the first run: the first words of an answer come before any panel can ask for them.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import agnt5

_MOST = 200
"""Answers whose pieces are kept while nobody takes them."""
_PIECES = 20_000
_SILENT = 1.0
"""Seconds after which an answer that says nothing gives way to another one that does."""
_ANSWERS = 16
"""Answers that a panel keeps while they are given at the same time."""


class Piece(NamedTuple):
    """`step`: what says it, as run id and path. `again`: the answer begins again, since its first try failed."""

    step: tuple[str, str]
    text: str
    again: bool


class Streams:
    """Hears all runs; `take` gives the pieces of some and forgets them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pieces: dict[tuple[str, str], deque[Piece]] = {}

    def take(self, run_ids: set[str]) -> list[Piece]:
        """In order; of one answer after those of another that began before."""
        with self._lock:
            steps = [step for step in self._pieces if step[0] in run_ids]
            return [piece for step in steps for piece in self._pieces.pop(step)]

    def hear(self, run_id: str, value: Any) -> None:
        if not isinstance(value, agnt5.Streamed) or not value.delta.text:
            return
        piece = Piece((run_id, value.path), value.delta.text, value.again)
        with self._lock:
            pieces = self._pieces.get(piece.step)
            if pieces is None:
                pieces = self._pieces[piece.step] = deque(maxlen=_PIECES)
                if len(self._pieces) > _MOST:
                    self._pieces.pop(next(iter(self._pieces)))
            pieces.append(piece)


class Spoken:
    """The answer that is shown of those that are given: one of them until it is silent, then another."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._texts: dict[tuple[str, str], str] = {}
        self._shown: tuple[str, str] | None = None
        self._heard = 0.0

    @property
    def text(self) -> str:
        return "" if self._shown is None else self._texts[self._shown]

    def take(self, pieces: Iterable[Piece]) -> tuple[str, bool]:
        """What is to be shown more, and whether it takes the place of all that was shown before."""
        added, begins, last = "", False, None
        for step, text, again in pieces:
            known = "" if again else self._texts.pop(step, "")
            self._texts[step] = known + text
            last = step
            if step == self._shown:
                self._heard = self._clock()
                begins, added = begins or again, text if again else added + text
        silent = self._shown is None or self._clock() - self._heard > _SILENT
        if last is not None and last != self._shown and not added and silent:
            self._shown, self._heard = last, self._clock()
            added, begins = self._texts[last], True
        while len(self._texts) > _ANSWERS:
            self._texts.pop(next(step for step in self._texts if step != self._shown))
        return added, begins


streams = Streams()
agnt5.listen(streams.hear)
