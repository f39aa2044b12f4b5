"""The fast path: values that JSON holds as they are, and one encoder and decoder for all.

`is_plain` must never say yes to a value that JSON would change: a tuple, a subclass, NaN, an int beyond 64 bits.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

dump = msgspec.json.Encoder().encode
load = msgspec.json.Decoder().decode

MARK = "~"
"""First character of a tag: a JSON object with one key that starts with it stands for something JSON lacks."""

MARKER = b'{"~'
"""In compact JSON these bytes appear exactly where an object's first key starts with MARK: inside a string the
quotation mark would be escaped, and the one that ends a string is never followed by `~`. So their absence proves that
there are no tags."""

MAX_DEPTH = 200
MAX_BYTES = 268_435_456
"""The engine's default limit for one payload."""

LOW = -(2**63)
HIGH = 2**64

# As many containers as the fast path looks at: more may be a small value that holds the same list again and again.
_MANY = 1_000_000

_ATOMS = frozenset({str, bool, type(None)})
_FLOATS = frozenset({float})


def is_plain(value: Any) -> bool:
    """Whether JSON gives back exactly this value. A False may be wrong (then the slow path says), a True never is.

    Lone surrogates and objects that look like tags are left to the caller, who sees them in the encoder's answer.
    """
    cls = type(value)
    if cls is int:
        return LOW <= value < HIGH
    if cls is float:
        return value - value == 0.0
    if cls is list or cls is dict:
        return _are_plain([value])
    return cls in _ATOMS


def is_plain_call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """The same for all arguments of a call."""
    containers: list[Any] | None = None
    for each in (*args, *kwargs.values()) if kwargs else args:
        cls = type(each)
        if cls is str:
            continue
        if cls is int:
            if not LOW <= each < HIGH:
                return False
        elif cls is dict or cls is list:
            if containers is None:
                containers = [each]
            else:
                containers.append(each)
        elif cls is float:
            if each - each != 0.0:
                return False
        elif cls not in _ATOMS:
            return False
    return containers is None or _are_plain(containers)


def _are_plain(todo: list[Any]) -> bool:
    """Whether lists and dicts are. `todo` grows while it is walked, level by level."""
    seen = 0
    depth = 1
    level_end = len(todo)
    for item in todo:
        if seen == level_end:
            depth += 1
            if depth > MAX_DEPTH:
                return False
            level_end = len(todo)
        seen += 1
        if type(item) is dict:
            for key in item:
                if type(key) is not str:
                    return False
            inner = item.values()
        else:
            inner = item
            # Embeddings: the sum is finite only if each number is.
            if len(item) > 8 and _FLOATS.issuperset(map(type, item)):
                if math.isfinite(sum(item)):
                    continue
                return False
        for each in inner:
            cls = type(each)
            if cls is str:
                continue
            if cls is int:
                if LOW <= each < HIGH:
                    continue
                return False
            if cls is dict or cls is list:
                todo.append(each)
            elif cls is float:
                if each - each != 0.0:  # NaN and infinities
                    return False
            elif cls not in _ATOMS:
                return False
        if len(todo) > _MANY:
            return False
    return True
