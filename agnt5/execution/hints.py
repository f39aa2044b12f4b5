"""Which ways out of determinism a function's code uses, for the message of a divergence.

It reads bytecode and resolves names; it never runs anything, and a hint is only ever "may": code can be clean in ways
that bytecode does not show.
"""

from __future__ import annotations

import builtins
import dis
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

_NOW = "`ctx.now()`, the recorded time"
_RANDOM = "`ctx.random`, seeded by the run"
_UUID = "`ctx.uuid()`"
_INPUT = "an argument of the flow, or a function: `await ctx.call(function)`"
_SORTED = "`sorted(...)`: a set has another order in every process"

# Dotted names as they are defined, and what to use instead. A name ending in "." stands for all below it.
_INSTEAD: dict[str, str] = {
    "time.time": _NOW,
    "time.time_ns": _NOW,
    "time.monotonic": _NOW,
    "time.monotonic_ns": _NOW,
    "time.perf_counter": _NOW,
    "time.perf_counter_ns": _NOW,
    "time.process_time": _NOW,
    "time.localtime": _NOW,
    "time.gmtime": _NOW,
    "time.sleep": "`await ctx.sleep(...)`",
    "datetime.datetime.now": _NOW,
    "datetime.datetime.utcnow": _NOW,
    "datetime.datetime.today": _NOW,
    "datetime.date.today": _NOW,
    "random.": _RANDOM,
    "numpy.random.": _RANDOM,
    "secrets.": _RANDOM,
    "os.urandom": _RANDOM,
    "uuid.uuid1": _UUID,
    "uuid.uuid4": _UUID,
    "os.environ": _INPUT,
    "os.getenv": _INPUT,
    "os.getpid": _INPUT,
    "os.listdir": _INPUT,
    "os.scandir": _INPUT,
    "glob.glob": _INPUT,
    "builtins.id": "a value of your own: an address differs in every process",
    "builtins.hash": "`hashlib`: the hash of a text differs in every process",
    "builtins.input": "`await ctx.wait_for_event(...)`",
}
_SET_MAKERS = {"builtins.set", "builtins.frozenset"}
_ITERATES = {"GET_ITER", "LIST_EXTEND", "UNPACK_SEQUENCE", "CALL_FUNCTION_EX"}
_LOADS_NAME = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_GLOBALS"}
_LOADS_FAST = {"LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW", "LOAD_FAST_AND_CLEAR", "LOAD_DEREF"}
_STORES = {"STORE_FAST", "STORE_NAME", "STORE_DEREF", "STORE_GLOBAL"}
_SILENT = {"RESUME", "CACHE", "NOP", "PRECALL", "PUSH_NULL", "EXTENDED_ARG", "COPY_FREE_VARS", "MAKE_CELL"}


class Impurity(NamedTuple):
    """`what` at `line` of `function` may differ in a replay; use `instead`."""

    what: str
    function: str
    line: int
    instead: str


def hint(fn: Any) -> str:
    """A sentence about the impurities of a function, component or code object; empty when none is seen."""
    found = impurities(fn)
    if not found:
        return ""
    told = [f"{one.what} (`{one.function}`, line {one.line}): use {one.instead}" for one in found[:5]]
    more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
    return f"What may differ between the run and its replay: {'; '.join(told)}{more}."


def impurities(fn: Any, names: Mapping[str, Any] | None = None) -> list[Impurity]:
    """All impurities seen in a function, in the functions defined inside it, and no further; each name once a function.

    `names` resolves globals for a bare code object.
    """
    function = _function_of(fn)
    if function is not None:
        scope: dict[str, Any] = {**function.__globals__}
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                scope[name] = cell.cell_contents
            except ValueError:  # not bound yet
                continue
        return list(dict.fromkeys(_scan(function.__code__, scope)))
    if isinstance(fn, CodeType):
        return list(dict.fromkeys(_scan(fn, dict(names or {}))))
    return []


def _function_of(fn: Any) -> FunctionType | None:
    for _ in range(20):
        if isinstance(fn, FunctionType):
            return fn
        fn = getattr(fn, "fn", None) or getattr(fn, "__func__", None) or getattr(fn, "func", None)
    return None


def _scan(code: CodeType, scope: dict[str, Any]) -> Iterator[Impurity]:
    aliases: dict[str, str] = {}  # local names of modules and what came from them
    sets: set[str] = set()  # local names that hold a set
    chain = ""  # dotted name on top of the stack, as far as it is one
    set_on_top = making_set = False
    line = code.co_firstlineno
    told: set[str] = set()

    def tell(what: str, instead: str) -> Iterator[Impurity]:
        if what not in told:
            told.add(what)
            yield Impurity(what, code.co_qualname, line, instead)

    for one in dis.get_instructions(code):
        if one.positions is not None and one.positions.lineno:
            line = one.positions.lineno
        op, name = one.opname, one.argval
        if op in _SILENT:
            continue
        if op in _LOADS_FAST and name in sets:
            chain, set_on_top = "", True
            continue
        if op in _LOADS_FAST and name in aliases:
            chain = aliases[name]
        elif op in _LOADS_NAME and isinstance(name, str):
            chain = _defined_as(name, scope)
            making_set = making_set or chain in _SET_MAKERS
        elif op in ("LOAD_ATTR", "LOAD_METHOD"):
            if set_on_top and name == "pop":
                yield from tell("taking any item of a set", _SORTED)
            chain = f"{chain}.{name}" if chain else ""
        elif op == "IMPORT_NAME":
            chain = name
        elif op == "IMPORT_FROM":
            aliases[""] = f"{chain}.{name}"
            continue
        elif op in _STORES:
            if aliases.get("") and chain:
                aliases[name] = aliases.pop("")
                continue
            if chain:
                aliases[name] = chain
            if set_on_top:
                sets.add(name)
            else:
                sets.discard(name)
            chain, set_on_top, making_set = "", False, False
            continue
        elif op in _ITERATES and set_on_top:
            yield from tell("iterating over a set", _SORTED)
            chain = ""
        else:
            chain = ""
        instead = _instead(chain)
        if instead:
            yield from tell(f"`{chain.removeprefix('builtins.')}`", instead)
        set_on_top = (
            op in ("BUILD_SET", "SET_ADD", "SET_UPDATE")
            or (op == "LOAD_CONST" and isinstance(name, frozenset))
            or (op in _LOADS_NAME and isinstance(scope.get(name), set | frozenset))
            or (op in ("CALL", "CALL_FUNCTION_EX") and making_set)
        )
        if op in ("LOAD_CONST",) and isinstance(name, CodeType):
            making_set = name.co_name == "<setcomp>"
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _scan(constant, scope)


def _instead(chain: str) -> str | None:
    if not chain:
        return None
    return _INSTEAD.get(chain) or _INSTEAD.get(chain.rpartition(".")[0] + ".")


def _defined_as(name: str, scope: Mapping[str, Any]) -> str:
    """The dotted name under which the global `name` was defined."""
    if name not in scope:
        return f"builtins.{name}" if hasattr(builtins, name) else name
    value = scope[name]
    if isinstance(value, ModuleType):
        return value.__name__
    if isinstance(value, (type, FunctionType)) or callable(value):
        owner = getattr(value, "__self__", None)
        if isinstance(owner, ModuleType):
            return f"{owner.__name__}.{getattr(value, '__name__', name)}"
        module = getattr(value, "__module__", None) or type(owner).__module__
        return f"{module}.{getattr(value, '__qualname__', name).rpartition('Random.')[2]}"
    return ""
