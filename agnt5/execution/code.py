"""Code versions: the copy of a component that a run keeps (`pin`), and the record of its source (`snapshot`).

A notebook redefines functions while runs are in flight. A pinned component calls the functions as they were when its
run started, over the globals they had; data is shared, not copied. Pinning must never copy a function that rebinds
globals: `global n; n += 1` has to reach the live `n`.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import json
import linecache
import sys
from collections.abc import Callable
from types import CellType, CodeType, FunctionType
from typing import Any, NamedTuple, TypeVar

from agnt5 import secret
from agnt5.component import Component, Parts
from agnt5.execution.classsource import methods, text_of_class
from agnt5.execution.constants import constants, holds_private
from agnt5.execution.reach import ABSENT, Reach, body_of, composite_of, content_of, is_notebook, is_own, names_of
from agnt5.execution.whose import is_notebook_class, is_own_class
from agnt5.modules import recorded_name

T = TypeVar("T")

# What a run is recorded on: other minor versions run other bytecode, and order some things otherwise.
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

SourceProvider = Callable[[FunctionType], str | None]


class CodeSnapshot(NamedTuple):
    """`digest` (16 bytes) changes when source or a constant reached by the component does; `source_json` is a JSON list
    of objects with `name`, `module`, `file`, `line`, `source` (null when there is none to be had) and `bytecode` (a
    digest, hex). Of a class, `class` is true, and its methods are told by its source; there is none where a name of
    it may hold a credential. Of an agent, a workflow or a tool
    `source` tells the settings, and `settings` is true. Credentials that stand in a text are hidden there, and `masked`
    is true; the digest is of the text as it is. Constants have `name`, `module` and `value`, the codec's JSON."""

    digest: bytes
    source_json: bytes


class PinnedGlobals(dict[str, Any]):
    """Globals of pinned functions: what was reached when they were pinned, and the live namespace for all else."""

    __slots__ = ("live",)
    live: dict[str, Any]

    def __missing__(self, name: str) -> Any:
        return self.live[name]


# Where a function or component keeps its latest version and snapshot. On the object itself: a table of weak keys would
# keep all of them, and the data they reach, alive for ever, for a version refers to what it was made from.
_PIN = "__agnt5_pin__"
_SNAPSHOT = "__agnt5_snapshot__"
_generation = 0
_provider: SourceProvider | None = None


def set_source_provider(provider: SourceProvider | None) -> None:
    """Ask `provider` for the source of a function first: a notebook knows the raw text of its cells."""
    global _provider, _generation
    _provider = provider
    _generation += 1


def pin(component: T) -> T:
    """A component or function as it is now, with all notebook functions it reaches. The same object while nothing that
    it reaches changed, and the argument itself when it does not live in a notebook. Settings of an agent can be
    assigned anywhere, so agents and workflows are copied wherever they live."""
    if composite_of(component) is None:
        function = body_of(component)
        if function is None or not is_notebook(function):
            return component
    known = component.__dict__.get(_PIN)
    # `functools.wraps` copies attributes, so the note may be another function's.
    if known is not None and known[0] is component and known[1].holds():
        return known[2]
    reach = Reach(component, _worth_following)
    pinned = _Pinner(reach).version_of(component)
    component.__dict__[_PIN] = (component, reach, pinned)
    return pinned


def _worth_following(function: FunctionType) -> bool:
    return is_notebook(function) or bool(function.__closure__ and is_wrapper(function))


def is_wrapper(function: FunctionType) -> bool:
    """Whether a decorator of a library made this around a notebook function: that one sits in its closure."""
    for cell in function.__closure__ or ():
        inner = body_of(content_of(cell))
        if inner is not None and is_notebook(inner):
            return True
    return False


class _Pinner:
    """Makes the copies of one version. Each function and component is copied once, so recursion meets its own copy."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._copies: dict[int, Any] = {}
        self._globals: dict[int, PinnedGlobals] = {}
        self._cells: dict[int, CellType] = {}
        # Cells that some reached code rebinds (`nonlocal n; n += 1`) stay shared, as rebound globals do.
        self._shared = {name for one in reach.functions.values() for name in names_of(one.__code__).rebinds_cells}
        self._filled: set[int] = set()

    def version_of(self, value: Any) -> Any:
        """The pinned copy of a reached function, component or composite; any other value itself."""
        composite = composite_of(value)
        if composite is not None:
            version = self._version_of_composite(composite)
            return version if value is composite else version.__agnt5_version_of__(value)
        function = body_of(value)
        if function is None or id(function) not in self._reach.functions:
            return value
        known = self._copies.get(id(value))
        if known is not None:
            return known
        if function is value:
            return self._copy(function)
        component = copy.copy(value)
        component.__dict__.pop(_PIN, None)
        self._copies[id(value)] = component
        pinned = self.version_of(function)
        component.fn = pinned
        if component.__dict__.get("__wrapped__") is function:
            component.__wrapped__ = pinned
        return component

    def _version_of_composite(self, composite: Any) -> Any:
        known = self._copies.get(id(composite))
        reached = self._reach.composites.get(id(composite))
        if known is not None or reached is None:
            return composite if known is None else known
        copied = self._copies[id(composite)] = composite.__agnt5_copy__()
        copied.__dict__.pop(_PIN, None)
        copied.__agnt5_take__(tuple(map(self.version_of, reached[1].code)))
        return copied

    def _copy(self, function: FunctionType) -> FunctionType:
        namespace = function.__globals__
        rebinds = bool(names_of(function.__code__).rebinds)
        pinned_globals = namespace if rebinds or not is_notebook(function) else self._globals_of(namespace)
        cells = tuple(
            self._cell(name, cell)
            for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        )
        pinned = FunctionType(function.__code__, pinned_globals, function.__name__, None, cells or None)
        self._copies[id(function)] = pinned
        pinned.__dict__.update(function.__dict__)
        pinned.__dict__.pop(_PIN, None)
        pinned.__dict__.pop(_SNAPSHOT, None)
        pinned.__qualname__ = function.__qualname__
        pinned.__module__ = function.__module__
        pinned.__doc__ = function.__doc__
        if hasattr(function, "__annotate__"):  # 3.14 computes them when they are asked for; asking here could fail
            pinned.__annotate__ = function.__annotate__  # pyright: ignore
        else:
            pinned.__annotations__ = function.__annotations__
        pinned.__defaults__ = function.__defaults__ and tuple(map(self.version_of, function.__defaults__))
        pinned.__kwdefaults__ = function.__kwdefaults__ and {
            name: self.version_of(value) for name, value in function.__kwdefaults__.items()
        }
        if "__wrapped__" in function.__dict__:
            pinned.__dict__["__wrapped__"] = self.version_of(function.__dict__["__wrapped__"])
        if pinned_globals is not namespace:
            self._fill(namespace)
        for cell, original in zip(cells, function.__closure__ or (), strict=True):
            if cell is not original and content_of(cell) is ABSENT:
                cell.cell_contents = self.version_of(content_of(original))
        return pinned

    def _globals_of(self, namespace: dict[str, Any]) -> PinnedGlobals:
        known = self._globals.get(id(namespace))
        if known is None:
            known = self._globals[id(namespace)] = PinnedGlobals()
            known.live = namespace
            # Read by C code, which knows no `__missing__`.
            for name in ("__builtins__", "__name__", "__package__", "__spec__"):
                if name in namespace:
                    known[name] = namespace[name]
        return known

    def _fill(self, namespace: dict[str, Any]) -> None:
        if id(namespace) in self._filled:
            return
        self._filled.add(id(namespace))
        pinned = self._globals[id(namespace)]
        for owner, name, value in self._reach.data():
            if owner is namespace and value is not ABSENT:
                pinned[name] = self.version_of(value)

    def _cell(self, name: str, cell: CellType) -> CellType:
        value = content_of(cell)
        function = body_of(value)
        if function is None or id(function) not in self._reach.functions or name in self._shared:
            return cell
        # Filled after the function exists: a function may be in its own closure.
        return self._cells.setdefault(id(cell), CellType())


def snapshot(component: Any) -> CodeSnapshot:
    """Source of the component and of what it reaches in its notebook, module or package, and the constants that this
    reads. Cached while that is the same."""
    composite = composite_of(component)
    root: Any = body_of(component) if composite is None else composite
    if root is None:
        return CodeSnapshot(b"", b"")
    known = vars(root).get(_SNAPSHOT)
    state = (_generation, secret.generation())
    if known is not None and known[0] is root and known[1] == state and known[2].holds():
        return known[3]
    package = _package(root if composite is None else composite.__agnt5_component__)
    reach = Reach(
        root,
        lambda one: is_own(one) and (is_notebook(one) or _package(one) == package),
        classes=lambda one: is_own_class(one) and (is_notebook_class(one) or _package_of(one.__module__) == package),
    )
    digest = hashlib.blake2b(digest_size=16)
    settings = [_settings_record(*one) for one in reach.composites.values() if one[1].text]
    functions = _code_records(reach)
    records = functions + settings if composite is None else settings + functions  # what runs comes first
    values = constants(reach)
    for one in (*records, *values):
        what = one["value"] if "value" in one else one["bytecode"] if one["source"] is None else one["source"]
        digest.update(f"{one['module']}:{one['name']}\0{what}\0".encode("utf-8", "replace"))
    written = json.dumps([*map(_masked, records), *values], separators=(",", ":"))
    made = CodeSnapshot(digest.digest(), written.encode())
    vars(root)[_SNAPSHOT] = (root, state, reach, made)
    return made


def _masked(record: dict[str, Any]) -> dict[str, Any]:
    """A key in the text of a function is for the function, not for the journal."""
    source = record["source"]
    shown = None if source is None else secret.mask(source)
    return record if shown == source else {**record, "source": shown, "masked": True}


def _code_records(reach: Reach) -> list[dict[str, Any]]:
    """Functions and classes in the order in which they were met, the component's own first. Other methods are in the
    text of their class."""
    told = {id(method) for cls, _ in reach.classes.values() for method in methods(cls)}
    met = [one for number, one in enumerate(reach.met) if number == 0 or id(one) not in told]
    return [_class_record(one) if isinstance(one, type) else _function_record(one) for one in met]


def _class_record(cls: type) -> dict[str, Any]:
    found = text_of_class(cls)
    hidden = found.text is not None and holds_private(found.text)
    digest = hashlib.blake2b(digest_size=16)
    for method in methods(cls):
        digest.update(f"{method.__qualname__}\0{bytecode_digest(method.__code__)}\0".encode())
    return {
        "name": cls.__qualname__,
        "module": recorded_name(cls.__module__),
        "file": found.file,
        "line": found.line,
        "source": None if hidden else found.text,
        "bytecode": digest.hexdigest(),
        "class": True,
    }


def _function_record(function: FunctionType) -> dict[str, Any]:
    return {
        "name": function.__qualname__,
        "module": recorded_name(function.__module__),
        "file": function.__code__.co_filename,
        "line": function.__code__.co_firstlineno,
        "source": source_of(function),
        "bytecode": bytecode_digest(function.__code__),
    }


def _settings_record(composite: Any, parts: Parts) -> dict[str, Any]:
    return {
        "name": parts.name,
        "module": composite.__agnt5_component__.module,
        "file": "",
        "line": 0,
        "source": parts.text,
        "bytecode": "",
        "settings": True,
    }


def _package(code: FunctionType | Component[..., Any]) -> str:
    module = code.module if isinstance(code, Component) else code.__globals__.get("__name__") or code.__module__
    return _package_of(str(module))


def _package_of(module: str) -> str:
    return module.partition(".")[0]


def source_of(function: FunctionType) -> str | None:
    """The text of a function: from the provider, from its file or cell, or None."""
    if _provider is not None:
        given = _provider(function)
        if given is not None:
            return given
    code = function.__code__
    try:
        return inspect.getsource(code)
    except (OSError, TypeError, SyntaxError, IndexError):
        lines = linecache.getlines(code.co_filename, function.__globals__)[code.co_firstlineno - 1 :]
    try:
        return "".join(inspect.getblock(lines)) or None
    except (IndentationError, SyntaxError):
        return None


def bytecode_digest(code: CodeType) -> str:
    """Hex digest of what a code object does: no file, no line numbers. The same source differs between Pythons."""
    digest = hashlib.blake2b(digest_size=16)
    _feed(digest, code)
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, CodeType):
        digest.update(value.co_code)
        digest.update(value.co_exceptiontable)
        for part in (value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars, value.co_consts):
            _feed(digest, part)
        digest.update(
            f"{value.co_flags},{value.co_argcount},{value.co_posonlyargcount},{value.co_kwonlyargcount}".encode()
        )
    elif isinstance(value, tuple):
        digest.update(b"(")
        for item in value:
            _feed(digest, item)
        digest.update(b")")
    elif isinstance(value, frozenset):
        _feed(digest, tuple(sorted(value, key=repr)))
    else:
        digest.update(f"{type(value).__name__}:{value!r};".encode("utf-8", "backslashreplace"))
