"""The fingerprint of what a step would run: bytecode, closures, defaults, bound values, classes and the globals it
reaches.

A rerun takes a result over only where this is the same. It looks and encodes; it never calls what it finds. What cannot
be encoded has no fingerprint, and the reason why is kept for whoever asks.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Mapping
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    MethodDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any, NamedTuple

from agnt5.codec import encode, named_in
from agnt5.codec.plain import MARKER
from agnt5.errors import SerializationError
from agnt5.execution import inside
from agnt5.execution.code import bytecode_digest
from agnt5.execution.members import members
from agnt5.execution.reach import ABSENT, MOST, Reach, body_of, composite_of, content_of, is_own
from agnt5.execution.whose import is_own_class
from agnt5.modules import recorded_name

# What is written in C is told by its name and the version of its package.
_C_CODE = (BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType, ClassMethodDescriptorType)
# Values of these types cannot change in place, or `Reach` notices: the same object is the same value.
_FIXED = (str, int, float, bool, bytes, type(None), FunctionType, ModuleType, type, *_C_CODE)
_DEEPEST = 50


class Fingerprint(NamedTuple):
    """`digest` has 16 bytes, or none; then `reason` says which value stood in the way."""

    digest: bytes
    reason: str


class _Known(NamedTuple):
    """A fingerprint and what must be looked at again before it is used for another run."""

    found: Fingerprint
    reach: Reach


class _Unknown(Exception):
    """Something reached cannot be told by its bytes."""


_KEPT = 4096
_known: dict[int, tuple[Any, _Known]] = {}


def fingerprint(fn: Any) -> Fingerprint:
    """The fingerprint of a callable as it is now. Cached where nothing that it reaches can change unnoticed."""
    known = _known.get(id(fn))
    if known is not None and known[0] is fn and known[1].reach.holds():
        return known[1].found
    work = _Work(fn)
    try:
        work.all(fn)
        found = Fingerprint(work.digest.digest(), "")
    except _Unknown as unknown:
        found = Fingerprint(b"", str(unknown))
        work.fixed = False
    if work.fixed:
        # Nothing else is kept: what a callable is bound to would live as long as this table.
        if len(_known) >= _KEPT:
            _known.clear()
        _known[id(fn)] = (fn, _Known(found, work.reach))
    return found


class Fingerprints:
    """The digests of one attempt, each taken once: a run keeps the code that it began with."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, bytes]] = {}

    def of(self, fn: Any, payload: bytes, namespace: Mapping[str, Any] | None) -> bytes:
        """Of a callable with these encoded arguments: what the user's classes among them do counts too."""
        digest = self._one(fn)
        classes = own_classes_in(payload, namespace) if digest and MARKER in payload else []
        if not classes:
            return digest
        digests = [self._one(cls) for cls in classes]
        return hashlib.blake2b(digest + b"".join(digests), digest_size=16).digest() if all(digests) else b""

    def _one(self, code: Any) -> bytes:
        known = self._known.get(id(code))
        if known is None:
            known = self._known[id(code)] = (code, fingerprint(code).digest)
        return known[1]


def own_classes_in(payload: bytes, namespace: Mapping[str, Any] | None = None) -> list[type]:
    """The user's classes that encoded arguments name."""
    return [cls for cls in named_in(payload, namespace) if is_own_class(cls)]


class _Work:
    def __init__(self, fn: Any) -> None:
        self.digest = hashlib.blake2b(digest_size=16)
        self.fixed = True
        self.reach = Reach(fn, is_own, deep=True)
        # Which of the functions reached one is: two that change places are another table.
        self._numbers = {identity: number for number, identity in enumerate(self.reach.functions)}
        self._wrappers = {identity: number for number, identity in enumerate(self.reach.wrappers)}
        self._classes = {identity: number for number, identity in enumerate(self.reach.classes)}
        self._within: set[int] = set()

    def all(self, fn: Any) -> None:
        """Everything that counts. Raises _Unknown."""
        if self.reach.too_much:
            raise _Unknown(f"it reaches more than {MOST:,} objects in tables and instances, which are not compared")
        if self.reach.unloaded:
            raise _Unknown(f"it imports {self.reach.unloaded[0]!r} when it runs, which was not loaded before")
        self._value("callable", fn)
        for one in self.reach.functions.values():
            self._put("code", bytecode_digest(one.__code__).encode())
            for value in one.__defaults__ or ():
                self._value("default", value)
            for name, value in sorted((one.__kwdefaults__ or {}).items()):
                self._value(name, value)
            for name, cell in zip(one.__code__.co_freevars, one.__closure__ or (), strict=True):
                self._value(name, content_of(cell))
        for cls, _ in self.reach.classes.values():
            self._put("class", cls.__qualname__.encode())
            for name, value in members(cls):
                self._value(f"{cls.__qualname__}.{name}", value)
        for one in self.reach.wrappers.values():
            for name, cell in zip(one.__code__.co_freevars, one.__closure__ or (), strict=True):
                self._held(name, content_of(cell))
        for name, value in self.reach.attributes():
            self._value(name, value)
        for _, name, value in self.reach.data():
            self._value(name, value)
        for _, parts in self.reach.composites.values():
            self._put(parts.name, parts.text.encode("utf-8", "surrogatepass"))

    def _held(self, name: str, value: Any) -> None:
        """What a library's function holds. Tables and instances there are its own affairs, such as caches; the user's
        code in them is part of this already."""
        if (
            value is ABSENT
            or isinstance(value, _FIXED)
            or body_of(value) is not None
            or composite_of(value) is not None
        ):
            self._value(name, value)
        else:
            self._put(name, self._class(type(value)))

    def _put(self, name: str, data: bytes) -> None:
        self.digest.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogatepass"))
        self.digest.update(data)

    def _value(self, name: str, value: Any) -> None:
        if value is ABSENT:
            self._put(name, b"absent")  # a builtin, or a name that does not exist yet
            return
        if composite_of(value) is not None:
            self.fixed = False
            self._put(name, b"composite")  # its settings and code are part of this already
            return
        function = body_of(value)
        number = None if function is None else self._numbers.get(id(function))
        if number is not None:
            self._put(name, f"function {number}".encode())  # its code is part of this already
        elif id(value) in self._wrappers:
            self._put(name, f"wrapper {self._wrappers[id(value)]} {_named(value)}".encode())
        elif isinstance(value, ModuleType):
            self._put(name, f"module {value.__name__} {getattr(value, '__version__', '')}".encode())
        elif isinstance(value, type):
            self._put(name, self._class(value))
        elif isinstance(value, (FunctionType, *_C_CODE)):
            self._put(name, f"function {_named(value)}".encode())
        elif isinstance(value, logging.Logger):
            self._put(name, f"logger {value.name}".encode())
        else:
            self.fixed = self.fixed and isinstance(value, _FIXED)
            self._data(name, value)

    def _class(self, cls: type) -> bytes:
        """The user's own classes are part of this with all they hold; others are told by name and version."""
        if id(cls) in self._classes:
            return f"class {self._classes[id(cls)]}".encode()
        return f"class {recorded_name(cls.__module__)}.{cls.__qualname__} {_version_of(cls)}".encode()

    def _data(self, name: str, value: Any) -> None:
        try:
            self._put(name, encode(value))
            return
        except (SerializationError, RecursionError) as error:
            refused = error
        found = None if id(value) in self._within or len(self._within) > _DEEPEST else inside.parts(value)
        if found is None:
            told = f"{name!r} is a {type(value).__qualname__}, which cannot be compared: {refused}"
            raise _Unknown(told) from None
        self._within.add(id(value))
        self._put(name, self._class(type(value)) + f" of {len(found)}".encode())
        for number, one in enumerate(found):
            self._value(_below(name, value, found, number), one)
        self._within.discard(id(value))


def _below(name: str, value: Any, found: list[Any], number: int) -> str:
    """How a part of a value is called in a reason."""
    if isinstance(value, list | tuple):
        return f"{name}[{number}]"
    if number % 2 == 0:
        return name  # a key, or the name of an attribute
    key = found[number - 1]
    return f"{name}[{key!r:.40}]" if isinstance(value, dict) else f"{name}.{key}" if isinstance(key, str) else name


def _named(function: Any) -> str:
    home = recorded_name(getattr(function, "__module__", None) or "")
    return f"{home}.{function.__qualname__} {_version_of(function)}"


def _version_of(value: Any) -> str:
    """Version of the package that something comes from; empty when it tells none."""
    package = (getattr(value, "__module__", None) or "").partition(".")[0]
    return str(getattr(sys.modules.get(package), "__version__", ""))
