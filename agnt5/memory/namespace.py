"""What every kind of memory has: a namespace that keeps it apart, a bound, and what is known of it as a whole.

A memory object is only a name for what lies in the store: two with one namespace see the same. It must never keep
anything of its own.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from agnt5.errors import ConfigurationError
from agnt5.memory.operation import ask, operate

DEFAULT = "default"
_LONGEST = 500
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Shelf:
    """One kind of memory of one namespace, as a whole."""

    namespace: str
    kind: str
    """working, episodic, semantic or procedural"""
    count: int
    trimmed: int
    """How many had to go because it was full, since it was cleared last."""
    embedder: str
    """What made the vectors; "" when there are none."""
    dimension: int


async def namespaces() -> list[Shelf]:
    """Everything that is remembered in this store, by namespace and kind."""
    return await operate("memory.namespaces", _namespaces)


async def _namespaces() -> list[Shelf]:
    found: list[dict[str, Any]] = json.loads(await ask(lambda core: core.shelves()))
    return [_shelf(one) for one in found if one["count"] or one["trimmed"]]


async def shelf_of(namespace: str, kind: str) -> Shelf:
    """Counts of a shelf; zeros when nothing was ever put there. Not recorded: for bodies of operations."""
    found = await ask(lambda core: core.shelf(namespace, kind))
    return _shelf(json.loads(found)) if found else Shelf(namespace, kind, 0, 0, "", 0)


def _shelf(found: dict[str, Any]) -> Shelf:
    return Shelf(
        found["namespace"], found["kind"], found["count"], found["trimmed"], found["embedder"], found["dimension"]
    )


class Namespaced:
    """A kind of memory in a namespace."""

    kind: ClassVar[str]
    largest: ClassVar[int]
    """No capacity may be more."""

    def __init__(self, namespace: str | None, capacity: int) -> None:
        self._namespace = None if namespace is None else checked("A namespace", namespace)
        if type(capacity) is not int or not 0 < capacity <= self.largest:  # pyright: ignore[reportUnnecessaryComparison]
            raise ConfigurationError(
                f"The capacity of {type(self).__name__} is a whole number from 1 to {self.largest:,}, not {capacity!r}."
            )
        self.capacity = capacity
        """How many it holds; a put beyond that makes the one go that was used longest ago."""

    @property
    def namespace(self) -> str:
        return self._namespace or DEFAULT

    def within(self, name: str) -> Self:
        """The same memory apart for somebody: in the namespace `name` within this one."""
        return self._in(inner(self.namespace, name))

    def or_in(self, namespace: str) -> Self:
        """The same memory in this namespace, unless it was given one of its own."""
        return self if self._namespace is not None else self._in(namespace)

    def _in(self, namespace: str) -> Self:
        other = copy.copy(self)
        other._namespace = namespace
        return other

    async def clear(self) -> int:
        """Forget everything, for good; says how much that was."""
        return await operate(f"memory.{self.kind}.clear", clear, self.namespace, self.kind)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.namespace!r}, capacity {self.capacity:,}>"


def inner(namespace: str, name: str) -> str:
    """A namespace within another: `agent/assistant` and `ada` give `agent/assistant/ada`."""
    return checked("A namespace", f"{namespace}/{checked('A name within a namespace', name)}")


async def clear(namespace: str, kind: str) -> int:
    return await ask(lambda core: core.clear(namespace, kind))


def checked(what: str, name: str) -> str:
    """A name of 1 to 500 printable characters."""
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST or not name.isprintable():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{what} is a text of 1 to {_LONGEST} printable characters, not {name!r}.")
    return name


def worded(what: str, text: str) -> str:
    """A text of any length to find something by."""
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{what} is a text, not {text!r}.")
    return text


def limited(what: str, limit: int) -> int:
    """A number of things to give back, 1 to 100,000."""
    if type(limit) is not int or not 0 < limit <= _MOST:  # pyright: ignore[reportUnnecessaryComparison]
        raise ConfigurationError(f"{what}= is a whole number from 1 to {_MOST:,}, not {limit!r}.")
    return limit


def moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)
