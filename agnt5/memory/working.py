"""Working memory: a few named values at hand. When it is full, the one that was used longest ago goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agnt5.codec import decode
from agnt5.errors import ConfigurationError
from agnt5.llm.sendable import whole
from agnt5.memory.namespace import Namespaced, limited, moment, shelf_of
from agnt5.memory.operation import ask, operate, recorded

_KIND = "working"
_LONGEST_KEY = 500
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class WorkingEntry:
    key: str
    value: Any
    stored: datetime
    """When it was stored last, UTC."""


@dataclass(frozen=True, slots=True)
class WorkingSnapshot:
    namespace: str
    capacity: int
    count: int
    trimmed: int
    """How many had to go since it was cleared last."""
    entries: list[WorkingEntry]
    """Used last first."""


class WorkingMemory(Namespaced):
    """Values by name, at most `capacity` of them. A name is a text of 1 to 500 characters, a value anything that
    `agnt5.codec` can record, up to 1 MiB.

    It lies in the store under its namespace ("default" when none is given). Storing and getting count as use.
    """

    kind = _KIND
    largest = 100_000

    def __init__(self, capacity: int = 1000, namespace: str | None = None) -> None:
        super().__init__(namespace, capacity)
        self._store = _storing(capacity)

    async def store(self, key: str, value: Any) -> None:
        """Keep `value` under `key`, in place of what was there. SerializationError when it cannot be recorded."""
        await operate("memory.working.store", self._store, self.namespace, _key(key), value)

    async def get(self, key: str, default: Any = None) -> Any:
        """The value under `key`, which is now the one used last; `default` when there is none."""
        return await operate("memory.working.get", _get, self.namespace, _key(key), default)

    async def delete(self, key: str) -> bool:
        """Forget a value for good; whether it was there."""
        return await operate("memory.working.delete", _delete, self.namespace, _key(key))

    async def keys(self) -> list[str]:
        """All names, the one used longest ago first: the next to go."""
        return await operate("memory.working.keys", _keys, self.namespace)

    async def snapshot(self, limit: int = _PAGE) -> WorkingSnapshot:
        """The entries used last, up to `limit`, and counts. Looking is no use."""
        shown = await operate("memory.working.snapshot", _snapshot, self.namespace, limited("limit", limit))
        return replace(shown, capacity=self.capacity)


def _storing(capacity: int) -> Callable[..., Awaitable[None]]:
    async def store(namespace: str, key: str, value: Any) -> None:
        data = recorded(value, root=f"memory[{key!r}]")
        await ask(lambda core: core.put(namespace, _KIND, key, data, capacity=capacity))

    return store


async def _get(namespace: str, key: str, default: Any) -> Any:
    def work(core: Any) -> bytes | None:
        found = core.get(namespace, _KIND, key)
        if found is None:
            return None
        core.use_record(namespace, _KIND, key)
        return found.value

    found = await ask(work)
    return default if found is None else decode(found)


async def _delete(namespace: str, key: str) -> bool:
    return await ask(lambda core: core.delete(namespace, _KIND, key))


async def _keys(namespace: str) -> list[str]:
    def work(core: Any) -> list[str]:
        found: list[str] = []
        before = 0
        while page := core.records(namespace, _KIND, by_use=True, before=before, limit=_PAGE):
            found += [record.id for record in page]
            before = page[-1].used
        return found[::-1]

    return await ask(work)


async def _snapshot(namespace: str, limit: int) -> WorkingSnapshot:
    shelf = await shelf_of(namespace, _KIND)
    records = await ask(lambda core: core.records(namespace, _KIND, by_use=True, limit=limit))
    entries = [WorkingEntry(one.id, decode(one.value), moment(one.written)) for one in records]
    return WorkingSnapshot(namespace, 0, shelf.count, shelf.trimmed, entries)


def _key(key: str) -> str:
    if not isinstance(key, str) or not 0 < len(key) <= _LONGEST_KEY or whole(key) != key:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"A key of WorkingMemory is a text of 1 to {_LONGEST_KEY} characters, not {key!r}.")
    return key
