"""Where a component lives, and the lines with which a test gets it from there.

It looks and changes nothing. What a test could not get again is refused with what to do about it.
"""

from __future__ import annotations

import inspect
import keyword
import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from agnt5 import notebook
from agnt5.component import Component, component_of
from agnt5.errors import ConfigurationError
from agnt5.secret import mask

_MAIN = "__main__"
# Directories whose modules every program finds; a project's own must be told.
_INSTALLED = tuple({os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib")})


class Home(NamedTuple):
    """`module`: to import `name` from, found below `root` unless it is installed. `file`: to load, when there is no
    such module. `copied`: the text of a file that has to be written first, from cells of an unknown notebook."""

    name: str
    module: str = ""
    root: str = ""
    file: str = ""
    copied: str = ""


def home_of(component: Component[..., Any], cells: Sequence[str]) -> Home:
    """Where a test finds it. `cells`: the sources of this session's cells, for components of a notebook whose file is
    not known. ConfigurationError when no import brings it back."""
    module = sys.modules.get(component.module)
    names = vars(module) if module is not None else {}
    order = [component.name, *names]  # its own name first, though others may hold it too
    name = next((name for name in order if _is(component, names.get(name))), None)
    if name is None:
        raise ConfigurationError(
            f"{component.name!r} is no name of {component.module!r}, so a test cannot import it: define it at the top "
            f"level of a module or in a cell, not inside of a function."
        )
    if component.module != _MAIN:
        return _of_module(name, component.module, str(getattr(module, "__file__", None) or ""))
    file = _file_of(component) or str(names.get("__file__") or "")
    if file and not file.endswith(".ipynb"):
        return _of_file(name, os.path.abspath(file))
    file = file or notebook.notebook_path() or ""
    if file:
        return _of_notebook(name, os.path.abspath(file))
    return Home(name, copied=_copied(component, name, cells))


def _is(component: Component[..., Any], value: Any) -> bool:
    try:
        return component_of(value) is component
    except Exception:  # anything may lie in a module, and answer in any way
        return False


def _of_module(name: str, module: str, file: str) -> Home:
    path = os.path.realpath(file) if file else ""
    if not path or path.startswith(_INSTALLED):
        return Home(name, module)
    parts = module.split(".")
    up = len(parts) if os.path.basename(path).startswith("__init__.") else len(parts) - 1
    root = Path(path).parent
    for _ in range(up):
        root = root.parent
    return Home(name, module, str(root))


def _of_file(name: str, file: str) -> Home:
    stem = Path(file).stem
    if stem.isidentifier() and not keyword.iskeyword(stem):
        return Home(name, stem, os.path.dirname(file))
    return Home(name, file=file)


def _of_notebook(name: str, file: str) -> Home:
    from agnt5.cli.definitions import defines, refuse_missing
    from agnt5.cli.notebook import cells_of

    cells = cells_of(Path(file))
    shown = os.path.basename(file)
    if not defines(cells, name):
        raise ConfigurationError(
            f"{shown}, as it was last saved, defines no {name!r} that a test could load: save the notebook and try "
            f"again. What the cell of a magic (%%agnt5 agent, %%time) makes is not loaded: define it in a plain cell."
        )
    refuse_missing(shown, cells)
    return Home(name, file=file)


def _copied(component: Component[..., Any], name: str, cells: Sequence[str]) -> str:
    from agnt5.cli.definitions import defines, needed, readable

    found = readable(cells)
    if not defines(found, name):
        raise ConfigurationError(
            f"Neither the cell that defines {component.name!r} is known nor the notebook's file: define it in a "
            f"module, or in a plain cell, without a magic."
        )
    text = needed(found, name, f"a test of {component.name!r}")
    if mask(text) != text:
        raise ConfigurationError(
            f"The cells of {component.name!r} hold a credential, which is not written to files. Take it from the "
            f"environment or a Secret."
        )
    return text


def _file_of(component: Component[..., Any]) -> str:
    """The file its body was written in, where that is one: not a cell, and not ours for those made of settings."""
    code = getattr(inspect.unwrap(component.fn), "__code__", None)
    file = str(getattr(code, "co_filename", ""))
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    fine = file.endswith(".py") and os.path.isfile(file) and not os.path.abspath(file).startswith(ours + os.sep)
    return file if fine and "ipykernel_" not in file else ""
