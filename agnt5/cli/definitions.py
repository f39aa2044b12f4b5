"""What cells define, told from what they do: statements, the names that they bind, and the names that they need.

It reads code and runs none of it. Executed as definitions are imports, functions, classes, and assignments that call
nothing but classes (a capitalised name: `Path("x")`, `ExponentialBackoff()`).
"""

from __future__ import annotations

import ast
import contextlib
import symtable
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..errors import ConfigurationError

MAGIC = ("%", "!", "?")


class Cell(NamedTuple):
    """One cell that was read. `name` is for errors and tracebacks."""

    source: str
    name: str
    tree: ast.Module


def read(sources: Sequence[str], what: str) -> list[Cell]:
    """Cells with their statements; those of a cell magic, and lines that are magics, count as empty."""
    names = [f"{what}[cell {number}]" for number in range(1, len(sources) + 1)]
    return [Cell(source, name, _parse(source, name)) for source, name in zip(sources, names, strict=True)]


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
        lines = ["" if line.lstrip().startswith(MAGIC) or line.endswith("?") else line for line in source.split("\n")]
    try:
        return _tree("\n".join(lines), name)
    except SyntaxError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.msg} (line {error.lineno})") from error


def _tree(source: str, name: str) -> ast.Module:
    # A top-level await is legal in a cell; such a statement is left out later, but it must parse.
    tree: Any = compile(source, name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return tree


def refuse_missing(what: str, cells: Sequence[Cell]) -> None:
    """ConfigurationError when a definition needs a name that only code which is left out would make: a flow must not
    fail for good because a global was missing."""
    defined: set[str] = set()
    needed: set[str] = set()
    made: dict[str, str] = {}
    for cell in cells:
        for statement in cell.tree.body:
            if is_definition(statement):
                defined |= _stored(statement)
                needed |= _globals_used(symtable.symtable(ast.unparse(statement), cell.name, "exec"))
            else:
                made |= dict.fromkeys(_stored(statement), cell.name)
    for missing in sorted(needed & made.keys() - defined):
        raise ConfigurationError(_missing(what, missing, made[missing]))


def readable(sources: Sequence[str]) -> list[Cell]:
    """Those cells of a session that can be read: one that was tried and failed is there too."""
    found: list[Cell] = []
    for number, source in enumerate(sources, 1):
        with contextlib.suppress(ConfigurationError):
            found += [cell._replace(name=f"cell {number}") for cell in read([source], "")]
    return found


def defines(cells: Sequence[Cell], name: str) -> bool:
    """Whether a definition binds this name."""
    return any(name in _stored(statement) for _, statement in _definitions(cells))


def needed(cells: Sequence[Cell], name: str, what: str) -> str:
    """A module's text that defines `name` and what it reaches, as the cells have it last, in their order.

    ConfigurationError when a name that it needs is made by code that is no definition.
    """
    last = {bound: (cell, one) for cell, one in _definitions(cells) for bound in _stored(one)}
    made = {
        bound: cell.name for cell in cells for one in cell.tree.body if not is_definition(one) for bound in _stored(one)
    }
    waiting, kept = [name], {id(one): (cell, one) for cell, one in _definitions(cells) if _for_all(one)}
    seen: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        if wanted in last:
            cell, one = last[wanted]
            kept[id(one)] = cell, one
            waiting += _globals_used(symtable.symtable(ast.unparse(one), cell.name, "exec"))
        elif wanted in made:
            raise ConfigurationError(_missing(what, wanted, made[wanted]))
    parts = [_text(cell, one) for cell, one in _definitions(cells) if id(one) in kept]
    imports = [part for part, is_import in parts if is_import]
    others = [part for part, is_import in parts if not is_import]
    return "\n\n\n".join(["\n".join(dict.fromkeys(imports)), *others] if imports else others) + "\n"


def _definitions(cells: Sequence[Cell]) -> Iterator[tuple[Cell, ast.stmt]]:
    return ((cell, one) for cell in cells for one in cell.tree.body if is_definition(one))


def _for_all(statement: ast.stmt) -> bool:
    """Whether it may bind any name, or changes how all others are read."""
    if not isinstance(statement, ast.ImportFrom):
        return False
    return statement.module == "__future__" or any(alias.name == "*" for alias in statement.names)


def _text(cell: Cell, statement: ast.stmt) -> tuple[str, bool]:
    """Its lines as they were written, decorators and all; and whether it is an import."""
    first = min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", ()))])
    lines = cell.source.splitlines()[first - 1 : statement.end_lineno]
    return "\n".join(lines), isinstance(statement, ast.Import | ast.ImportFrom)


def _missing(what: str, name: str, where: str) -> str:
    return (
        f"{what}: a definition uses {name!r}, which {where} makes by running code, and a notebook is not run here. "
        f"Make {name!r} in a function or a module, or go on in the notebook itself."
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
