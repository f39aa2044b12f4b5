"""Values as a replay shows them: short texts, made once, whatever the value is.

A value may be huge, cyclic, or have a `__repr__` that raises; looking at it must not fail, take long, or call a user's
`__repr__` twice for one view.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Any

LONGEST = 200
DEEPEST = 4
MOST = 12
_HUGE = 10**100
_PLAIN = (int, float, complex, bool, type(None))


class Shown:
    """The texts of one view. The same object has the same text in it."""

    __slots__ = ("_kept", "_texts")

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        # Held, so that an id stays its own while this view is made.
        self._kept: list[Any] = []

    def text(self, value: Any) -> str:
        return self._text(value, 0)

    def _text(self, value: Any, depth: int) -> str:
        kind = type(value)
        if kind in _PLAIN:
            return (
                _cut(repr(value))
                if kind is not int or -(10**40) < value < 10**40
                else f"<int of {value.bit_length()} bits>"
            )
        if kind is str or kind is bytes or kind is bytearray:
            head = value[: LONGEST + 1]
            return _cut(repr(head))
        known = self._texts.get(id(value))
        if known is not None:
            return known
        self._texts[id(value)] = "..."  # what a cycle shows
        self._kept.append(value)
        try:
            text = self._made(value, kind, depth)
        except RecursionError:
            text = f"<{kind.__qualname__}: nested too deeply>"
        self._texts[id(value)] = text
        return text

    def _made(self, value: Any, kind: type, depth: int) -> str:
        if kind in (list, tuple, set, frozenset, dict) and depth >= DEEPEST:
            return f"<{kind.__name__} of {len(value)}>"
        if kind is list:
            return _cut(f"[{self._items(value, len(value), depth)}]")
        if kind is tuple:
            inner = self._items(value, len(value), depth)
            return _cut(f"({inner},)" if len(value) == 1 else f"({inner})")
        if kind is set or kind is frozenset:
            inner = self._items(value, len(value), depth)
            if kind is frozenset:
                return _cut(f"frozenset({{{inner}}})" if inner else "frozenset()")
            return _cut(f"{{{inner}}}" if inner else "set()")
        if kind is dict:
            pairs = []
            for number, (key, one) in enumerate(value.items()):
                if number == MOST:
                    pairs.append(f"... {len(value) - MOST} more")
                    break
                pairs.append(f"{self._text(key, depth + 1)}: {self._text(one, depth + 1)}")
            return _cut("{" + ", ".join(pairs) + "}")
        if isinstance(value, type):
            return f"<class {value.__module__}.{value.__qualname__}>"
        if isinstance(value, types.FunctionType | types.MethodType | types.BuiltinFunctionType):
            return f"<function {getattr(value, '__qualname__', value.__name__)}>"
        if isinstance(value, types.ModuleType):
            return f"<module {value.__name__}>"
        if kind.__repr__ is object.__repr__:
            # Its default text holds an address, which is another one in every replay.
            return f"<{kind.__qualname__}>"
        try:
            return _cut(_flat(repr(value)))
        except Exception as error:
            return f"<{kind.__qualname__}: its __repr__ raised {type(error).__name__}>"

    def _items(self, items: Iterable[Any], count: int, depth: int) -> str:
        texts: list[str] = []
        for number, one in enumerate(items):
            if number == MOST:
                texts.append(f"... {count - MOST} more")
                break
            texts.append(self._text(one, depth + 1))
        return ", ".join(texts)


def _flat(text: Any) -> str:
    return text if type(text) is str else str(text)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
