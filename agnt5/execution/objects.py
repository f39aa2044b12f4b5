"""A durable object while one of its methods runs: made from its state, asked, and turned into state again.

Each attempt gets a fresh object. A method that fails leaves no trace, because only a success is encoded.
"""

from __future__ import annotations

from typing import Any

from agnt5.codec import decode, encode
from agnt5.component import Component
from agnt5.errors import SerializationError
from agnt5.execution.targets import Target, of_component

# Attributes that `__init__` makes and a method deleted; without this they would come back.
_GONE = "__deleted__"


class ObjectBody:
    __slots__ = ("_born", "_component", "_state", "instance")

    def __init__(self, component: Component[..., Any], state: bytes | None) -> None:
        self._component = component
        self._state = state
        self.instance: Any = None
        self._born: frozenset[str] = frozenset()

    def target(self) -> Target:
        """The method bound to a fresh object."""
        owner = self._component.owner
        assert owner is not None, "a method has a class"
        instance = owner.cls()
        attributes = _attributes(instance)
        self._born = frozenset(attributes)
        if self._state is not None:
            kept = decode(self._state, namespace=getattr(self._component.fn, "__globals__", None), strict=True)
            for name in kept.pop(_GONE, ()):
                attributes.pop(name, None)
            attributes.update(kept)
        self.instance = instance
        target = of_component(self._component)
        target.fn = self._component.fn.__get__(instance)
        return target

    def state(self) -> bytes:
        """The attributes as bytes. SerializationError names the attribute that cannot be kept."""
        attributes = dict(_attributes(self.instance))
        gone = sorted(self._born - attributes.keys())
        if gone:
            attributes[_GONE] = gone
        return encode(attributes)


def _attributes(instance: Any) -> dict[str, Any]:
    try:
        return instance.__dict__
    except AttributeError:
        raise SerializationError(
            f"{type(instance).__qualname__} has __slots__ and no __dict__; the attributes of a durable object live in "
            f"its __dict__. Remove __slots__."
        ) from None
