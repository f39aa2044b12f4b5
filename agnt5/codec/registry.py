"""The classes that decoding may build, by name. Nothing else turns a recorded name into a class.

It is filled by `register_type`, by the annotations of components, and by encoding an instance in this process. It never
imports a module.
"""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agnt5.errors import ConfigurationError
from agnt5.modules import find_module, recorded_name

Namespace = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """A class and its name in records. The functions are those given to `register_type`, if any."""

    name: str
    cls: type
    encode: Callable[[Any], Any] | None = None
    decode: Callable[[Any], Any] | None = None


# Names of this package's own values, and the module that registers them. Their readers call no code but this package's,
# so they may be built from any data.
OWN = {
    **dict.fromkeys(
        (
            "agnt5:Text",
            "agnt5:Image",
            "agnt5:ToolCall",
            "agnt5:Message",
            "agnt5:ToolSpec",
            "agnt5:Usage",
            "agnt5:Reply",
            "agnt5:Embedded",
        ),
        "agnt5.llm",
    ),
    "agnt5:Answer": "agnt5.agent.answer",
    "agnt5:Budget": "agnt5.agent.budget",
}

_lock = threading.Lock()
_by_name: dict[str, Known] = {}
_by_class: dict[type, Known] = {}


def class_name(cls: type) -> str:
    """`module:qualname`."""
    return f"{recorded_name(cls.__module__)}:{cls.__qualname__}"


def add(cls: type, encode: Callable[[Any], Any] | None, decode: Callable[[Any], Any] | None, name: str | None) -> Known:
    """Registers a class by hand; replaces what had its name."""
    if not isinstance(cls, type):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"register_type takes a class, not {cls!r}.")
    if encode is not None and decode is None:
        raise ConfigurationError(f"register_type({cls.__qualname__}) with encode= needs decode= too.")
    known = Known(name or class_name(cls), cls, encode, decode)
    with _lock:
        _by_name[known.name] = known
        _by_class[cls] = known
    return known


def note(cls: type) -> None:
    """Registers a class that was met in an annotation or in a value, unless that would hide the current one.

    A notebook cell that ran again leaves two classes of one name. The one its module holds now is the current one.
    """
    name = class_name(cls)
    with _lock:
        known = _by_name.get(name)
        if known is not None and (known.cls is cls or known.decode is not None):
            return
        if known is None or find_loaded(name) is not known.cls:
            _by_name[name] = Known(name, cls)


def known_class(cls: type) -> Known | None:
    """What `register_type` was told about exactly this class."""
    return _by_class.get(cls)


def resolve(name: str, namespace: Namespace | None) -> Known | None:
    """The class behind a recorded name: from the run's own namespace first, then from the registry."""
    known = _by_name.get(name)
    if namespace is not None and (known is None or known.decode is None):
        cls = find_in(name, namespace)
        if cls is not None:
            return Known(name, cls)
    return known


# A text inside of an encoded value has its quotes escaped, so this finds tags only.
_NAMED = re.compile(rb'\{"~(?:dataclass|model|enum|namedtuple|state|type|error)":\[?(?:\{"type":)?"([^"\\]+)"')


def named_in(data: bytes, namespace: Namespace | None) -> list[type]:
    """The classes that an encoded value names, of those that are known, in the order of their names. A failure's is
    told as well."""
    found: list[type] = []
    for name in sorted(set(_NAMED.findall(data))):
        known = resolve(name.decode("utf-8", "replace"), namespace)
        if known is not None:
            found.append(known.cls)
    return found


def resolve_own(name: str) -> Known | None:
    """A class of this package's own values. The module in the list is imported; a name from the data never is."""
    home = OWN.get(name)
    if home is None:
        return None
    importlib.import_module(home)
    return _by_name.get(name)


def find_loaded(name: str) -> type | None:
    """The class of this name in a module that is imported already."""
    module_name, _, qualname = name.partition(":")
    module = find_module(module_name)
    # Not getattr: a module's __getattr__ may import.
    return None if module is None else _walk(name, qualname, vars(module))


def find_in(name: str, namespace: Namespace) -> type | None:
    """The class of this name in a mapping of globals."""
    return _walk(name, name.partition(":")[2], namespace)


def _walk(name: str, qualname: str, start: Namespace) -> type | None:
    found: Any = None
    holder: Namespace = start
    for part in qualname.split("."):
        found = holder.get(part)
        if not isinstance(found, type):
            return None
        holder = vars(found)
    return found if class_name(found) == name else None
