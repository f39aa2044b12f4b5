"""Values, one of each kind the codec knows, and strategies that mix them. Also run as a script: it prints the bytes."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import pathlib
import sys
import typing
import uuid
import zoneinfo
from typing import Any

import pydantic


class Colour(enum.Enum):
    RED = 1
    BLUE = "b"


class Mode(enum.StrEnum):
    FAST = "fast"


class Level(enum.IntEnum):
    HIGH = 3


class Right(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


class Point(typing.NamedTuple):
    x: int
    y: Any = None


@dataclasses.dataclass
class Order:
    id: int
    lines: list[Any] = dataclasses.field(default_factory=list)
    total: float = dataclasses.field(init=False, default=0.0)
    late: str = dataclasses.field(init=False, repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    key: str
    inner: Any = None


class Person(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    name: str
    mode: Mode = Mode.FAST
    _seen: int = pydantic.PrivateAttr(default=0)


class Box(pydantic.BaseModel):
    inside: Person
    at: dt.datetime


BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def _order() -> Order:
    order = Order(7, [Point(1, Colour.RED)])
    order.late = "set afterwards"
    return order


def _person() -> Person:
    person = Person(name="Ada", note=("extra", 1))  # pyright: ignore[reportCallIssue]
    person._seen = 4
    return person


VALUES: list[Any] = [
    None,
    True,
    0,
    -(2**63),
    2**64 - 1,
    2**64,
    -(2**63) - 1,
    10**5000,
    0.0,
    -0.0,
    5e-324,
    1.7976931348623157e308,
    float("inf"),
    float("-inf"),
    float("nan"),
    1e16,
    "",
    'a {"~tuple":[1]} b',
    "\x00\x1b[31m é 😀",
    "\ud800 lone",
    "\ud83d\ude00",
    [],
    {},
    [1, [2.5, {"a": None}]],
    {"~tuple": [1]},
    {"~tuple": [1], "b": 2},
    {"a": {"~x": {"~y": 1}}},
    {"\udc80": 1},
    {1: "a", (1, 2): "b", None: "c"},
    (),
    (1, (2,)),
    set(),
    {"a", "b", "c", 1, 2.5, None},
    frozenset({(1, "x"), frozenset({2})}),
    b"",
    b"\x00\xff",
    bytearray(b"ab"),
    1 - 2j,
    complex(-0.0, float("inf")),
    decimal.Decimal("1.10"),
    decimal.Decimal("-sNaN12"),
    decimal.Decimal("1E+999999"),
    fractions.Fraction(-1, 3),
    dt.datetime(2024, 5, 1, 12, 30, 1, 2),
    dt.datetime(2024, 5, 1, tzinfo=dt.UTC),
    dt.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1),
    dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-3, microseconds=1), "odd")),
    dt.date(9999, 12, 31),
    dt.time(1, 2, 3, 4, fold=1),
    dt.time(1, tzinfo=dt.UTC),
    dt.timedelta(-1, 5, 7),
    BERLIN,
    dt.UTC,
    uuid.UUID(int=5),
    pathlib.Path("/a/b"),
    pathlib.Path("\udcff"),
    pathlib.PureWindowsPath("c:\\x"),
    range(1, 9, 3),
    collections.deque([1, (2,)], 5),
    collections.OrderedDict([("b", 1), ("a", 2)]),
    collections.Counter("aab"),
    collections.defaultdict(list, {"a": [1]}),
    Colour.RED,
    Mode.FAST,
    Level.HIGH,
    Right.READ | Right.WRITE,
    Right(0),
    Point(1),
    Order(1),
    _order(),
    Frozen("k", Frozen("deeper", (1,))),
    _person(),
    Box(inside=_person(), at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
]


def same(a: Any, b: Any) -> bool:
    """Equal, of the same types all the way down, NaN and the sign of zero included."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return repr(a) == repr(b)
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, list | tuple | collections.deque):
        return len(a) == len(b) and getattr(a, "maxlen", None) == getattr(b, "maxlen", None) and all(map(same, a, b))
    if isinstance(a, dict):
        factory = getattr(a, "default_factory", None) is getattr(b, "default_factory", None)
        return (
            factory
            and len(a) == len(b)
            and all(map(same, a.keys(), b.keys()))
            and all(map(same, a.values(), b.values()))
        )
    if isinstance(a, decimal.Decimal):
        return a.as_tuple() == b.as_tuple()
    if isinstance(a, dt.datetime | dt.time):
        zones = type(a.tzinfo) is type(b.tzinfo) and repr(a.tzinfo) == repr(b.tzinfo)
        return zones and a.replace(tzinfo=None) == b.replace(tzinfo=None) and a.fold == b.fold
    if dataclasses.is_dataclass(a) and not isinstance(a, type):
        names = [field.name for field in dataclasses.fields(a)]
        return all(
            hasattr(a, name) == hasattr(b, name) and same(getattr(a, name, 0), getattr(b, name, 0)) for name in names
        )
    if isinstance(a, pydantic.BaseModel):
        return (
            same(a.__dict__, b.__dict__)
            and a.model_fields_set == b.model_fields_set
            and same(a.model_extra, b.model_extra)
            and same(a.__pydantic_private__, b.__pydantic_private__)
        )
    if isinstance(a, set | frozenset):
        return a == b and sorted(str(type(m)) for m in a) == sorted(str(type(m)) for m in b)
    return bool(a == b)


if __name__ == "__main__":
    from agnt5.codec import encode

    for value in VALUES:
        sys.stdout.buffer.write(encode(value) + b"\n")
    # As many members as it takes for an order by hash to differ.
    sys.stdout.buffer.write(encode({f"member {i}" for i in range(200)} | {(i, str(i)) for i in range(50)}) + b"\n")
