"""The replays behind one walk: one stands where the person looks, a few wait where they looked before.

All of them live on one stage, and end with it. Nothing here changes a journal or executes a step.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import TYPE_CHECKING, Any

from agnt5.entry import Entry
from agnt5.errors import AGNT5Error, DivergenceError, FlowIOError, FlowSpinError, SerializationError, StoreCorrupt
from agnt5.execution import diverging
from agnt5.execution.flowreplay import FlowReplay
from agnt5.replay import source
from agnt5.replay.stage import Stage
from agnt5.replay.view import Position, look

if TYPE_CHECKING:
    from agnt5 import _core
    from agnt5.component import Component

# Stands for the value of an expression whose names do not exist where the code stands.
ABSENT: Any = object()
# What ends a replay before its journal does.
STOPPED = (DivergenceError, FlowIOError, FlowSpinError, SerializationError, StoreCorrupt)
# Replays left standing where they were, to go on from when somebody jumps to and fro.
_PARKED = 3


class Cast:
    """The replays of one walk, on their stage. Every method may be called from any thread."""

    def __init__(
        self, component: Component[..., Any], recording: _core.Recording, advice: str = diverging.REPLAY
    ) -> None:
        self._component = component
        self._recording = recording
        self._advice = advice
        self._stage = Stage()
        self._standing: list[tuple[int, FlowReplay]] = []
        # The furthest position at which a replay stood whole.
        self.reached = -1

    def look(self, first: int, last: int, seqs: list[int], entry: Callable[[int], Entry | None]) -> list[Position]:
        """The positions from `first` to `last`."""

        def job() -> list[Position]:
            at, replay = self._take(first)
            found: list[Position] = []
            try:
                while True:
                    found.append(look(replay, at, seqs[at], entry(at)))
                    if at == last:
                        break
                    at = self._on(replay, at)
            except BaseException:
                replay.close()
                raise
            self._park(at, replay)
            return found

        return self._stage.call(job)

    def evaluate(self, index: int, expression: CodeType) -> Any:
        def job() -> Any:
            _, replay = self._fresh(index)
            try:
                return replay.within(lambda: source.snapshot(replay, expression))
            finally:
                replay.close()

        return self._stage.call(job)

    def trace(self, last: int, expression: CodeType) -> tuple[list[Any], AGNT5Error | None]:
        """The values, ABSENT where names do not exist, and why there are no more."""

        def job() -> tuple[list[Any], AGNT5Error | None]:
            at, replay = self._fresh(0)
            values: list[Any] = []
            try:
                while True:
                    values.append(replay.within(lambda: source.snapshot(replay, expression, missing=ABSENT)))
                    if at == last:
                        return values, None
                    at = self._on(replay, at)
            except STOPPED as error:
                if len(values) == at + 1:
                    return values, error
                raise  # the expression, not the code
            finally:
                replay.close()

        return self._stage.call(job)

    def close(self) -> None:
        self._stage.call(self._close)

    def leave(self) -> None:
        self._stage.leave(self._close)

    def _take(self, index: int) -> tuple[int, FlowReplay]:
        """A replay that stands at this position: the nearest one before it goes on, or a new one begins."""
        best = max((one for one in self._standing if one[0] <= index), key=lambda one: one[0], default=None)
        if best is None:
            return self._fresh(index)
        self._standing.remove(best)
        at, replay = best
        return self._forward(at, replay, index)

    def _fresh(self, index: int) -> tuple[int, FlowReplay]:
        replay = FlowReplay(self._component, self._recording, advice=self._advice)
        try:
            replay.begin()
        except BaseException:
            replay.close()
            raise
        self.reached = max(self.reached, 0)
        return self._forward(0, replay, index)

    def _forward(self, at: int, replay: FlowReplay, index: int) -> tuple[int, FlowReplay]:
        if index - at > 1:
            try:
                at += replay.forward(index - at - 1)
            except BaseException:
                self._stumbled(replay)
                raise
            self.reached = max(self.reached, at)
        while at < index:
            at = self._on(replay, at)
        return at, replay

    def _on(self, replay: FlowReplay, at: int) -> int:
        try:
            if replay.advance() is None:
                raise DivergenceError(f"the journal has no answer after position {at}.")
        except BaseException:
            self._stumbled(replay)
            raise
        self.reached = max(self.reached, at + 1)
        return at + 1

    def _stumbled(self, replay: FlowReplay) -> None:
        self.reached = max(self.reached, replay.delivered - 1)
        replay.close()

    def _park(self, at: int, replay: FlowReplay) -> None:
        self._standing.append((at, replay))
        while len(self._standing) > _PARKED:
            self._standing.pop(0)[1].close()

    def _close(self) -> None:
        while self._standing:
            self._standing.pop()[1].close()
