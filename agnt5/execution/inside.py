"""What lies inside of a value that code reads: methods and data of a user's class, functions in a table, attributes of
an instance, names of a module.

It looks without asking: no `__getattr__`, property or `__iter__` of anyone runs, and nothing is changed.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from enum import Enum
from types import FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any, cast

from agnt5.execution import standard
from agnt5.execution.frames import distance

# Has nothing inside that is code; most of all data is of these.
PLAIN = frozenset({str, int, float, bool, bytes, bytearray, complex, type(None)})
_SEQUENCES = (list, tuple, deque)
_SETS = (set, frozenset)
_LRU_CACHED: type = type(functools.lru_cache(len))
# Python's own notes in a class, under names that look like the user's.
_NOTES = frozenset({"_abc_impl"})
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: unset, the class is C code's, whose state nobody can see


def is_own_module(module: ModuleType) -> bool:
    """Whether a module is the user's: a file outside Python and its installed packages, or a notebook."""
    return _is_own(vars(module))


def is_own_class(cls: type) -> bool:
    """Whether the user wrote a class; one whose module is gone counts as well."""
    module = sys.modules.get(cls.__module__)
    return module is None or _is_own(vars(module))


def _is_own(namespace: dict[str, Any]) -> bool:
    file = namespace.get("__file__")
    if isinstance(file, str):
        return distance(file) == 0
    # Built-in modules have no file but know where they come from; what is typed somewhere does not.
    return namespace.get("__name__") == "__main__" or namespace.get("__spec__") is None


def attributes_of(module: ModuleType, names: Iterable[str]) -> Iterator[tuple[dict[str, Any], str, Any]]:
    """(namespace, name, value) of what code that uses these names may read of a module of the user's, and of modules in
    it."""
    wanted = sorted(names)
    pending, seen = [module], {id(module)}
    while pending:
        namespace = vars(pending.pop())
        for name in wanted:
            if name not in namespace:
                continue
            value = namespace[name]
            yield namespace, name, value
            if isinstance(value, ModuleType) and id(value) not in seen and is_own_module(value):
                seen.add(id(value))
                pending.append(value)


def imported(name: str, package: str) -> ModuleType | None:
    """The module of the user's that an import inside of a body means, when it is loaded."""
    found = sys.modules.get(name)
    if found is None and package:
        try:
            found = sys.modules.get(importlib.util.resolve_name(f".{name}", package))
        except ImportError:
            return None
    return found if found is not None and is_own_module(found) else None


def members(cls: type) -> list[tuple[str, Any]]:
    """Names and values that decide what a class does, in the order of their names; without those of its bases."""
    if issubclass(cls, Enum):
        values: dict[str, Any] = {name: member.value for name, member in cls.__members__.items()}
        return sorted((values | {name: one for name, one in vars(cls).items() if _is_code(one)}).items())
    found = [
        (name, value)
        for name, value in vars(cls).items()
        if not _is_generated(cls, name, value)
        and name not in _NOTES
        and (_is_code(value) or not (name.startswith("__") and name.endswith("__")))
        and not _is_slot(value)
    ]
    for name, field in vars(cls).get("__dataclass_fields__", {}).items():
        if callable(field.default_factory):
            found.append((f"{name}()", field.default_factory))
    fields = vars(cls).get("__pydantic_fields__")
    if fields is not None:
        found.append(("__pydantic_fields__", repr(fields)))  # it tells defaults, limits and descriptions
    return sorted(found, key=lambda one: one[0])


def _is_code(value: Any) -> bool:
    kinds = FunctionType | staticmethod | classmethod | property | functools.cached_property
    return isinstance(value, kinds | functools.partialmethod | functools.singledispatchmethod)


def _is_slot(value: Any) -> bool:
    """A place in an instance, or the like of it from a library: what it gives is the instance's."""
    return not _is_code(value) and hasattr(type(value), "__get__") and not is_own_class(type(value))


def _is_generated(cls: type, name: str, value: Any) -> bool:
    """Methods that `dataclass` and the like write: the fields tell all that is in them."""
    if not (name.startswith("__") and isinstance(value, FunctionType)):
        return False
    made = "__dataclass_fields__" in vars(cls) or "__attrs_attrs__" in vars(cls) or issubclass(cls, tuple)
    return made and value.__code__.co_filename.startswith("<")


def parts(value: Any) -> list[Any] | None:
    """What a value is made of: items, keys followed by their values, names of attributes followed by theirs, the
    function in a wrapper. None when it has no inside, or one that cannot be seen."""
    kind = type(value)
    if kind in PLAIN or isinstance(value, type | ModuleType | FunctionType):
        return None
    wrapped = _wrapped(value)
    if wrapped is None:
        wrapped = standard.parts(value)
    if wrapped is not None:
        return wrapped
    # A dataclass of a package is told by its name and version and by what it holds, as a retry policy is.
    own = is_own_class(kind) or is_dataclass(kind)
    if not own and kind not in (*_SEQUENCES, *_SETS, dict, OrderedDict, defaultdict):
        return None
    found: list[Any] = []
    if own:
        if any(not cls.__flags__ & _HEAP_TYPE and cls not in _VISIBLE for cls in kind.__mro__):
            return None
        found += [one for pair in sorted(attributes(value).items()) for one in pair]
    if isinstance(value, dict):
        found += [one for pair in dict.items(cast("dict[Any, Any]", value)) for one in pair]
    for base in _SEQUENCES:
        if isinstance(value, base):
            found += base.__iter__(cast("Any", value))
    for base in _SETS:
        if isinstance(value, base):
            # Their order is another one in every process.
            found += sorted(base.__iter__(cast("Any", value)), key=_sorted_by)
    return found


def _sorted_by(member: Any) -> str:
    return f"{type(member)} {getattr(member, '__qualname__', '')}"


_VISIBLE = frozenset({object, list, tuple, dict, set, frozenset, deque, OrderedDict, defaultdict})


def _wrapped(value: Any) -> list[Any] | None:
    if isinstance(value, staticmethod | classmethod):
        return [value.__func__]
    if isinstance(value, MethodType):
        return [value.__self__, value.__func__]
    if isinstance(value, property):
        return [value.fget, value.fset, value.fdel]
    if isinstance(value, functools.partial | functools.partialmethod):
        return [value.func, list(value.args), dict(value.keywords)]
    if isinstance(value, functools.cached_property):
        return [value.func]
    if isinstance(value, functools.singledispatchmethod):
        return [value.func, dict(value.dispatcher.registry)]
    if isinstance(value, _LRU_CACHED):
        return [vars(value).get("__wrapped__")]
    return None


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
