"""The fingerprint of what a step would run: bytecode, closures, defaults, bound values and the globals it reaches.

A rerun takes a result over only where this is the same. It looks and encodes; it never calls what it finds. What cannot
be encoded has no fingerprint, and the reason why is kept for whoever asks.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import sys
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from agnt5.codec import encode
from agnt5.errors import SerializationError
from agnt5.execution.code import bytecode_digest
from agnt5.execution.reach import ABSENT, Reach, body_of, content_of, is_own

# Values of these types cannot change in place: while a name holds the same object, it holds the same value.
_FIXED = (str, int, float, bool, bytes, type(None), FunctionType, BuiltinFunctionType, ModuleType, type)


class Fingerprint(NamedTuple):
    """`digest` has 16 bytes, or none; then `reason` says which value stood in the way."""

    digest: bytes
    reason: str


class _Known:
    """A fingerprint and what must be looked at again before it is used for another run."""

    __slots__ = ("fixed", "found", "reach")

    def __init__(self, found: Fingerprint, reach: Reach, fixed: bool) -> None:
        self.found = found
        self.reach = reach
        self.fixed = fixed


class _Unknown(Exception):
    """Something reached cannot be told by its bytes."""


_KEPT = 4096
_known: dict[int, tuple[Any, _Known]] = {}


def fingerprint(fn: Any) -> Fingerprint:
    """The fingerprint of a callable as it is now. Cached where nothing that it reaches can change unnoticed."""
    known = _known.get(id(fn))
    if known is not None and known[0] is fn and known[1].fixed and known[1].reach.holds():
        return known[1].found
    work = _Work()
    try:
        work.callable(fn)
        found = Fingerprint(work.digest.digest(), "")
    except _Unknown as unknown:
        found = Fingerprint(b"", str(unknown))
    if work.reach is not None and work.fixed:
        if len(_known) >= _KEPT:
            _known.clear()
        _known[id(fn)] = (fn, _Known(found, work.reach, work.fixed))
    return found


class _Work:
    def __init__(self) -> None:
        self.digest = hashlib.blake2b(digest_size=16)
        self.fixed = True
        self.reach: Reach | None = None
        self._functions: dict[int, FunctionType] = {}

    def callable(self, fn: Any) -> None:
        if isinstance(fn, functools.partial):
            self.fixed = False
            self._value("an argument of functools.partial", [list(fn.args), dict(fn.keywords)])
            self.callable(fn.func)
            return
        if isinstance(fn, MethodType):
            self.fixed = False
            self._value("self", fn.__self__)
            self.callable(fn.__func__)
            return
        function = body_of(fn)
        if function is None:
            self._value("callable", fn)
            return
        self.reach = reach = Reach(function, is_own)
        self._functions = reach.functions
        for one in reach.functions.values():
            self._put("code", bytecode_digest(one.__code__).encode())
            for value in one.__defaults__ or ():
                self._value("default", value)
            for name, value in sorted((one.__kwdefaults__ or {}).items()):
                self._value(name, value)
            for name, cell in zip(one.__code__.co_freevars, one.__closure__ or (), strict=True):
                self._value(name, content_of(cell))
        for _, name, value in reach.data():
            self._value(name, value)

    def _put(self, name: str, data: bytes) -> None:
        self.digest.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogatepass"))
        self.digest.update(data)

    def _value(self, name: str, value: Any) -> None:
        if value is ABSENT:
            self._put(name, b"absent")  # a builtin, or a name that does not exist yet
            return
        function = body_of(value)
        if function is not None and id(function) in self._functions:
            self._put(name, b"function")  # its code is part of this already
            return
        if isinstance(value, ModuleType):
            self._put(name, f"module {value.__name__} {getattr(value, '__version__', '')}".encode())
        elif isinstance(value, type):
            self._class(name, value)
        elif isinstance(value, FunctionType | BuiltinFunctionType):
            self._put(name, f"function {value.__module__}.{value.__qualname__} {_version_of(value)}".encode())
        elif isinstance(value, logging.Logger):
            self._put(name, f"logger {value.name}".encode())
        else:
            self.fixed = self.fixed and isinstance(value, _FIXED)
            try:
                self._put(name, encode(value))
            except (SerializationError, RecursionError) as error:
                raise _Unknown(f"{name!r} is a {type(value).__qualname__}, which cannot be compared: {error}") from None

    def _class(self, name: str, cls: type) -> None:
        """The user's own classes by their methods, others by name and version."""
        self._put(name, f"class {cls.__module__}.{cls.__qualname__} {_version_of(cls)}".encode())
        for attribute, value in sorted(vars(cls).items()):
            code = getattr(getattr(value, "__func__", value), "__code__", None)
            if isinstance(code, CodeType) and "site-packages" not in code.co_filename:
                self._put(attribute, bytecode_digest(code).encode())


def _version_of(value: Any) -> str:
    """Version of the package that something comes from; empty when it tells none."""
    package = (getattr(value, "__module__", None) or "").partition(".")[0]
    return str(getattr(sys.modules.get(package), "__version__", ""))
