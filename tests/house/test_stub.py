"""`agnt5/_core.pyi` is the face of the compiled core: every name it promises exists, and the binary has no others."""

from __future__ import annotations

import ast
from pathlib import Path

import agnt5
from agnt5 import _core

STUB = ast.parse((Path(agnt5.__file__).parent / "_core.pyi").read_text(encoding="utf-8"))


def bound(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    names: dict[str, ast.stmt] = {}
    for statement in body:
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                names[name] = statement
    return names


def public(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def test_module_has_the_names_of_the_stub() -> None:
    promised = {name for name in bound(STUB.body) if not name.startswith("_")}
    assert public(_core) == promised
    assert isinstance(_core.__version__, str)


def test_classes_have_the_members_of_the_stub() -> None:
    for name, statement in bound(STUB.body).items():
        if isinstance(statement, ast.ClassDef):
            promised = {member for member in bound(statement.body) if not member.startswith("_")}
            assert public(getattr(_core, name)) == promised, name


def test_constants_have_the_values_of_the_stub() -> None:
    for name, statement in bound(STUB.body).items():
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.value, ast.Constant):
            assert getattr(_core, name) == statement.value.value, name
