"""Procedural memory: how things are done, and how often that went well.

Successes and failures are counted with the procedure itself, which is replaced only if nobody else did meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agnt5.codec import decode, encode
from agnt5.errors import ConfigurationError
from agnt5.memory.namespace import Namespaced, checked, limited, moment, shelf_of, worded
from agnt5.memory.operation import ask, new_id, operate, recorded
from agnt5.memory.text import fold, text_in

_KIND = "procedural"
# A reinforcement that a step repeats after a crash is known among this many of the newest.
_MARKS = 100
# Matches with less than this share of the best match's BM25 are about something else.
_NEAR = 0.5


@dataclass(frozen=True, slots=True)
class Procedure:
    name: str
    steps: Any
    successes: int
    failures: int
    learned: datetime
    """When it was learned or reinforced last, UTC."""

    @property
    def uses(self) -> int:
        return self.successes + self.failures

    @property
    def success_rate(self) -> float:
        """0 to 1; one success and one failure are taken for granted (Laplace's rule of succession), so that a procedure
        nobody has tried stands at 0.5 and one lucky use is no certainty."""
        return (self.successes + 1) / (self.uses + 2)


@dataclass(frozen=True, slots=True)
class ProceduralSnapshot:
    namespace: str
    capacity: int
    count: int
    trimmed: int
    """How many had to go since it was cleared last."""
    procedures: list[Procedure]
    """Learned or reinforced last first."""


class ProceduralMemory(Namespaced):
    """Procedures by name: steps, as a list or whatever `agnt5.codec` can record, and how they fared.

    It lies in the store under its namespace ("default" when none is given) and holds `capacity` procedures; the one
    that was learned or reinforced longest ago goes first.
    """

    kind = _KIND
    largest = 100_000

    def __init__(self, namespace: str | None = None, *, capacity: int = 1000) -> None:
        super().__init__(namespace, capacity)
        self._learn = _learning(capacity)

    async def learn(self, name: str, steps: Any) -> None:
        """Keep how `name` is done, in place of what was known; its counts stay."""
        await operate("memory.procedural.learn", self._learn, self.namespace, checked("A procedure", name), steps)

    async def recall(self, task: str, limit: int = 5) -> list[Procedure]:
        """Procedures whose name or steps share words with the task, the most successful first."""
        task = worded("A task", task)
        return await operate("memory.procedural.recall", _recall, self.namespace, task, limited("limit", limit))

    async def reinforce(self, name: str, success: bool) -> Procedure:
        """Count that it went well, or did not. A step that runs again does not count twice.

        ConfigurationError when no such procedure was learned.
        """
        return await operate(
            "memory.procedural.reinforce", _reinforce, self.namespace, checked("A procedure", name), bool(success)
        )

    async def forget(self, name: str) -> bool:
        """Forget a procedure and its counts for good; whether it was there."""
        return await operate("memory.procedural.forget", _forget, self.namespace, checked("A procedure", name))

    async def snapshot(self, limit: int = 1000) -> ProceduralSnapshot:
        """The procedures with their counts."""
        shown = await operate("memory.procedural.snapshot", _snapshot, self.namespace, limited("limit", limit))
        return replace(shown, capacity=self.capacity)


def _learning(capacity: int) -> Callable[..., Awaitable[None]]:
    async def learn(namespace: str, name: str, steps: Any) -> None:
        text = f"{fold(name)} {text_in(recorded(steps, f'memory[{name!r}]'))}"

        def work(core: Any) -> None:
            while True:  # each turn that is lost was won by somebody else
                found = core.get(namespace, _KIND, name)
                held: dict[str, Any] = _NEW if found is None else decode(found.value)
                value = encode({**held, "steps": steps})
                expect = 0 if found is None else found.revision
                if core.put(namespace, _KIND, name, value, text=text, capacity=capacity, expect=expect):
                    return

        await ask(work)

    return learn


async def _reinforce(namespace: str, name: str, success: bool) -> Procedure:
    mark = new_id(_KIND.encode(), namespace.encode(), name.encode(), str(success).encode())
    count = "successes" if success else "failures"

    def work(core: Any) -> Any:
        while True:
            found = core.get(namespace, _KIND, name)
            if found is None:
                raise ConfigurationError(
                    f"No procedure {name!r} was learned in namespace {namespace!r}: `await memory.learn({name!r}, "
                    f"steps)` comes first."
                )
            held = decode(found.value)
            if mark in held["marks"]:
                return found
            text = f"{fold(name)} {text_in(encode(held['steps']))}"
            value = encode({**held, count: held[count] + 1, "marks": [*held["marks"], mark][-_MARKS:]})
            core.put(namespace, _KIND, name, value, text=text, expect=found.revision)

    return _procedure(await ask(work))


async def _recall(namespace: str, task: str, limit: int) -> list[Procedure]:
    text = fold(task)
    hits = await ask(lambda core: core.search(namespace, _KIND, text=text, limit=max(limit * 4, 40)))
    if not hits:
        return []
    best: float = max(hit[2] or 0.0 for hit in hits)
    near = [(_procedure(hit[0]), hit[2] or 0.0) for hit in hits if (hit[2] or 0.0) >= best * _NEAR]
    near.sort(key=lambda one: (-one[0].success_rate, -one[1]))
    return [procedure for procedure, _ in near[:limit]]


async def _forget(namespace: str, name: str) -> bool:
    return await ask(lambda core: core.delete(namespace, _KIND, name))


async def _snapshot(namespace: str, limit: int) -> ProceduralSnapshot:
    shelf = await shelf_of(namespace, _KIND)
    records = await ask(lambda core: core.records(namespace, _KIND, by_use=True, limit=limit))
    return ProceduralSnapshot(namespace, 0, shelf.count, shelf.trimmed, [_procedure(record) for record in records])


_NEW: dict[str, Any] = {"steps": None, "successes": 0, "failures": 0, "marks": []}


def _procedure(record: Any) -> Procedure:
    held = decode(record.value)
    return Procedure(record.id, held["steps"], held["successes"], held["failures"], moment(record.written))
