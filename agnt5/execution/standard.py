"""What values of Python's own types are made of, where that is all that they do: patterns, templates, annotations.

They are what modules hold beside functions, and a step that reads one would never be reused if it could not be told.
What guards or counts access, such as locks and semaphores, decides no result: its type is all there is to tell.
"""

from __future__ import annotations

import asyncio
import operator
import re
import string
import struct
import threading
import typing
from collections import ChainMap
from types import EllipsisType, MappingProxyType, SimpleNamespace
from typing import Any, cast

_GETTERS = (operator.itemgetter, operator.attrgetter, operator.methodcaller)
_SILENT = frozenset(
    {
        *(object, EllipsisType, type(threading.Lock()), type(threading.RLock()), threading.Condition, threading.Event),
        *(threading.Semaphore, threading.BoundedSemaphore, asyncio.Lock, asyncio.Event, asyncio.Condition),
        *(asyncio.Semaphore, asyncio.BoundedSemaphore),
    }
)


def parts(value: Any) -> list[Any] | None:
    """What a value of a standard type is made of. None for all others."""
    kind = type(value)
    if kind in _SILENT:
        return []
    if kind is re.Pattern:
        return [value.pattern, value.flags]
    if kind is SimpleNamespace:
        return [one for pair in sorted(vars(value).items()) for one in pair]
    if kind is MappingProxyType:
        return [dict(cast("MappingProxyType[Any, Any]", value))]
    if kind is ChainMap:
        return list(cast("ChainMap[Any, Any]", value).maps)
    if kind is string.Template:
        return [value.template]
    if kind is struct.Struct:
        return [value.format]
    if kind is slice:
        return [value.start, value.stop, value.step]
    if kind in _GETTERS:
        return [list(value.__reduce__()[1])]
    if kind is typing.NewType:
        return [value.__name__, value.__supertype__]
    if kind is typing.TypeVar:
        return [value.__name__]
    origin = typing.get_origin(value) if kind.__module__ in ("types", "typing") else None
    if origin is None:
        return None
    return [origin if isinstance(origin, type) else repr(origin), list(typing.get_args(value))]
