"""What decoding gives in place of a class the program has not registered: readable, comparable, and
encoded again as it was.

It holds JSON and nothing else, and never looks a class up.
"""

from __future__ import annotations

from typing import Any

_WIDTH = 200


class Raw:
    """`tag` says what kind of value it was, `payload` is its JSON. `type_name` is `module:qualname`, or ""."""

    __slots__ = ("payload", "tag")

    def __init__(self, tag: str, payload: Any) -> None:
        self.tag = tag
        self.payload = payload

    @property
    def type_name(self) -> str:
        payload = self.payload
        if isinstance(payload, list) and payload and isinstance(payload[0], str):
            return payload[0]
        if isinstance(payload, dict) and isinstance(payload.get("type"), str):
            return payload["type"]
        return ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Raw) and (self.tag, self.payload) == (other.tag, other.payload)

    def __hash__(self) -> int:
        return hash((self.tag, repr(self.payload)))

    def __repr__(self) -> str:
        from agnt5.codec.preview import render

        return f"<raw {render({self.tag: self.payload}, _WIDTH)}>"
