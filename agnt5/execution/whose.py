"""Whose code something is: the user's, or an installed package's or Python's."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from agnt5.execution.frames import distance


def is_own_module(module: ModuleType) -> bool:
    """Whether a module is the user's: a file outside Python and its installed packages, or a notebook."""
    return _is_own(vars(module))


def is_own_class(cls: type) -> bool:
    """Whether the user wrote a class; one whose module is gone counts as well."""
    module = sys.modules.get(cls.__module__)
    return module is None or _is_own(vars(module))


def is_notebook_class(cls: type) -> bool:
    module = sys.modules.get(cls.__module__)
    return module is not None and is_notebook_namespace(vars(module))


def is_notebook_namespace(namespace: dict[str, Any]) -> bool:
    """Whether cells or a prompt write into a namespace: no file stands behind it."""
    if "get_ipython" in namespace and namespace.get("__name__") == "__main__":
        return True
    return "__file__" not in namespace and _is_typed(namespace)


def _is_own(namespace: dict[str, Any]) -> bool:
    file = namespace.get("__file__")
    if isinstance(file, str):
        return distance(file) == 0
    return _is_typed(namespace)


def _is_typed(namespace: dict[str, Any]) -> bool:
    # Built-in modules have no file but know where they come from; what is typed somewhere does not.
    return namespace.get("__name__") == "__main__" or namespace.get("__spec__") is None
