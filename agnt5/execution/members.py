"""What decides what a class of the user's does: its methods and data, its bases, and what libraries that write classes
keep about its fields. And what an instance holds.

It looks without asking: no property, descriptor or `__repr__` of the user's runs, and nothing is changed.
"""

from __future__ import annotations

import contextlib
import functools
import re
import sys
from dataclasses import MISSING, Field
from enum import Enum
from types import FunctionType, MemberDescriptorType
from typing import Any, cast, get_args, get_origin

from agnt5.execution.whose import is_own_class
from agnt5.modules import recorded_name

LRU_CACHED: type = type(functools.lru_cache(len))
_CODE = (
    *(FunctionType, staticmethod, classmethod, property, functools.cached_property, functools.partialmethod),
    *(functools.singledispatchmethod, LRU_CACHED),
)
# Python's own notes in a class, under names that look like the user's.
_NOTES = frozenset({"_abc_impl"})
# Methods that `dataclass`, `attrs` and `namedtuple` write: the fields tell all that is in them.
_WRITTEN = frozenset(
    {
        *("__init__", "__new__", "__repr__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__"),
        *("__setattr__", "__delattr__", "__replace__", "__getstate__", "__setstate__", "__getnewargs__"),
    }
)
_WRITERS = ("<string>", "<attrs generated", "<namedtuple", "namedtuple_")
_FIELD_OPTIONS = ("init", "repr", "hash", "compare", "kw_only")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_WORD = re.compile(r"[^\W\d]\w*")
_DEEPEST = 20
_MOST_PARTS = 1000


def members(cls: type) -> list[tuple[str, Any]]:
    """Names and values that decide what a class does, in the order of their names; without those of its bases, which
    are among them."""
    own = vars(cls)
    found: list[tuple[str, Any]] = [("__bases__", base) for base in cls.__bases__]
    if type(cls) is not type:
        found.append(("__class__", type(cls)))
    found += [(f"{name}:", _told(annotation)) for name, annotation in _annotations(cls).items()]
    if issubclass(cls, Enum):
        values: dict[str, Any] = {name: member.value for name, member in cls.__members__.items()}
        values |= {name: one for name, one in own.items() if _is_code(one)}
        return sorted([*found, *values.items(), ("__members__", " ".join(cls.__members__))], key=_name_of)
    for name, value in own.items():
        if name in _NOTES or _is_generated(cls, name, value):
            continue
        if _is_code(value):
            found.append((name, value))
        elif isinstance(value, MemberDescriptorType):
            continue  # a slot: what it gives is the instance's
        elif _is_foreign_descriptor(value):
            found += [(name, one) for one in _functions_in(value)]
        elif not (name.startswith("__") and name.endswith("__")):
            found.append((name, value))
    return sorted([*found, *_dataclass(cls), *_pydantic(cls), *_attrs(cls)], key=_name_of)


def mentioned(cls: type) -> list[Any]:
    """What the annotations of a class name: the classes of its fields, perhaps, which libraries make out of data."""
    namespace = vars(sys.modules.get(cls.__module__) or sys)
    found: list[Any] = []
    for annotation in [*_annotations(cls).values(), *(field.annotation for field in _fields_of(cls).values())]:
        for one in _inside_of(annotation):
            text = one if isinstance(one, str) else getattr(one, "__forward_arg__", None)
            if isinstance(text, str):
                found += [namespace[name] for name in sorted(set(_WORD.findall(text))) if name in namespace]
            else:
                found.append(one)
    return found


def _inside_of(annotation: Any) -> list[Any]:
    """The parts of an annotation, however deep: `dict[str, list[Order]]` has four."""
    pending, found = [annotation], list[Any]()
    for one in pending:
        if len(pending) > _MOST_PARTS:
            break
        args = get_args(one)
        if args:
            pending += [*args, get_origin(one)]
        elif isinstance(one, list):
            pending += cast("list[Any]", one)
        else:
            found.append(one)
    return found


def _name_of(one: tuple[str, Any]) -> str:
    return one[0]


def _annotations(cls: type) -> dict[str, Any]:
    """From Python 3.14 on a class that was not compiled with strings has a function instead, which is a member."""
    found = vars(cls).get("__annotations__")
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _told(annotation: Any, depth: int = 0) -> str:
    """A text for an annotation that is the same in every process."""
    if isinstance(annotation, str):
        return annotation
    args = get_args(annotation) if depth < _DEEPEST else ()
    if args:
        return f"{_told(get_origin(annotation), depth + 1)}[{', '.join(_told(one, depth + 1) for one in args)}]"
    if isinstance(annotation, type):
        return f"{recorded_name(annotation.__module__)}.{annotation.__qualname__}"
    if type(annotation) in (int, bool, bytes, float, type(None)):
        return repr(annotation)
    for name in ("__forward_arg__", "__name__"):
        if isinstance(told := getattr(annotation, name, None), str):
            return told
    return type(annotation).__qualname__


def attributes(value: Any) -> dict[str, Any]:
    """What an instance holds, in `__dict__` and in slots."""
    found: dict[str, Any] = {}
    for cls in type(value).__mro__:
        for name, slot in vars(cls).items():
            if isinstance(slot, MemberDescriptorType):
                try:
                    found[name] = slot.__get__(value)
                except AttributeError:  # not set yet
                    continue
    with contextlib.suppress(AttributeError):  # it has slots only
        found.update(object.__getattribute__(value, "__dict__"))
    return found


def _is_code(value: Any) -> bool:
    return isinstance(value, _CODE)


def _is_foreign_descriptor(value: Any) -> bool:
    """Something of a library that answers when an attribute is read, such as its own kind of cached property."""
    return hasattr(type(value), "__get__") and not is_own_class(type(value))


def _functions_in(value: Any) -> list[FunctionType]:
    return [one for _, one in sorted(attributes(value).items()) if isinstance(one, FunctionType)]


def _is_generated(cls: type, name: str, value: Any) -> bool:
    if name not in _WRITTEN or not isinstance(value, FunctionType):
        return False
    made = "__dataclass_fields__" in vars(cls) or "__attrs_attrs__" in vars(cls) or issubclass(cls, tuple)
    inner = value.__dict__.get("__wrapped__", value)  # `dataclass` wraps its `__repr__` against recursion
    return made and inner.__code__.co_filename.startswith(_WRITERS)


def _dataclass(cls: type) -> list[tuple[str, Any]]:
    fields: dict[str, Field[Any]] | None = vars(cls).get("__dataclass_fields__")
    if fields is None:
        return []
    params = vars(cls).get("__dataclass_params__")
    told = [f"{name} {[getattr(field, one, None) for one in _FIELD_OPTIONS]!r}" for name, field in fields.items()]
    found: list[tuple[str, Any]] = [("__dataclass_fields__", f"{params!r} {'; '.join(told)}")]
    for name, field in fields.items():
        if callable(field.default_factory):
            found.append((f"{name}()", field.default_factory))
        if field.default is not MISSING and vars(cls).get(name) is not field.default:
            found.append((f"{name}=", field.default))  # of a class with slots, which has no room for it
        if field.metadata:
            found.append((f"{name}.metadata", field.metadata))
    return found


def _fields_of(cls: type) -> dict[str, Any]:
    fields = vars(cls).get("__pydantic_fields__")
    return cast("dict[str, Any]", fields) if isinstance(fields, dict) else {}


def _pydantic(cls: type) -> list[tuple[str, Any]]:
    """Its reprs tell defaults, limits, descriptions and which validator is for what; the functions are told as code."""
    found: list[tuple[str, Any]] = [
        (name, _stable(vars(cls)[name]))
        for name in ("__pydantic_fields__", "__private_attributes__")
        if name in vars(cls)
    ]
    for group, decorators in attributes(vars(cls).get("__pydantic_decorators__")).items():
        if isinstance(decorators, dict):
            held = cast("dict[str, Any]", decorators)
            found += [(f"{name} {group}", _stable(getattr(one, "info", None))) for name, one in held.items()]
    for name, field in [*_fields_of(cls).items(), *vars(cls).get("__private_attributes__", {}).items()]:
        if field.default_factory is not None:
            found.append((f"{name}()", field.default_factory))
        for rule in getattr(field, "metadata", ()):
            found += [(f"{name} rule", one) for one in _functions_in(rule)]
    return found


def without_addresses(text: str) -> str:
    """A repr without what is another one for every object."""
    return _ADDRESS.sub("", text)


def _stable(value: Any) -> str:
    return without_addresses(repr(value))


def _attrs(cls: type) -> list[tuple[str, Any]]:
    fields: tuple[Any, ...] | None = vars(cls).get("__attrs_attrs__")
    if fields is None:
        return []
    found: list[tuple[str, Any]] = [("__attrs_attrs__", _stable(fields))]
    for field in fields:
        for what in (field.default, field.validator, field.converter):
            held = [what] if isinstance(what, FunctionType) else [getattr(what, "factory", None), *_functions_in(what)]
            found += [(f"{field.name} rule", one) for one in held if isinstance(one, FunctionType)]
    return found
