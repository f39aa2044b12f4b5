"""The slow path of encoding: any supported value to a tree that JSON can hold, with tags.

The same value gives the same tree in every process, whatever the hash seed. A writer never calls code of the value's
class, except an `encode` given to `register_type`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec

from agnt5.codec.fault import Fault, key_segment
from agnt5.codec.plain import HIGH, LOW, MARK, MAX_DEPTH, dump
from agnt5.codec.raw import Raw
from agnt5.secret import Secret

Write = Callable[["Writer", Any], Any]

# Beyond this, a small value most likely holds the same list again and again.
_MANY = 5_000_000


class Writer:
    """One encoding under way."""

    __slots__ = ("count", "open")

    def __init__(self) -> None:
        self.open: set[int] = set()  # identities of the values around the current one
        self.count = 0

    def tree(self, value: Any) -> Any:
        """The JSON form of a value. Raises Fault."""
        cls = type(value)
        if cls is str:
            return value if value.isascii() else _text(value)
        if cls is int:
            return value if LOW <= value < HIGH else {"~int": hex(value)}
        if cls is bool or value is None:
            return value
        if cls is float:
            return value if math.isfinite(value) else {"~float": repr(value)}
        write = WRITERS.get(cls)
        if write is None:
            write = _find_writer(cls)
        identity = id(value)
        self.count += 1
        if identity in self.open:
            raise Fault("it contains itself. Record a form without the cycle, for example ids instead of references.")
        if len(self.open) >= MAX_DEPTH or self.count > _MANY:
            raise Fault(_too_much(self.count))
        self.open.add(identity)
        try:
            return write(self, value)
        finally:
            self.open.discard(identity)

    def items(self, values: Any) -> list[Any]:
        """The trees of a sequence's items."""
        trees: list[Any] = []
        for index, item in enumerate(values):
            try:
                trees.append(self.tree(item))
            except Fault as fault:
                raise fault.at(f"[{index}]") from fault.__cause__
        return trees

    def fields(self, values: dict[str, Any]) -> dict[str, Any]:
        """The trees of attributes, by name."""
        trees: dict[str, Any] = {}
        for name, item in values.items():
            try:
                trees[name] = self.tree(item)
            except Fault as fault:
                raise fault.at(f".{name}") from fault.__cause__
        return trees

    def members(self, values: Any) -> list[Any]:
        """The trees of a set's members in the order of their bytes, which no hash seed changes."""
        encoded: list[bytes] = []
        for member in values:
            try:
                encoded.append(dump(self.tree(member)))
            except Fault as fault:
                raise fault.at("{…}") from fault.__cause__
        encoded.sort()
        return [msgspec.Raw(data) for data in encoded]


def too_deep() -> str:
    return f"it is nested deeper than {MAX_DEPTH} levels. Record a flatter form."


def _too_much(count: int) -> str:
    if count > _MANY:
        return f"it holds more than {_MANY:,} values that are not plain; the same ones again and again, perhaps."
    return too_deep()


def _text(value: str) -> Any:
    try:
        value.encode()
    except UnicodeEncodeError:  # lone surrogates, as in file names with undecodable bytes
        return {"~str": value.encode("unicode_escape").decode("ascii")}
    return value


def _write_dict(w: Writer, value: dict[Any, Any]) -> Any:
    trees: dict[str, Any] = {}
    for key, item in value.items():
        if type(key) is not str or not (key.isascii() or type(_text(key)) is str):
            return {"~dict": write_pairs(w, value)}
        try:
            trees[key] = w.tree(item)
        except Fault as fault:
            raise fault.at(key_segment(key)) from fault.__cause__
    if len(trees) == 1 and next(iter(trees))[:1] == MARK:
        return {"~dict": [[key, tree] for key, tree in trees.items()]}
    return trees


def write_pairs(w: Writer, value: dict[Any, Any]) -> list[Any]:
    """A mapping as pairs, in its own order."""
    pairs: list[Any] = []
    for key, item in value.items():
        try:
            pairs.append([w.tree(key), w.tree(item)])
        except Fault as fault:
            raise fault.at(key_segment(key)) from fault.__cause__
    return pairs


def _write_raw(w: Writer, value: Raw) -> Any:
    return {value.tag: value.payload}


def _write_secret(w: Writer, value: Secret) -> Any:
    return {"~secret": value.name}


WRITERS: dict[type, Write] = {
    dict: _write_dict,
    list: lambda w, value: w.items(value),
    tuple: lambda w, value: {"~tuple": w.items(value)},
    set: lambda w, value: {"~set": w.members(value)},
    frozenset: lambda w, value: {"~frozenset": w.members(value)},
    Raw: _write_raw,
    Secret: _write_secret,
}
"""By exact class. Classes met later are added, so each is looked at once."""


def _find_writer(cls: type) -> Write:
    from agnt5.codec import kinds

    write = kinds.find_writer(cls)
    WRITERS[cls] = write
    return write
