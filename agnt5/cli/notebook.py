"""The definitions of a notebook, without running it: a cell that starts runs must not start them again here.

Executed are imports, functions, classes, and assignments that call nothing but classes (a capitalised name:
`Path("x")`, `ExponentialBackoff()`). When a definition needs a name that only the rest of the notebook makes, the
notebook is refused: a flow must not fail for good because a global was missing.
"""

from __future__ import annotations

import ast
import json
import linecache
import symtable
import sys
import types
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError

MODULE = "__main__"  # where a kernel defines what its cells define


def load_notebook(path: Path) -> None:
    """Execute the definitions of all code cells, in order, as the module `__main__`.

    Raises ConfigurationError when the file is not a notebook, a cell cannot be read, or a definition depends on code
    that was left out.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        sources = ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code"]
    except FileNotFoundError as error:
        raise ConfigurationError(f"--app {path}: there is no such file") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"--app {path}: this is not a notebook (nbformat 4)") from error
    names = [f"{path}[cell {number}]" for number in range(1, len(sources) + 1)]
    cells = [_parse(source, name) for source, name in zip(sources, names, strict=True)]
    _refuse_missing(path, cells, names)

    sys.path.insert(0, str(path.resolve().parent))
    module = types.ModuleType(MODULE)
    module.__dict__["__file__"] = str(path)
    sys.modules[MODULE] = module
    for tree, source, name in zip(cells, sources, names, strict=True):
        # inspect.getsource finds a cell's functions through linecache, as it does in a kernel.
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        kept = ast.Module([statement for statement in tree.body if is_definition(statement)], [])
        exec(compile(kept, name, "exec"), module.__dict__)


def is_definition(statement: ast.stmt) -> bool:
    """Whether a notebook's statement only defines something: see the module's docstring for the rule."""
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return True
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return all(_only_constructs(node) for node in ast.walk(value))
        case ast.If(body=body, orelse=orelse) | ast.Try(body=body, orelse=orelse):
            return all(is_definition(inner) for inner in [*body, *orelse])
        case _:
            return False


def _only_constructs(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name[:1].isupper()
        case ast.Call() | ast.Await() | ast.Yield() | ast.YieldFrom():
            return False
        case _:
            return True


def _parse(source: str, name: str) -> ast.Module:
    if source.lstrip().startswith("%%"):
        return ast.Module([], [])
    try:
        return _tree(source, name)
    except SyntaxError:
        # Most likely magics: blank those lines, so that the line numbers stay.
        lines = [
            "" if line.lstrip().startswith(("%", "!", "?")) or line.endswith("?") else line
            for line in source.split("\n")
        ]
    try:
        return _tree("\n".join(lines), name)
    except SyntaxError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.msg} (line {error.lineno})") from error


def _tree(source: str, name: str) -> ast.Module:
    # A top-level await is legal in a cell; such a statement is left out later, but it must parse.
    tree: Any = compile(source, name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return tree


def _refuse_missing(path: Path, cells: list[ast.Module], names: list[str]) -> None:
    defined: set[str] = set()
    needed: set[str] = set()
    made: dict[str, str] = {}
    for tree, name in zip(cells, names, strict=True):
        for statement in tree.body:
            if is_definition(statement):
                defined |= _stored(statement)
                needed |= _globals_used(symtable.symtable(ast.unparse(statement), name, "exec"))
            else:
                made |= dict.fromkeys(_stored(statement), name)
    for missing in sorted(needed & made.keys() - defined):
        raise ConfigurationError(
            f"--app {path}: a definition uses {missing!r}, which {made[missing]} makes by running code, and a "
            f"notebook is not run here. Resume in the notebook itself, or make {missing!r} in a function or a module."
        )


def _globals_used(scope: symtable.SymbolTable) -> set[str]:
    """Names that a piece of code, and every function in it, looks up in the module."""
    top = scope.get_type() == "module"
    used = {s.get_name() for s in scope.get_symbols() if s.is_referenced() and (top or s.is_global())}
    return used.union(*(_globals_used(inner) for inner in scope.get_children()))


def _stored(statement: ast.stmt) -> set[str]:
    """Names that a top-level statement binds."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {(alias.asname or alias.name).partition(".")[0] for alias in names}
        case _:
            return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
