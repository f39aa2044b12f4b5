"""The pytest plugin: runs unmarked async tests, gives each test a store of its own, and offers `assert_replays`.

It comes in by its entry point. It must leave tests alone that another plugin runs, and open no store that a test does
not ask for.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

_OTHERS = ("asyncio", "anyio", "trio")
_SAFE = {ord(c): "_" for c in "/\\:[]<>|*?\" '"}
_numbers = count()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test that no other plugin has claimed, on a fresh event loop."""
    function = pyfuncitem.obj
    if not inspect.iscoroutinefunction(function) or any(pyfuncitem.get_closest_marker(name) for name in _OTHERS):
        return None
    if type(pyfuncitem) is not pytest.Function:
        return None  # another plugin made an item of its own for it
    accepted = inspect.signature(function).parameters
    arguments = {name: value for name, value in pyfuncitem.funcargs.items() if name in accepted}
    with asyncio.Runner() as runner:
        runner.run(function(**arguments))
    return True


_modules = pytest.StashKey[frozenset[str]]()


def _test_modules(session: pytest.Session) -> frozenset[str]:
    """Names of the modules that hold tests: what one of them defines is no other's concern."""
    known = session.stash.get(_modules, None)
    if known is None:
        known = session.stash[_modules] = frozenset(map(_module_of, session.items))
    return known


def _module_of(tested: Any) -> str:
    """Name of the module that a test, or its request, belongs to; "" for none."""
    return getattr(getattr(tested, "module", None), "__name__", "")


@pytest.fixture(autouse=True)
def agnt5_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A fresh store for this test, made when something asks for it; what the test defines ends with it."""
    # Named here and made by the runtime: most tests need none.
    name = f"{request.node.name[:40]}-{next(_numbers)}".translate(_SAFE)
    monkeypatch.setenv("AGNT5_HOME", str(tmp_path_factory.getbasetemp() / "agnt5" / name))
    monkeypatch.delenv("AGNT5_RUNTIME_ENDPOINT", raising=False)
    # `load_app` of a notebook makes another `__main__`, and finds modules beside it; both end with the test.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(sys, "path", [*sys.path])
    registry = sys.modules.get("agnt5.registry")
    defined: Any = registry.snapshot() if registry is not None else ({}, {})
    if registry is not None:
        registry.hide(_test_modules(request.session) - {_module_of(request)})
    yield
    runtime = sys.modules.get("agnt5.runtime")
    if runtime is not None:
        runtime.close_runtime()
    registry = sys.modules.get("agnt5.registry")
    if registry is not None:
        registry.restore(defined)


@pytest.fixture
def assert_replays() -> Callable[..., None]:
    """`assert_replays(run)`: the code as it is now still asks what the run's journal holds."""
    from agnt5.testing.replays import assert_replays as check

    return check
