"""Values of the program's own classes: dataclasses, enums, named tuples, and what `register_type` was told about.

Instances are rebuilt from their attributes, without `__init__` or `__post_init__`: what comes back is what was there,
not what the class would make of it today.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from enum import Enum, Flag
from typing import TYPE_CHECKING, Any

from agnt5.codec.fault import Fault
from agnt5.codec.registry import Known, class_name
from agnt5.codec.state import read_state, slots, write_state
from agnt5.errors import SerializationError

if TYPE_CHECKING:
    from agnt5.codec.reader import Read, Reader
    from agnt5.codec.writer import Write, Writer

# Built-in classes people derive from, and how to get the plain value out of an instance without asking its class.
BASES: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    tuple: lambda value: tuple.__getitem__(value, slice(None)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
    list: lambda value: list.__getitem__(value, slice(None)),
    dict: dict.copy,
    set: lambda value: set(set.__iter__(value)),
}


def dataclass_writer(cls: type) -> Write:
    name = class_name(cls)
    descriptors = slots(cls)
    fields = dataclasses.fields(cls)
    # A default that only the class holds is what the attribute gives, so it is recorded like the others.
    defaults = {field.name: field.default for field in fields if field.default is not dataclasses.MISSING}

    def write(w: Writer, value: Any) -> Any:
        state = read_state(value, descriptors)
        whole = {**defaults, **state}
        # Field order, then whatever else the instance carries.
        ordered = {field.name: whole.pop(field.name) for field in fields if field.name in whole}
        return {"~dataclass": [name, w.fields({**ordered, **whole})]}

    return write


def _read_dataclass(r: Reader, payload: Any) -> Any:
    name, fields = payload
    known = r.known(name)
    state = r.fields(fields)
    cls = known.cls
    if known.decode is not None:
        return known.decode(state)
    if not dataclasses.is_dataclass(cls):
        raise SerializationError(f"{name} has changed since: it was a dataclass when this value was recorded.")
    for field in dataclasses.fields(cls):
        if field.name in state:
            continue
        if field.default is not dataclasses.MISSING:
            state[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            state[field.name] = field.default_factory()
        elif field.init:
            raise SerializationError(
                f"{name} has changed since: the recorded value has no field {field.name!r}. Give that field a default, "
                f"or teach the codec to read old values with agnt5.register_type({cls.__name__}, decode=...)."
            )
    made = object.__new__(cls)
    write_state(made, state, slots(cls))
    return made


def enum_writer(cls: type[Enum]) -> Write:
    name = class_name(cls)
    if issubclass(cls, Flag):  # combinations have no name of their own
        return lambda w, value: {"~enum": [name, int(value.value)]}
    return lambda w, value: {"~enum": [name, value.name]}


def _read_enum(r: Reader, payload: Any) -> Any:
    name, member = payload
    known = r.known(name)
    if known.decode is not None:
        return known.decode(member)
    cls: Any = known.cls
    if not issubclass(cls, Enum):
        raise SerializationError(f"{name} has changed since: it was an Enum when this value was recorded.")
    try:
        return cls[member] if type(member) is str else cls(member)
    except (KeyError, ValueError):
        raise SerializationError(
            f"{name} has changed since: it has no member {member!r} any more. Give it back, or register the class with "
            f"agnt5.register_type({cls.__name__}, decode=...)."
        ) from None


def namedtuple_writer(cls: type) -> Write:
    name = class_name(cls)

    def write(w: Writer, value: Any) -> Any:
        if getattr(value, "__dict__", None):
            raise Fault(f"{cls.__qualname__} is a named tuple with attributes of its own; make it a dataclass.")
        return {"~namedtuple": [name, w.items(BASES[tuple](value))]}

    return write


def _read_namedtuple(r: Reader, payload: Any) -> Any:
    name, nodes = payload
    known = r.known(name)
    values = r.items(nodes)
    if known.decode is not None:
        return known.decode(values)
    cls: Any = known.cls
    fields = getattr(cls, "_fields", None)
    if fields is None or tuple not in cls.__mro__:
        raise SerializationError(f"{name} has changed since: it was a named tuple when this value was recorded.")
    for field in fields[len(values) :]:
        if field not in cls._field_defaults:
            raise SerializationError(f"{name} has changed since: the recorded value has no field {field!r}.")
        values.append(cls._field_defaults[field])
    if len(values) != len(fields):
        raise SerializationError(f"{name} has changed since: the recorded value has {len(values)} fields.")
    return tuple.__new__(cls, values)


def custom_writer(known: Known) -> Write:
    """Written by the function that `register_type` was given."""
    encode = known.encode
    assert encode is not None

    def write(w: Writer, value: Any) -> Any:
        try:
            form = encode(value)
        except Exception as error:
            raise Fault(f"the encode= of {known.name} raised {type(error).__name__}: {error}") from error
        return {"~type": [known.name, w.tree(form)]}

    return write


def state_writer(known: Known) -> Write:
    """Written as its plain value, if it derives from a built-in class, and its attributes."""
    base = base_of(known.cls)
    plain = BASES[base] if base is not None else None
    descriptors = slots(known.cls)

    def write(w: Writer, value: Any) -> Any:
        held = None if plain is None else w.tree(plain(value))
        return {"~state": [known.name, held, w.fields(read_state(value, descriptors))]}

    return write


def base_of(cls: type) -> type | None:
    """The built-in class it derives from, of those in BASES."""
    return next((base for base in BASES if issubclass(cls, base)), None)


def _read_custom(r: Reader, payload: Any) -> Any:
    name, form = payload
    known = r.known(name)
    if known.decode is None:
        raise SerializationError(f"{name} was recorded by a function; register it again with encode= and decode=.")
    return known.decode(r.value(form))


def _read_state(r: Reader, payload: Any) -> Any:
    name, held, fields = payload
    known = r.known(name)
    plain = r.value(held)
    state = r.fields(fields)
    if known.decode is not None:
        return known.decode(state if plain is None else plain)
    base: Any = base_of(known.cls)
    if base is None:
        made = object.__new__(known.cls)
    elif base in (list, dict, set):
        made = base.__new__(known.cls)
        fill: Any = list.extend if base is list else getattr(base, "update")  # noqa: B009 - of the base, not the class
        fill(made, plain)
    else:
        made = base.__new__(known.cls, plain)
    write_state(made, state, slots(known.cls))
    return made


READERS: dict[str, Read] = {
    "~dataclass": _read_dataclass,
    "~enum": _read_enum,
    "~namedtuple": _read_namedtuple,
    "~type": _read_custom,
    "~state": _read_state,
}
