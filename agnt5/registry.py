"""The components this process knows, by name.

Defining a name again replaces it when it comes from the same module or a notebook cell, and is refused otherwise. The
registry never touches a runtime: it tells those who listen.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Container, Generator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from agnt5.errors import ConfigurationError

if TYPE_CHECKING:
    from agnt5.component import Component, ObjectType

_lock = threading.RLock()
_components: dict[str, Component[..., Any]] = {}
_objects: dict[str, ObjectType] = {}
_listeners: list[Callable[[str], None]] = []
_apart: ContextVar[bool] = ContextVar("agnt5_registry_apart", default=False)


def define(component: Component[..., Any]) -> None:
    """Register a component under its name; replaces an older definition from the same module or a notebook."""
    if _apart.get():
        return
    with _lock:
        _check(component.name, _components.get(component.name), component)
        _components[component.name] = component
        listeners = list(_listeners)
    for listener in listeners:
        listener(component.name)


def define_object(found: ObjectType) -> None:
    """Register an object class and each of its methods."""
    if _apart.get():
        return
    with _lock:
        _check(found.name, _objects.get(found.name), found)
        _objects[found.name] = found
        for method in found.methods.values():
            _components[method.name] = method
        listeners = list(_listeners)
    for method in found.methods.values():
        for listener in listeners:
            listener(method.name)


@contextlib.contextmanager
def apart() -> Generator[None, None, None]:
    """What this context defines meanwhile is not entered: recorded source must not be what others find under its name,
    not even for the moment in which it is compiled."""
    token = _apart.set(True)
    try:
        yield
    finally:
        _apart.reset(token)


def find(name: str) -> Component[..., Any] | None:
    return _components.get(name)


def find_object(name: str) -> ObjectType | None:
    return _objects.get(name)


def components() -> list[Component[..., Any]]:
    """All components of this process, methods of objects included, in order of their first definition."""
    with _lock:
        return list(_components.values())


def known_names() -> list[str]:
    """What a call by name can reach, for messages."""
    with _lock:
        plain = [name for name, found in _components.items() if found.owner is None]
        return sorted([*plain, *_objects])


def listen(listener: Callable[[str], None]) -> None:
    """Call `listener` with the name of each component defined from now on."""
    with _lock:
        _listeners.append(listener)


def unlisten(listener: Callable[[str], None]) -> None:
    with _lock:
        if listener in _listeners:
            _listeners.remove(listener)


def snapshot() -> tuple[dict[str, Component[..., Any]], dict[str, ObjectType]]:
    """What is defined now, for `restore`: a test's definitions end with the test."""
    with _lock:
        return dict(_components), dict(_objects)


def hide(modules: Container[str]) -> None:
    """Forget what these modules defined, until `restore`: to a test, other test modules are not there."""
    with _lock:
        for table in (_components, _objects):
            for name in [name for name, found in table.items() if found.module in modules]:
                del table[name]


def restore(kept: tuple[dict[str, Component[..., Any]], dict[str, ObjectType]]) -> None:
    with _lock:
        _components.clear()
        _objects.clear()
        _components.update(kept[0])
        _objects.update(kept[1])


def _check(name: str, old: Component[..., Any] | ObjectType | None, new: Component[..., Any] | ObjectType) -> None:
    if old is None or _same_home(old.module, new.module):
        return
    raise ConfigurationError(
        f"{name!r} is defined in {new.module!r} and already in {old.module!r}. Names of components are how runs find "
        f"their code again, so they must be unique: give one of them another name with `name=`."
    )


def _same_home(old: str, new: str) -> bool:
    # A cell runs in `__main__`; a module that was reloaded or executed again keeps its name.
    return old == new or new == "__main__" or old == "__main__"
