"""Registers the classes that a function's annotations mention, so that values recorded by an earlier process are found.

It looks into generics, unions and the fields of the classes it meets. It never fails: an annotation that cannot be
evaluated (a name imported for type checkers only) is passed over.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable
from enum import Enum
from typing import Any

from agnt5.codec import registry


def register_annotations(fn: Callable[..., Any]) -> None:
    """Registers dataclasses, pydantic models, enums and named tuples in the annotations of a function."""
    fn = fn.func if isinstance(fn, functools.partial) else fn
    fn = inspect.unwrap(fn)
    annotations = getattr(fn, "__annotations__", None)
    if not annotations:
        return
    seen: set[int] = set()
    local = _closure(fn)
    scope = getattr(fn, "__globals__", {})
    for annotation in list(annotations.values()):
        _walk(annotation, scope, local, seen)


def register_classes(annotation: Any) -> None:
    """Registers the classes that one type mentions: a class, or a generic or union of them."""
    _walk(annotation, {}, {}, set())


def _walk(annotation: Any, scope: dict[str, Any], local: dict[str, Any], seen: set[int]) -> None:
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        annotation = _evaluated(annotation, scope, local)
    if annotation is None or id(annotation) in seen:
        return
    seen.add(id(annotation))
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        _class(annotation, local, seen)
    for part in _parts(annotation):
        _walk(part, scope, local, seen)


def _parts(annotation: Any) -> list[Any]:
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return [type(value) for value in typing.get_args(annotation)]
    parts = [origin, *typing.get_args(annotation)] if origin is not None else []
    for part in list(parts):
        if isinstance(part, list):  # parameters of Callable
            parts.extend(part)
    parts.append(getattr(annotation, "__supertype__", None))  # NewType
    parts.append(getattr(annotation, "__bound__", None))  # TypeVar
    parts.extend(getattr(annotation, "__constraints__", ()))
    if type(annotation).__name__ == "TypeAliasType":
        parts.append(annotation.__value__)
    return [part for part in parts if part is not None and part is not Any and not isinstance(part, list)]


def _class(cls: type, local: dict[str, Any], seen: set[int]) -> None:
    if cls.__module__ in ("builtins", "typing", "datetime", "collections.abc"):
        return
    if issubclass(cls, Enum):
        registry.note(cls)
        return
    model = _is_model(cls)
    recordable = dataclasses.is_dataclass(cls) or model or (issubclass(cls, tuple) and hasattr(cls, "_fields"))
    if recordable:
        registry.note(cls)
    elif not typing.is_typeddict(cls):
        return
    for base in cls.__mro__:
        scope = vars(sys.modules.get(base.__module__, typing))
        for annotation in list(vars(base).get("__annotations__", {}).values()):
            _walk(annotation, scope, {**local, cls.__name__: cls}, seen)
    if model:
        # pydantic has evaluated forward references itself, and knows the parameters of generic models.
        for field in getattr(cls, "model_fields", {}).values():
            _walk(field.annotation, {}, local, seen)


def _is_model(cls: type) -> bool:
    base = getattr(sys.modules.get("pydantic.main"), "BaseModel", None)
    return base is not None and issubclass(cls, base) and cls is not base


def _evaluated(text: str, scope: dict[str, Any], local: dict[str, Any]) -> Any:
    try:
        return eval(text, scope, local)
    except Exception:  # unknown names, or syntax of a later Python
        return None


def _closure(fn: Callable[..., Any]) -> dict[str, Any]:
    code = getattr(fn, "__code__", None)
    cells = getattr(fn, "__closure__", None)
    found: dict[str, Any] = {}
    if code is not None and cells:
        for name, cell in zip(code.co_freevars, cells, strict=True):
            try:
                found[name] = cell.cell_contents
            except ValueError:  # not bound yet
                continue
    return found
