"""What lies inside of a value that code reads: functions in a table, attributes of an instance, names of a module.

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
from types import FunctionType, MethodType, ModuleType
from typing import Any, cast

from agnt5.execution import standard
from agnt5.execution.frames import distance
from agnt5.execution.members import LRU_CACHED, attributes
from agnt5.execution.whose import is_own_class, is_own_module

# Has nothing inside that is code; most of all data is of these.
PLAIN = frozenset({str, int, float, bool, bytes, bytearray, complex, type(None)})
_SEQUENCES = (list, tuple, deque)
_SETS = (set, frozenset)
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: unset, the class is C code's, whose state nobody can see


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


def imported(name: str, package: str) -> tuple[str, ModuleType | None]:
    """The whole name of what an import inside of a body means, relative ones with their dots, and the module when it
    is loaded."""
    with contextlib.suppress(ImportError):
        name = importlib.util.resolve_name(name, package)
    return name, sys.modules.get(name)


def would_load_own(name: str) -> bool:
    """Whether a name that is not loaded is a module of the user's, so that importing it would run their code. Imports
    nothing: below a package that is not loaded either, the package is told."""
    package, _, last = name.rpartition(".")
    if package and (package not in sys.modules or last in vars(sys.modules[package])):
        return False
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return False
    if spec is None:
        return False
    places = [*(spec.submodule_search_locations or ()), *([spec.origin] if spec.has_location and spec.origin else ())]
    return any(distance(place) == 0 for place in places)


def parts(value: Any) -> list[Any] | None:
    """What a value is made of: items, keys followed by their values, names of attributes followed by theirs, the
    function in a wrapper. None when it has no inside, or one that cannot be seen."""
    kind = type(value)
    if kind in PLAIN or isinstance(value, type | ModuleType | FunctionType):
        return None
    known = wrapped(value)
    if known is None:
        known = standard.parts(value)
    if known is not None:
        return known
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


def wrapped(value: Any) -> list[Any] | None:
    """What a wrapper of Python's is made around, first of all methods; None when it is none."""
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
    if isinstance(value, LRU_CACHED):
        return [vars(value).get("__wrapped__")]
    return None
