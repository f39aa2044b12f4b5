"""How messages, replies and their parts are written in journals: by short names, without what is empty.

A reader must take what any later version wrote, or refuse it as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

from agnt5.codec import register_type
from agnt5.llm.types import Embedded, Image, Message, Reply, Text, ToolCall, ToolSpec, Usage


def _register(cls: type[Any]) -> None:
    names = {field.name: _default(field) for field in fields(cls)}

    def write(value: Any) -> dict[str, Any]:
        held = ((name, getattr(value, name), default) for name, default in names.items())
        return {name: one for name, one, default in held if not _same(one, default)}

    def read(form: Any) -> Any:
        return cls(**{name: one for name, one in form.items() if name in names})

    register_type(cls, write, read, name=f"agnt5:{cls.__name__}")


def _default(field: Any) -> Any:
    if field.default is not MISSING:
        return field.default
    make: Callable[[], Any] | Any = field.default_factory
    return MISSING if make is MISSING else make()


def _same(held: Any, default: Any) -> bool:
    # True == 1, and what is written must come back with its type.
    return type(held) is type(default) and held == default


def register() -> None:
    """Teach the codec these values; the package does it when it is imported."""
    for cls in (Text, Image, ToolCall, Message, ToolSpec, Usage, Reply, Embedded):
        _register(cls)
