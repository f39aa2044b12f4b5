"""What a component's code reaches: functions, components and names, and whether any of it changed since it was looked
at.

The walk goes through globals, closures, defaults and decorated components, as far as the user's own code goes: never
into installed packages or the standard library. It only looks; it must never call or change what it finds.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterator
from types import CellType, CodeType, FunctionType
from typing import Any, NamedTuple

from agnt5.execution.frames import distance

_LOADS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
_REBINDS = {"STORE_GLOBAL", "DELETE_GLOBAL"}
_CELL_REBINDS = {"STORE_DEREF", "DELETE_DEREF"}
ABSENT = object()


class Names(NamedTuple):
    """Names a code object (and those inside it) uses."""

    loads: tuple[str, ...]
    rebinds: frozenset[str]
    rebinds_cells: frozenset[str]


_names: dict[int, tuple[CodeType, Names]] = {}


def names_of(code: CodeType) -> Names:
    known = _names.get(id(code))
    if known is not None and known[0] is code:
        return known[1]
    loads: dict[str, None] = {}
    rebinds: set[str] = set()
    cells: set[str] = set()
    for part in _parts(code):
        for one in dis.get_instructions(part):
            if one.opname in _LOADS:
                loads[one.argval] = None
            elif one.opname in _REBINDS:
                rebinds.add(one.argval)
            elif one.opname in _CELL_REBINDS:
                cells.add(one.argval)
    if len(_names) > 10_000:  # a notebook that runs for weeks; the entries in use come back
        _names.clear()
    found = Names(tuple(loads), frozenset(rebinds), frozenset(cells))
    _names[id(code)] = (code, found)
    return found


def _parts(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)


def is_notebook(function: FunctionType) -> bool:
    """Whether a function lives in a namespace that cells or a prompt write into: one that no file stands behind."""
    namespace = function.__globals__
    if "get_ipython" in namespace and namespace.get("__name__") == "__main__":
        return True
    return "__file__" not in namespace and (
        namespace.get("__name__") == "__main__" or namespace.get("__spec__") is None
    )


def is_own(function: FunctionType) -> bool:
    """Whether a function is the user's code: of a notebook, or of a file outside Python and its installed packages."""
    return is_notebook(function) or distance(function.__code__.co_filename) == 0


def body_of(value: Any) -> FunctionType | None:
    """The function itself, or the one behind a decorated component (`.fn`)."""
    if isinstance(value, FunctionType):
        return value
    if isinstance(value, type):
        return None
    # Looked up in the instance only: `.fn` on an arbitrary object may compute, or answer anything (a mock).
    fn = getattr(value, "__dict__", {}).get("fn") if hasattr(type(value), "__mro__") else None
    return fn if isinstance(fn, FunctionType) else None


class Reach:
    """The functions reached from a root, in the order they are met, and what to look at again to know it still
    holds."""

    __slots__ = ("_cells", "_globals", "_shapes", "functions", "rebound")

    def __init__(self, root: FunctionType, follow: Callable[[FunctionType], bool]) -> None:
        self.functions: dict[int, FunctionType] = {}
        # Names of globals that reached code rebinds, by namespace: they are alive, not a version of the code.
        self.rebound: dict[int, set[str]] = {}
        self._globals: list[tuple[dict[str, Any], str, Any]] = []
        self._cells: list[tuple[CellType, Any]] = []
        self._shapes: list[tuple[Any, FunctionType, CodeType, Any, Any]] = []
        loads: dict[tuple[int, str], tuple[dict[str, Any], Any]] = {}
        pending: list[Any] = [root]
        while pending:
            holder = pending.pop(0)
            function = body_of(holder)
            if function is None or id(function) in self.functions or not (function is root or follow(function)):
                continue
            self.functions[id(function)] = function
            code = function.__code__
            self._shapes.append((holder, function, code, function.__defaults__, function.__kwdefaults__))
            names = names_of(code)
            namespace = function.__globals__
            self.rebound.setdefault(id(namespace), set()).update(names.rebinds)
            for name in names.loads:
                value = namespace.get(name, ABSENT)
                loads[id(namespace), name] = (namespace, value)
                pending.append(value)
            for cell in function.__closure__ or ():
                value = content_of(cell)
                self._cells.append((cell, value))
                pending.append(value)
            pending.extend(function.__defaults__ or ())
            pending.extend((function.__kwdefaults__ or {}).values())
            pending.append(function.__dict__.get("__wrapped__"))
        for (identity, name), (namespace, value) in loads.items():
            if name not in self.rebound[identity]:
                self._globals.append((namespace, name, value))

    def holds(self) -> bool:
        """Whether every name, cell and function looked at is still the same object. Some tens of ns for each."""
        absent = ABSENT
        for namespace, name, value in self._globals:
            if namespace.get(name, absent) is not value:
                return False
        for holder, function, code, defaults, kwdefaults in self._shapes:
            if (
                function.__code__ is not code
                or function.__defaults__ is not defaults
                or function.__kwdefaults__ is not kwdefaults
                or (holder is not function and holder.fn is not function)
            ):
                return False
        return all(content_of(cell) is value for cell, value in self._cells)

    def data(self) -> Iterator[tuple[dict[str, Any], str, Any]]:
        """(namespace, name, value) of each global loaded, rebound ones left out."""
        return iter(self._globals)


def content_of(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not bound yet
        return ABSENT
