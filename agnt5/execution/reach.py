"""What a component's code reaches: functions, components and names, and whether any of it changed since it was looked
at.

The walk goes through globals, closures, defaults and decorated components, and on demand through classes, tables and
modules; as far as the user's own code goes: never into installed packages or the standard library. It only looks; it
must never call or change what it finds.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from operator import is_
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from agnt5.codec.plain import is_plain
from agnt5.component import Component, Composite, Parts
from agnt5.execution import inside
from agnt5.execution.frames import distance
from agnt5.execution.members import members, mentioned
from agnt5.execution.whose import is_notebook_namespace, is_own_class, is_own_module

_LOADS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
_REBINDS = {"STORE_GLOBAL", "DELETE_GLOBAL"}
_SETS_ATTRIBUTE = {"STORE_ATTR", "DELETE_ATTR"}
_CELL_REBINDS = {"STORE_DEREF", "DELETE_DEREF"}
_NAME = re.compile(r"[^\W\d]\w*")
ABSENT = object()
# Tables, instances and wrappers looked into from one root; plain data is not counted.
MOST = 100_000


class Names(NamedTuple):
    """Names a code object (and those inside it) uses. `attributes`: what it may read of a module or function;
    `assigned`: attributes that it sets; `imports`: modules that it imports itself, relative ones with their dots."""

    loads: tuple[str, ...]
    attributes: frozenset[str]
    assigned: frozenset[str]
    imports: tuple[str, ...]
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
    attributes: set[str] = set()
    assigned: set[str] = set()
    imports: dict[str, None] = {}
    for part in _parts(code):
        attributes.update(part.co_names)
        before: list[Any] = [None, None]  # of an import: how many dots, and the names after `import`
        for one in dis.get_instructions(part):
            if one.opname in _LOADS:
                loads[one.argval] = None
            elif one.opname in _REBINDS:
                rebinds.add(one.argval)
            elif one.opname in _CELL_REBINDS:
                cells.add(one.argval)
            elif one.opname in _SETS_ATTRIBUTE:
                assigned.add(one.argval)
            elif one.opname == "IMPORT_NAME":
                module = "." * (before[0] or 0) + one.argval
                imports[module] = None
                # What is imported from a package may be a module of it.
                dot = "" if module.endswith(".") else "."
                imports.update(dict.fromkeys(f"{module}{dot}{name}" for name in before[1] or () if name != "*"))
            before = [before[1], one.argval]
    if len(_names) > 10_000:  # a notebook that runs for weeks; the entries in use come back
        _names.clear()
    found = Names(
        *(tuple(loads), frozenset(attributes), frozenset(assigned), tuple(imports)),
        *(frozenset(rebinds), frozenset(cells)),
    )
    _names[id(code)] = (code, found)
    return found


def _parts(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)


def is_notebook(function: FunctionType) -> bool:
    """Whether a function lives in a namespace that cells or a prompt write into: one that no file stands behind."""
    return is_notebook_namespace(function.__globals__)


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


def composite_of(value: Any) -> Composite | None:
    """The agent, workflow or tool that a value is, or whose component it is."""
    if isinstance(value, Composite):
        return value
    return value.whole if isinstance(value, Component) else None


class Reach:
    """The functions and composites reached from a root, in the order they are met, and what to look at again to know
    it still holds.

    `classes`: which classes to follow, with their bases and methods; also those of instances that are met by name.
    With `deep`, the user's classes with their data too, what lies in tables, wrappers and instances, and what is read
    of the user's modules.
    """

    __slots__ = (
        "_attributes",
        "_cells",
        "_deep",
        "_follow",
        "_follow_class",
        "_globals",
        "_imports",
        "_loads",
        "_pending",
        "_root",
        "_seen",
        "_shapes",
        "classes",
        "composites",
        "functions",
        "met",
        "rebound",
        "too_much",
        "unloaded",
        "wrappers",
    )

    def __init__(
        self,
        root: Any,
        follow: Callable[[FunctionType], bool],
        *,
        classes: Callable[[type], bool] | None = None,
        deep: bool = False,
    ) -> None:
        self.functions: dict[int, FunctionType] = {}
        self.composites: dict[int, tuple[Composite, Parts]] = {}
        # The functions, and the classes of `classes`, as they come.
        self.met: list[FunctionType | type] = []
        # The user's classes met, with the names and values that they had then.
        self.classes: dict[int, tuple[type, dict[str, Any]]] = {}
        # Functions of libraries that hold something, as decorators make them around the user's: met, not followed.
        self.wrappers: dict[int, FunctionType] = {}
        # Modules of the user's that reached code imports when it runs, and nobody has imported yet.
        self.unloaded: list[str] = []
        # Names of globals that reached code rebinds, by namespace: they are alive, not a version of the code.
        self.rebound: dict[int, set[str]] = {}
        self._globals: list[tuple[dict[str, Any], str, Any]] = []
        self._cells: list[tuple[CellType, Any]] = []
        self._shapes: list[tuple[Any, FunctionType, CodeType, Any, Any]] = []
        self._attributes: dict[tuple[int, str], tuple[FunctionType, str, Any]] = {}
        self._imports: list[tuple[str, ModuleType | None]] = []
        self._loads: dict[tuple[int, str], tuple[dict[str, Any], Any]] = {}
        # Whether there was more in tables and instances than is looked into.
        self.too_much = False
        self._root = _innermost(root)
        self._follow = follow
        self._follow_class = classes
        self._deep = deep
        # Looked into, and kept so that their ids stay theirs.
        self._seen: dict[int, Any] = {}
        self._pending: list[Any] = [root]
        while self._pending:
            self._walk()
            self._pending = self._read_of_functions() if deep else []
        for (identity, name), (namespace, value) in self._loads.items():
            if name not in self.rebound.get(identity, ()):
                self._globals.append((namespace, name, value))
        del self._pending, self._seen, self._loads, self._follow, self._follow_class

    def _walk(self) -> None:
        for holder in self._pending:  # it grows meanwhile
            composite = composite_of(holder)
            function = body_of(holder)
            if composite is not None:
                self._composite(composite)
            elif function is not None:
                self._function(holder, function)
            elif type(holder) in inside.PLAIN:
                continue
            elif self._deep:
                self._look_into(holder)
            elif self._follow_class is not None:
                self._class(holder if isinstance(holder, type) else type(holder))

    def _composite(self, composite: Composite) -> None:
        if id(composite) not in self.composites:
            parts = composite.__agnt5_parts__()
            self.composites[id(composite)] = (composite, parts)
            self._pending.extend(parts.code)

    def _function(self, holder: Any, function: FunctionType) -> None:
        if id(function) in self.functions:
            return
        if function is not self._root and not self._follow(function):
            self._look_through(function)
            return
        self.functions[id(function)] = function
        self.met.append(function)
        code = function.__code__
        self._shapes.append((holder, function, code, function.__defaults__, function.__kwdefaults__))
        names = names_of(code)
        namespace = function.__globals__
        self.rebound.setdefault(id(namespace), set()).update(names.rebinds)
        for name in names.loads:
            self._read(namespace, name, namespace.get(name, ABSENT), names)
        if self._deep:
            self._pending.extend(_annotated(function))
            for name in names.imports:
                self._import(*inside.imported(name, namespace.get("__package__") or ""), names)
        for cell in function.__closure__ or ():
            value = content_of(cell)
            self._cells.append((cell, value))
            self._meet(value, names)
        self._pending.extend(function.__defaults__ or ())
        self._pending.extend((function.__kwdefaults__ or {}).values())
        self._pending.append(function.__dict__.get("__wrapped__"))

    def _class(self, cls: type) -> None:
        assert self._follow_class is not None
        if id(cls) in self.classes or not self._follow_class(cls):
            return
        self.classes[id(cls)] = (cls, dict(vars(cls)))
        self.met.append(cls)
        for _, value in members(cls):
            self._pending += [value, *(inside.wrapped(value) or ())]

    def _look_through(self, function: FunctionType) -> None:
        """What a library's function was made around: `contextmanager`, `retry` and their like hide the user's code."""
        wrapped = function.__dict__.get("__wrapped__")
        if id(function) in self.wrappers or (not function.__closure__ and wrapped is None):
            return
        self.wrappers[id(function)] = function
        for cell in function.__closure__ or ():
            value = content_of(cell)
            self._cells.append((cell, value))
            self._pending.append(value)
        self._pending.append(wrapped)

    def _import(self, name: str, module: ModuleType | None, names: Names) -> None:
        self._imports.append((name, module))
        if module is None:
            if inside.would_load_own(name):
                self.unloaded.append(name)
        elif is_own_module(module):
            self._read_of(module, names)

    def _read_of_functions(self) -> list[Any]:
        """Values of the attributes of the user's functions that reached code reads: settings, as `ask.prompt` is. What
        it assigns is alive, as a rebound global is."""
        used = [names_of(one.__code__) for one in self.functions.values()]
        read = frozenset().union(*(one.attributes for one in used)).difference(*(one.assigned for one in used))
        found: list[Any] = []
        for identity, function in self.functions.items():
            for name, value in function.__dict__.items():
                if name in read and not name.startswith("__") and (identity, name) not in self._attributes:
                    self._attributes[identity, name] = (function, name, value)
                    found.append(value)
        return found

    def _read(self, namespace: dict[str, Any], name: str, value: Any, names: Names) -> None:
        self._loads[id(namespace), name] = (namespace, value)
        self._meet(value, names)

    def _meet(self, value: Any, names: Names) -> None:
        self._pending.append(value)
        if self._deep and isinstance(value, ModuleType) and is_own_module(value):
            self._read_of(value, names)

    def _read_of(self, module: ModuleType, names: Names) -> None:
        for namespace, name, value in inside.attributes_of(module, names.attributes):
            self._loads[id(namespace), name] = (namespace, value)
            self._pending.append(value)

    def _look_into(self, value: Any) -> None:
        if id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if isinstance(value, type):
            if is_own_class(value):
                self.classes[id(value)] = (value, dict(vars(value)))
                self._pending.extend(one for _, one in members(value))
                self._pending.extend(mentioned(value))
            return
        if len(self._seen) > MOST:
            self.too_much = True
            return
        if type(value) in (list, dict) and is_plain(value):
            return  # however much it is, there is no code in it
        found = inside.parts(value)
        if found is not None:
            self._pending.append(type(value))
            self._pending.extend(found)

    def holds(self) -> bool:
        """Whether every name, cell, function and class looked at is still the same. Some tens of ns for each."""
        absent = ABSENT
        for namespace, name, value in self._globals:
            if namespace.get(name, absent) is not value:
                return False
        for function, name, value in self._attributes.values():
            if function.__dict__.get(name, absent) is not value:
                return False
        for name, module in self._imports:
            if sys.modules.get(name) is not module:
                return False
        for holder, function, code, defaults, kwdefaults in self._shapes:
            if (
                function.__code__ is not code
                or function.__defaults__ is not defaults
                or function.__kwdefaults__ is not kwdefaults
                or (holder is not function and holder.fn is not function)
            ):
                return False
        for cls, before in self.classes.values():
            now = map(vars(cls).get, before, repeat(absent))
            if len(vars(cls)) != len(before) or not all(map(is_, now, before.values())):
                return False
        for composite, parts in self.composites.values():
            now_parts = composite.__agnt5_parts__()
            if now_parts.text != parts.text or len(now_parts.code) != len(parts.code):
                return False
            if any(one is not other for one, other in zip(now_parts.code, parts.code, strict=True)):
                return False
        return all(content_of(cell) is value for cell, value in self._cells)

    def attributes(self) -> Iterator[tuple[str, Any]]:
        """(name, value) of each attribute of a function that reached code reads."""
        return ((f"{function.__qualname__}.{name}", value) for function, name, value in self._attributes.values())

    def data(self) -> Iterator[tuple[dict[str, Any], str, Any]]:
        """(namespace, name, value) of each global loaded, rebound ones left out."""
        return iter(self._globals)


def names_reached(code: Any) -> set[str]:
    """Names of functions, classes, settings and globals that a function or class uses, as records have them."""
    reach = Reach(code, is_own, deep=True)
    names = {one.__qualname__ for one in reach.functions.values()}
    names |= {cls.__qualname__ for cls, _ in reach.classes.values()}
    names |= {parts.name for _, parts in reach.composites.values()}
    return names | {name for _, name, _ in reach.data()}


def _annotated(function: FunctionType) -> list[Any]:
    """What its annotations name: classes, perhaps, whose methods the body calls."""
    annotate = getattr(function, "__annotate__", None)  # 3.14 makes annotations when they are asked for
    if annotate is not None:
        return _named(function.__globals__, annotate.__code__.co_names)
    found: list[Any] = []
    for one in function.__annotations__.values():
        if isinstance(one, str):
            found += _named(function.__globals__, sorted(set(_NAME.findall(one))))
        else:
            found += [one, *getattr(one, "__args__", ())]
    return found


def _named(namespace: dict[str, Any], names: Iterable[str]) -> list[Any]:
    found: list[Any] = []
    for name in names:
        with contextlib.suppress(KeyError):
            found.append(namespace[name])  # not `get`: a pinned namespace looks further
    return found


def _innermost(root: Any) -> FunctionType | None:
    """The function that a callable comes down to: it is followed wherever it comes from."""
    while isinstance(root, functools.partial | MethodType):
        root = root.func if isinstance(root, functools.partial) else root.__func__
    return body_of(root)


def content_of(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not bound yet
        return ABSENT
