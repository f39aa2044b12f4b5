"""How a flow of the corpus is recorded, and what it came to."""

from __future__ import annotations

import contextlib
from typing import Any

import agnt5
from agnt5 import Replay, Run
from replay.corpus import Played


async def record(played: Played) -> Run:
    """Start it on the runtime of this test, let happen what happens to it, and wait for its end."""
    run = played.component.start(*played.args)
    if played.during is not None:
        await played.during(run)
    with contextlib.suppress(agnt5.RunFailed):
        await run
    return run


def end_of(run: Run) -> tuple[str, str]:
    """Value or error of a run, and its status; comparable between runs. Waits for its end."""
    try:
        return repr(run.result(10)), str(run.status)
    except agnt5.RunFailed as error:
        return f"{error.cause_type}: {error.cause_message}", str(run.status)


def bytes_of(run: Run) -> list[bytes]:
    """All that is stored of a run, to see that it stays."""
    return [
        bytes(one.payload) + bytes(one.input) + str((one.seq, one.at, one.body)).encode() for one in run.journal.stored
    ]


def sight(replay: Replay) -> tuple[Any, ...]:
    """All that a person sees at a position."""
    frames = [(frame.task, frame.function, frame.line, sorted(frame.locals.items())) for frame in replay.frames]
    return replay.index, replay.position, frames, replay.state, sorted(replay.changed), replay.source


def both_ways(replay: Replay) -> list[tuple[Any, ...]]:
    """What is seen from the beginning to the end, which is what is seen on the way back."""
    forwards = [sight(replay)]
    while not replay.at_end:
        forwards.append(sight(replay.step()))
    assert replay.divergence is None
    assert len(forwards) == len(replay)
    backwards = [sight(replay)]
    while replay.index:
        backwards.append(sight(replay.back()))
    assert backwards[::-1] == forwards
    return forwards
