"""The attributes of an instance, wherever they are kept, read and put back without running any code of its class.

No `__init__`, property or descriptor of the class is called, so frozen and slotted classes work like any other.
"""

from __future__ import annotations

import functools
import types
from typing import Any

from agnt5.errors import SerializationError


def slots(cls: type) -> dict[str, Any]:
    """Slot descriptors of the class and its bases, by attribute name."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        for name, member in vars(base).items():
            if isinstance(member, types.MemberDescriptorType):
                found[name] = member
    return found


def read_state(value: object, descriptors: dict[str, Any]) -> dict[str, Any]:
    """What the instance holds. Cached properties are left out: they can be computed again."""
    cls = type(value)
    state: dict[str, Any] = {}
    for name, descriptor in descriptors.items():
        try:
            state[name] = descriptor.__get__(value, cls)
        except AttributeError:
            continue  # a slot that was never set stays so
    state.update(without_cached(cls, getattr(value, "__dict__", {})))
    return state


def without_cached(cls: type, attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes that no cached property of the class put there."""
    return {
        name: held
        for name, held in attributes.items()
        if not isinstance(_wrapped(_class_attribute(cls, name)), functools.cached_property)
    }


def write_state(value: object, state: dict[str, Any], descriptors: dict[str, Any]) -> None:
    """Puts the attributes back. SerializationError when the class has no room for one of them any more."""
    own: dict[str, Any] | None = getattr(value, "__dict__", None)
    for name, held in state.items():
        if name in descriptors:
            descriptors[name].__set__(value, held)
        elif own is not None:
            own[name] = held
        else:
            raise SerializationError(
                f"{type(value).__qualname__} has changed since: it has no attribute {name!r} any more. Give it back, "
                f"or teach the codec to read old values with agnt5.register_type(cls, decode=...)."
            )


def _wrapped(member: Any) -> Any:
    # A computed field of pydantic keeps the property it decorates.
    return getattr(member, "wrapped", member)


def _class_attribute(cls: type, name: str) -> Any:
    for base in cls.__mro__:
        if name in vars(base):
            return vars(base)[name]
    return None
