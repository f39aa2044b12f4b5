"""Makes an exception of a class from its arguments and attributes, without the class's own `__new__` or `__init__`.

Provider exceptions fail `cls(*args)`, and recorded data must not run their code. Only the constructors of Python's own
base exceptions are called.
"""

from __future__ import annotations

import functools
import types
from typing import Any

LOST = "__agnt5_lost__"
"""In the `__dict__` of an exception that could not be recorded in full: (names of attributes, message)."""

_HEAP_TYPE = 1 << 9
"""Py_TPFLAGS_HEAPTYPE: absent on the classes that are compiled into Python."""


# Set by descriptor: plain assignment would run a __setattr__ of the user's class.
_set_args: Any = BaseException.__dict__["args"].__set__
set_cause: Any = BaseException.__dict__["__cause__"].__set__


class Incomplete:
    """Explains attributes that were not recorded. Mixed into the class of such an exception, before its own."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # Not passed on: a hook of the user's class must not see our subclass.
        return

    def __getattr__(self, name: str) -> Any:
        names, _ = self.__dict__.get(LOST, ((), ""))
        cls = original(type(self))  # pyright: ignore[reportArgumentType]
        if name in names:
            raise AttributeError(
                f"{cls.__qualname__}.{name} was not recorded: its value cannot be serialised, so it is not there in a "
                f"replay either. Read it inside the step that raised, and return what you need."
            )
        hint = f" (not recorded: {', '.join(names)})" if names else ""
        raise AttributeError(f"{cls.__qualname__!r} object has no attribute {name!r}{hint}")

    def __str__(self) -> str:
        try:
            return super().__str__()
        except Exception:  # a __str__ that reads what was not recorded
            return self.__dict__.get(LOST, ((), ""))[1]


def original(cls: type[BaseException]) -> type[BaseException]:
    """The class itself, where `cls` may be one that explains lost attributes."""
    return cls.__mro__[2] if Incomplete in cls.__mro__ else cls


def lost_names(exc: BaseException) -> tuple[str, ...]:
    """Attributes that an earlier record of this exception already lacked."""
    return tuple(vars(exc).get(LOST, ((), ""))[0])


def is_group(cls: type) -> bool:
    return issubclass(cls, BaseExceptionGroup)


@functools.cache
def fixed_members(cls: type[BaseException]) -> dict[str, Any]:
    """Attributes kept outside `__dict__`: slots, and those of compiled classes such as `OSError.errno`."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base in (object, BaseException, Exception) or base in (BaseExceptionGroup, ExceptionGroup):
            continue
        for name, member in vars(base).items():
            kept = isinstance(member, types.MemberDescriptorType | types.GetSetDescriptorType)
            if kept and name not in ("__dict__", "__weakref__"):
                found[name] = member
    if issubclass(cls, AttributeError):
        found.pop("obj", None)  # the live object; the name says enough
    return found


def rebuild(
    cls: type[BaseException],
    args: tuple[Any, ...],
    attrs: dict[str, Any],
    lost: list[str],
    message: str,
    members: list[BaseException] | None,
) -> BaseException:
    """An instance of the class, or of a subclass that explains what was lost, if something was."""
    made = _explaining(cls) if lost else cls
    base: Any = next(b for b in cls.__mro__ if not b.__flags__ & _HEAP_TYPE)
    if members is not None:
        exc: BaseException = base.__new__(made, args[0] if args else message, members)
    else:
        exc = _new(base, made, args)
        _set_args(exc, args)
    fixed = fixed_members(cls)
    own = vars(exc)
    for name, value in attrs.items():
        if name in fixed:
            try:
                fixed[name].__set__(exc, value)
            except (AttributeError, TypeError):
                continue  # read-only, and so derived from the arguments
        else:
            own[name] = value
    if lost:
        own[LOST] = (tuple(lost), message)
    return exc


def _new(base: Any, made: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    try:
        exc = base.__new__(made, *args)
        if type(exc) is made:  # OSError(2, ...) would make a FileNotFoundError
            base.__init__(exc, *args)
            return exc
    except Exception:  # arguments that the base never saw, as its subclass passed on others
        return base.__new__(made)
    return base.__new__(made)


@functools.cache
def _explaining(cls: type[BaseException]) -> type[BaseException]:
    if type(cls) is not type:
        return cls  # a metaclass of the user's would run
    names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    try:
        return type(cls.__name__, (Incomplete, cls), names)
    except TypeError:  # a class that allows no subclass
        return cls
