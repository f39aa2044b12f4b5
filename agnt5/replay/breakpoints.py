"""Where a replay stops by itself: a step's name, path or kind, or any question about an entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agnt5.entry import Entry
from agnt5.errors import ConfigurationError

Predicate = Callable[[Entry], bool]


class Breakpoints:
    """A set of them; `run_to_end` stops at the next answer to an entry that one of them matches."""

    def __init__(self) -> None:
        self._all: dict[str, str | Predicate] = {}

    def add(self, what: str | Predicate) -> None:
        """A name, path or kind of entries (`"fetch"`, `"fetch#2"`, `"sleep"`), or a function of an entry."""
        if not isinstance(what, str) and not callable(what):
            raise ConfigurationError(f"A breakpoint is a name, a path, a kind or a function of an entry, not {what!r}.")
        self._all[_label(what)] = what

    def remove(self, what: str | Predicate) -> None:
        self._all.pop(_label(what), None)

    def clear(self) -> None:
        self._all.clear()

    def match(self, entry: Entry) -> bool:
        return any(
            what in (entry.name, entry.path, entry.kind) if isinstance(what, str) else what(entry)
            for what in self._all.values()
        )

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __repr__(self) -> str:
        return f"<Breakpoints: {', '.join(self._all) or 'none'}>"


def _label(what: str | Predicate) -> str:
    return what if isinstance(what, str) else getattr(what, "__qualname__", repr(what))
