"""Who may import whom. Imports point down the layers, and few modules may touch the compiled core.

Module-level imports count. An import inside a function is allowed to point up (that is how a lower layer stays light),
but never to reach the core from where it must not be known.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]

# Bottom first. A unit is a module or package directly below `agnt5`.
LAYERS: list[set[str]] = [
    {"errors", "codec", "retry", "config", "types", "registry", "secret", "log", "listening", "notebook"}
    | {"modules", "component", "extras"},
    {"execution"},
    {"runtime", "worker", "client", "run", "runlist", "waiting", "asking"}
    | {"journal", "entry", "fold", "feed", "journalfile", "tables", "timetravel"}
    | {"approvals", "conversation"},
    {"context", "state", "synccontext", "proxy", "durable"},
    {"docstrings", "hints", "parameters", "tool", "mcp", "llm", "chat", "memory", "agent", "workflow", "task"},
    {"replay", "export", "engines", "testing", "telemetry", "cli"},
]
# Packages that users import from by name.
PUBLIC = {"agnt5", "agnt5.agent", "agnt5.durable", "agnt5.llm", "agnt5.memory", "agnt5.testing", "agnt5.workflow"}
KNOWS_CORE = {"execution", "runtime", "worker", "client", "cli"}


class Import(NamedTuple):
    unit: str
    target: str
    where: str
    lazy: bool


def unit_of(path: Path) -> str:
    first = path.relative_to(ROOT / "agnt5").parts[0]
    return first.removesuffix(".py")


def sources() -> list[Path]:
    return [path for path in sorted((ROOT / "agnt5").rglob("*.py")) if path != ROOT / "agnt5/__init__.py"]


def imports(path: Path) -> Iterator[Import]:
    """Imports of agnt5 units by a module; those for type checkers alone do not count."""
    package = ("agnt5", *path.relative_to(ROOT / "agnt5").parent.parts)

    def targets(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            stem = ".".join(part for part in (base, node.module or "") if part)
            yield from (f"{stem}.{alias.name}" for alias in node.names)

    def walk(node: ast.AST, lazy: bool) -> Iterator[Import]:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            return
        for target in targets(node):
            parts = target.split(".")
            if parts[0] == "agnt5" and len(parts) > 1:
                yield Import(unit_of(path), parts[1], f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", lazy)
        inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inside)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), lazy=False)


def layer(unit: str) -> int:
    return next(i for i, units in enumerate(LAYERS) if unit in units)


def test_every_module_has_a_layer() -> None:
    known = set().union(*LAYERS)
    assert {unit_of(path) for path in sources()} - known == set(), "name its layer in LAYERS"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    for found in imports(path):
        if found.target == "_core":
            assert found.unit in KNOWS_CORE, f"{found.where}: only {sorted(KNOWS_CORE)} may know the core"
        elif not found.lazy and found.target in set().union(*LAYERS):
            assert layer(found.target) <= layer(found.unit), f"{found.where}: {found.target} lies above"


def test_notebook_side_uses_public_names_only() -> None:
    import agnt5

    def public(module: str) -> set[str]:
        assert module in PUBLIC, f"{module} is not public"
        return set(import_module(module).__all__)

    for path in sorted((ROOT / "agnt5_jupyter").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                names = {alias.name for alias in node.names if alias.name.split(".")[0] == "agnt5"}
                assert names <= {"agnt5"}, f"{where}: import agnt5 itself"
            if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "agnt5":
                assert {alias.name for alias in node.names} <= public(node.module or ""), f"{where}: not a public name"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "agnt5":
                assert node.attr in agnt5.__all__, f"{where}: agnt5.{node.attr} is not a public name"
