"""Stands for a durable object with a key: its methods can be called, its attributes cannot be touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agnt5.component import Component, ObjectType

Call = Callable[[Component[..., Any], str, tuple[Any, ...], dict[str, Any]], Any]


class ObjectProxy:
    """`await proxy.method(...)`, one call at a time per key. Made by `get_object`."""

    __slots__ = ("_call", "_key", "_type")

    def __init__(self, kind: ObjectType, key: str, call: Call) -> None:
        kind.target(key)  # refuses keys that cannot be addressed
        super().__setattr__("_type", kind)
        super().__setattr__("_key", key)
        super().__setattr__("_call", call)

    _call: Call
    _key: str
    _type: ObjectType

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        kind = self._type
        method = kind.method(name)
        call, target = self._call, kind.target(self._key)

        def bound(*args: Any, **kwargs: Any) -> Any:
            return call(method, target, args, kwargs)

        bound.__name__ = name
        return bound

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"{self._type.name} {self._key!r} lives in the store, so {name!r} cannot be set from here: write a method "
            f"that sets it and call that."
        )

    def __repr__(self) -> str:
        return f"<{self._type.name} {self._key!r}>"
