"""The slow path of decoding: a JSON tree with tags back to the values it was made of.

It never imports what the data names and never looks a class up outside the registry and the given namespace: what it
may not build becomes a Raw view, or an error when `strict`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agnt5.codec.plain import MARK
from agnt5.codec.raw import Raw
from agnt5.codec.registry import Known, Namespace, resolve, resolve_own
from agnt5.errors import SerializationError
from agnt5.secret import Secret

Read = Callable[["Reader", Any], Any]


class Unknown(Exception):
    """The class is not registered here. Internal: becomes a Raw view or a SerializationError."""


class Reader:
    """One decoding under way."""

    __slots__ = ("classes", "namespace", "strict")

    def __init__(self, namespace: Namespace | None = None, strict: bool = False, classes: bool = True) -> None:
        self.namespace = namespace
        self.strict = strict
        # Whether classes may be looked up at all: not in what a stranger wrote.
        self.classes = classes

    def value(self, node: Any) -> Any:
        """The value of a tree; reuses its lists and dicts."""
        if type(node) is dict:
            if len(node) == 1:
                ((tag, payload),) = node.items()
                if tag[:1] == MARK:
                    read = READERS.get(tag) or _find_reader(tag)
                    if read is None:
                        return self.raw(tag, payload, f"the tag {tag!r} is not known to this version of AGNT5")
                    try:
                        return read(self, payload)
                    except Unknown as unknown:
                        return self.raw(tag, payload, str(unknown))
            for key, item in node.items():
                if type(item) is dict or type(item) is list:
                    node[key] = self.value(item)
        elif type(node) is list:
            for index, item in enumerate(node):
                if type(item) is dict or type(item) is list:
                    node[index] = self.value(item)
        return node

    def items(self, nodes: Any) -> list[Any]:
        """The values of a list, which the payload must be."""
        if type(nodes) is not list:
            raise ValueError(f"a list was expected, not {nodes!r:.80}")
        for index, item in enumerate(nodes):
            if type(item) is dict or type(item) is list:
                nodes[index] = self.value(item)
        return nodes

    def fields(self, nodes: Any) -> dict[str, Any]:
        """The values of attributes; their names are no tags."""
        if type(nodes) is not dict:
            raise ValueError(f"an object was expected, not {nodes!r:.80}")
        for name, item in nodes.items():
            if type(item) is dict or type(item) is list:
                nodes[name] = self.value(item)
        return nodes

    def known(self, name: Any) -> Known:
        """The registered class of this name; raises Unknown."""
        own = resolve_own(name) if type(name) is str else None
        if own is not None:
            return own
        if not self.classes:
            raise Unknown("this data is read without looking up classes")
        found = resolve(name, self.namespace) if type(name) is str else None
        if found is None:
            raise Unknown(
                f"the class {name!r:.200} is not registered in this process. Import or define what uses it "
                f"(annotations of components register their classes), or call agnt5.register_type"
            )
        return found

    def raw(self, tag: str, payload: Any, reason: str) -> Raw:
        if self.strict:
            raise SerializationError(f"A recorded value cannot be rebuilt: {reason}.")
        return Raw(tag, payload)


def read_pairs(r: Reader, payload: Any) -> dict[Any, Any]:
    """A mapping from pairs."""
    return {r.value(key): r.value(item) for key, item in payload}


def _read_int(r: Reader, payload: Any) -> int:
    return int(_text(payload), 16)


def _read_float(r: Reader, payload: Any) -> float:
    return {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}[payload]


def _read_str(r: Reader, payload: Any) -> str:
    return _text(payload).encode("ascii").decode("unicode_escape")


def _read_secret(r: Reader, payload: Any) -> Secret:
    return Secret(_text(payload))


def _text(payload: Any) -> str:
    if type(payload) is not str:
        raise ValueError(f"text was expected, not {payload!r:.80}")
    return payload


READERS: dict[str, Read] = {
    "~tuple": lambda r, payload: tuple(r.items(payload)),
    "~set": lambda r, payload: set(r.items(payload)),
    "~frozenset": lambda r, payload: frozenset(r.items(payload)),
    "~dict": read_pairs,
    "~int": _read_int,
    "~float": _read_float,
    "~str": _read_str,
    "~secret": _read_secret,
}
"""By tag. Those of rarer kinds are added when the first of them is met."""


def _find_reader(tag: str) -> Read | None:
    from agnt5.codec import kinds

    return kinds.find_reader(tag)
