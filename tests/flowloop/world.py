"""A scripted world for flows: an in-memory seam that records commands and completions, and plays them back.

`record` lets a chooser decide which open operation completes next; `replay` delivers what was recorded, in that order.
Both return a Story: equal stories mean that the flow asked the same, in the same order, at the same positions.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from agnt5.execution.flowloop import FlowLoop

START = 1_700_000_000_000_000

Flow = Callable[["Ctx"], Awaitable[Any]]
Chooser = Callable[[int], int]


class Fence(BaseException):
    """What a torn down or poisoned attempt raises out of commands."""


@dataclass
class Story:
    """What one drive of a flow did. `commands` has a list for each position: those that its drain issued."""

    commands: list[list[list[Any]]] = field(default_factory=list)
    completions: list[list[Any]] = field(default_factory=list)
    log: list[Any] = field(default_factory=list)
    result: str = ""
    warnings: list[str] = field(default_factory=list)

    @property
    def flat(self) -> list[list[Any]]:
        return [command for position in self.commands for command in position]


class World:
    """One attempt at one flow. Implements the loop's seam."""

    def __init__(self, flow: Flow, **budgets: Any) -> None:
        self.story = Story()
        self.open: dict[int, asyncio.Future[Any] | None] = {}  # None: a timer
        self._due: dict[int, int] = {}
        self._now = START
        self._seq = 0
        self._fenced = False
        self.poison: BaseException | None = None
        self.loop = FlowLoop(self, **budgets)
        self.ctx = Ctx(self)
        self.root = self.loop.start(_body(flow, self.ctx), context=contextvars.copy_context())

    # The seam

    def command(self, *what: Any) -> int:
        if self._fenced or self.loop.poisoned() is not None:
            raise Fence("no command may be issued any more")
        self._seq += 1
        self.story.commands[-1].append(list(what))
        return self._seq

    def arm_timer(self, delay_us: int) -> int:
        seq = self.command("timer", delay_us)
        self.open[seq] = None
        self._due[seq] = self._now + delay_us
        return seq

    def cancel_timer(self, seq: int) -> None:
        self.command("cancel", seq)
        del self.open[seq]

    def now_us(self) -> int:
        return self._now

    def poisoned(self) -> BaseException | None:
        return self.poison

    # Driving

    def drain(self) -> None:
        self.story.commands.append([])
        while not self.loop.drain():
            pass

    def deliver(self, seq: int, now: int | None = None) -> None:
        """One completion, then a full drain."""
        self._now = max(self._now + 1000, self._due.get(seq, 0)) if now is None else now
        self.story.completions.append([seq, self._now])
        future = self.open.pop(seq)
        if future is None:
            self.loop.fire_timer(seq)
        elif str(seq).endswith("7"):
            future.set_exception(ValueError(f"operation {seq} failed"))
        else:
            future.set_result(seq)
        self.drain()

    @property
    def ended(self) -> bool:
        return self.root.done() or self.loop.poisoned() is not None

    def finish(self) -> Story:
        """Shut the loop down after the flow ended; its story."""
        root = self.root
        if root.cancelled():
            self.story.result = "cancelled"
        elif root.exception() is not None:
            self.story.result = f"raised {root.exception()!r}"
        else:
            self.story.result = repr(root.result())
        self.story.warnings = self.loop.shutdown()
        return self.story

    def fence(self) -> list[str]:
        self._fenced = True
        return self.loop.teardown(Fence("torn down"))


class Ctx:
    """What flows of the corpus speak through: one kind of operation, and a log of what they saw."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def ask(self, name: str) -> int:
        """An operation: a command now, a completion some time. Cancelling it is a command as well."""
        world = self._world
        seq = world.command("ask", name)
        future = world.open[seq] = world.loop.create_future()
        try:
            return await future
        except asyncio.CancelledError:
            if seq in world.open and not world._fenced and not world.loop.is_closed():
                world.command("cancel", seq)
                del world.open[seq]
            raise

    def log(self, *seen: Any) -> None:
        self._world.story.log.append([repr(one) for one in seen])


async def _body(flow: Flow, ctx: Ctx) -> Any:
    return await flow(ctx)


def record(flow: Flow, choose: Chooser, limit: int = 500) -> Story:
    """Drive `flow` live: `choose(n)` picks one of the n open operations, oldest first, to complete next."""
    world = World(flow)
    world.drain()
    for _ in range(limit):
        if world.ended:
            return world.finish()
        waiting = sorted(world.open)
        assert waiting, f"the flow waits for nothing: {world.story}"
        world.deliver(waiting[choose(len(waiting)) % len(waiting)])
    raise AssertionError(f"the flow did not end after {limit} completions")


def replay(flow: Flow, recorded: Story) -> Story:
    """Drive `flow` by the completions of a recorded story."""
    world = World(flow)
    world.drain()
    for seq, now in recorded.completions:
        assert seq in world.open, f"replay never opened operation {seq}; it asked {world.story.flat}"
        world.deliver(seq, now)
    assert world.ended, "the replay has not ended where the recorded flow had"
    return world.finish()
