"""Which module writes and reads which kind of value. It is imported when the first value beyond the plain ones is met.

numpy, pandas and pydantic are never imported to write a value: they are there if the value is. To read a recorded array
or frame, the library of that fixed name is imported; a name from the data never is.
"""

from __future__ import annotations

import dataclasses
import importlib
import sys
from enum import Enum
from typing import TYPE_CHECKING

from agnt5.codec import classes, stdlib
from agnt5.codec.fault import Fault
from agnt5.codec.registry import known_class, note

if TYPE_CHECKING:
    from agnt5.codec.reader import Read
    from agnt5.codec.writer import Write

_ON_DEMAND = {
    "~error": "failure",
    "~lost": "failure",
    "~model": "models",
    "~ndarray": "arrays",
    "~npscalar": "arrays",
    "~dataframe": "frames",
    "~series": "frames",
    "~timestamp": "frames",
    "~pdtimedelta": "frames",
    "~pdmissing": "frames",
}


def find_writer(cls: type) -> Write:
    """How values of exactly this class are written. Raises Fault for a class that cannot be recorded."""
    known = known_class(cls)
    if known is not None and known.encode is not None:
        return classes.custom_writer(known)
    write = stdlib.WRITERS.get(cls)
    if write is not None:
        return write
    if issubclass(cls, Enum):
        return _noted(cls, classes.enum_writer(cls))
    if issubclass(cls, BaseException):
        from agnt5.codec import failure

        return failure.write_error
    if _is_model(cls):
        from agnt5.codec import models

        return _noted(cls, models.writer_for(cls))
    if issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple):
        return _noted(cls, classes.namedtuple_writer(cls))
    if dataclasses.is_dataclass(cls) and not issubclass(cls, tuple(classes.BASES)):
        return _noted(cls, classes.dataclass_writer(cls))
    if known is not None:
        return classes.state_writer(known)
    library = cls.__module__.partition(".")[0]
    if library == "numpy":
        from agnt5.codec import arrays

        return arrays.writer_for(cls)
    if library == "pandas":
        from agnt5.codec import frames

        return frames.writer_for(cls)
    raise Fault(_advice(cls))


def find_reader(tag: str) -> Read | None:
    """How a tag is read; None for one this version does not know."""
    read = stdlib.READERS.get(tag) or classes.READERS.get(tag)
    if read is None and tag in _ON_DEMAND:
        read = importlib.import_module(f"agnt5.codec.{_ON_DEMAND[tag]}").READERS[tag]
    return read


def _noted(cls: type, write: Write) -> Write:
    note(cls)
    return write


def _is_model(cls: type) -> bool:
    # Not sys.modules["pydantic"].BaseModel: that attribute imports half of pydantic when it is not loaded yet.
    base = getattr(sys.modules.get("pydantic.main"), "BaseModel", None)
    return base is not None and issubclass(cls, base)


def _advice(cls: type) -> str:
    name = f"{cls.__module__}.{cls.__qualname__}" if cls.__module__ != "builtins" else cls.__qualname__
    base = next((base.__name__ for base in classes.BASES if issubclass(cls, base)), None)
    if base is not None:
        return (
            f"{name} is a subclass of {base} that the codec does not know. Pass {base}(value), or register it with "
            f"agnt5.register_type({cls.__name__})."
        )
    return (
        f"the codec does not know the type {name}. Pass plain data (ids, paths, dataclasses), open connections and "
        f"files inside the step that uses them, or register the type with agnt5.register_type."
    )
