"""Values as a replay shows them: short texts, made once, whatever the value is; and marks, by which it is seen that a
value changed where its text does not reach.

A value may be huge, cyclic, or have a `__repr__` that raises; looking at it must not fail, take long, or call a user's
`__repr__` twice for one view.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from itertools import islice
from typing import Any

from agnt5.execution.members import attributes, without_addresses
from agnt5.execution.whose import is_own_class

LONGEST = 200
DEEPEST = 4
MOST = 12
_PLAIN = (int, float, complex, bool, type(None))
_CONTAINERS = (list, tuple, set, frozenset, dict)
# A mark looks at so many values, and so deep: what lies beyond may change unseen.
_MARKED = 20_000
_MARKED_DEPTH = 40
_ARRAY_BYTES = 1 << 24


class Shown:
    """The texts of one view. The same object has the same text in it."""

    __slots__ = ("_kept", "_left", "_marks", "_texts", "_whole")

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        self._marks: dict[int, int] = {}
        # Hashes of texts before they were cut, by id of the value whose `__repr__` gave them.
        self._whole: dict[int, int] = {}
        self._left = 0
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
            return _cut(f"<{kind.__qualname__}{self._attributes(value, depth)}>")
        still = getattr(kind, "__agnt5_still__", None)
        try:
            # An address is another one in every replay: nothing would look the same going back.
            text = without_addresses(_flat(repr(value) if still is None else still(value)))
        except Exception as error:
            return f"<{kind.__qualname__}: its __repr__ raised {type(error).__name__}>"
        self._whole[id(value)] = hash(text)
        return _cut(text)

    def _attributes(self, value: Any, depth: int) -> str:
        if depth >= DEEPEST or not is_own_class(type(value)):
            return ""
        held = list(attributes(value).items())
        told = ", ".join(f"{name}={self._text(one, depth + 1)}" for name, one in held[:MOST])
        return (f" {told}" if told else "") + (f", ... {len(held) - MOST} more" if len(held) > MOST else "")

    def mark(self, value: Any) -> int:
        """The same number for the same value, in this process."""
        self._left = _MARKED
        return self._mark(value, 0)

    def _mark(self, value: Any, depth: int) -> int:
        kind = type(value)
        self._left -= 1
        if kind is str or kind is bytes or kind in _PLAIN:
            return hash((kind, value)) if value == value else hash(kind)  # NaN hashes by its address
        known = self._marks.get(id(value))
        if known is not None:
            return known
        self._marks[id(value)] = 0  # what a cycle has
        self._kept.append(value)
        made = self._marks[id(value)] = hash((kind, self._mark_of(value, kind, depth)))
        return made

    def _mark_of(self, value: Any, kind: type, depth: int) -> int:
        if kind in _CONTAINERS:
            if depth >= _MARKED_DEPTH or self._left <= 0:
                return len(value)
            if kind is dict:
                parts = [
                    (self._mark(key, depth + 1), self._mark(one, depth + 1)) for key, one in self._some(value.items())
                ]
            else:
                parts = [self._mark(one, depth + 1) for one in self._some(value)]
            # A set has no order, and another one in every process.
            return hash((len(value), frozenset(parts) if kind in (set, frozenset) else tuple(parts)))
        if kind is bytearray:
            return hash(bytes(value))
        if kind.__module__ == "numpy" and kind.__name__ == "ndarray" and value.nbytes <= _ARRAY_BYTES:
            return 0 if value.dtype.hasobject else hash(value.tobytes())
        if kind.__repr__ is object.__repr__ and is_own_class(kind) and depth < _MARKED_DEPTH:
            held = attributes(value)
            return hash(tuple((name, self._mark(one, depth + 1)) for name, one in self._some(held.items())))
        text = self._text(value, 0)
        return self._whole.get(id(value), hash(text))

    def _some(self, items: Iterable[Any]) -> Iterable[Any]:
        return islice(items, max(self._left, 0))

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
