"""What a remembered value is found by: the words in it, without accents.

It reads the bytes that the codec made, so it looks no class up and runs no code of the value's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

import msgspec

from agnt5.llm.sendable import whole

LONGEST = 20_000
"""Characters of a text that are looked at."""

# Bytes in disguise: nobody looks for them by word.
_OPAQUE = frozenset({"~bytes", "~bytearray", "~ndarray", "~npscalar", "~dataframe", "~series"})
# The first item of their payload is the name of a class.
_NAMED = frozenset({"~dataclass", "~model", "~namedtuple", "~type", "~state", "~enum", "~path", "~defaultdict"})


def fold(text: str) -> str:
    """Without accents and differences of width: `café` and `cafe` are found by each other. Halves of characters, which
    models and terminals write and no index takes, are none."""
    parts = unicodedata.normalize("NFKD", whole(text[:LONGEST]))
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def text_in(data: bytes) -> str:
    """The words of a value that was encoded to `data`."""
    found: list[str] = []
    left = LONGEST
    for leaf in _leaves(msgspec.json.decode(data)):
        found.append(leaf)
        left -= len(leaf) + 1
        if left <= 0:
            break
    return fold(" ".join(found))


def _leaves(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, bool) or node is None:
        return
    elif isinstance(node, int | float):
        yield str(node)
    elif isinstance(node, list):
        for item in node:  # pyright: ignore[reportUnknownVariableType]
            yield from _leaves(item)
    elif isinstance(node, dict):
        for key, value in node.items():  # pyright: ignore[reportUnknownVariableType]
            if key in _OPAQUE:
                continue
            if key in _NAMED and isinstance(value, list):
                yield from _leaves(value[1:])
            elif isinstance(key, str) and key.startswith("~"):
                yield from _leaves(value)
            else:
                yield from _leaves(key)
                yield from _leaves(value)
