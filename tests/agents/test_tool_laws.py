"""Laws of a tool's arguments, over many types: what JSON can say of a value is that value again, and nothing else gets
through."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from agnt5 import Tool, ToolArgumentError
from agnt5.codec import decode, encode


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Point:
    x: int
    y: float = 0.0
    tags: list[str] = field(default_factory=list)


class Pair(NamedTuple):
    left: int
    right: str


class Filters(TypedDict, total=False):
    author: str
    year: int


class Leaf(BaseModel):
    name: str


class Tree(BaseModel):
    leaves: list[Leaf]
    nested: dict[str, Leaf] = {}


ints = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(max_size=8)
points = st.builds(Point, ints, floats, st.lists(words, max_size=2))
leaves = st.builds(Leaf, name=words)
trees = st.builds(Tree, leaves=st.lists(leaves, max_size=2), nested=st.dictionaries(words, leaves, max_size=2))

CORPUS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "int": (int, ints),
    "float": (float, floats),
    "str": (str, words),
    "bool": (bool, st.booleans()),
    "bytes": (bytes, st.binary(max_size=8)),
    "optional": (int | None, st.none() | ints),
    "union": (int | str, ints | words),
    "list": (list[str], st.lists(words, max_size=3)),
    "dict": (dict[str, int], st.dictionaries(words, ints, max_size=3)),
    "tuple": (tuple[int, str], st.tuples(ints, words)),
    "tuples": (tuple[int, ...], st.lists(ints, max_size=3).map(tuple)),
    "set": (set[int], st.sets(ints, max_size=3)),
    "literal": (Literal["a", "b", 3], st.sampled_from(["a", "b", 3])),
    "enum": (Colour, st.sampled_from(Colour)),
    "int enum": (Level, st.sampled_from(Level)),
    "bounded": (Annotated[int, msgspec.Meta(ge=0, le=9)], st.integers(0, 9)),
    "date": (date, st.dates()),
    "datetime": (datetime, st.datetimes()),
    "timedelta": (timedelta, st.integers(-(10**9), 10**9).map(lambda ms: timedelta(milliseconds=ms))),
    "uuid": (UUID, st.uuids()),
    "decimal": (Decimal, st.decimals(allow_nan=False, allow_infinity=False, places=3)),
    "dataclass": (Point, points),
    "dataclasses": (list[Point], st.lists(points, max_size=2)),
    "optional dataclass": (Point | None, st.none() | points),
    "named tuple": (Pair, st.builds(Pair, ints, words)),
    "typed dict": (Filters, st.fixed_dictionaries({}, optional={"author": words, "year": ints})),
    "pydantic": (Tree, trees),
    "models": (list[Tree], st.lists(trees, max_size=2)),
    "optional model": (Leaf | None, st.none() | leaves),
}

anything = st.recursive(
    st.none() | st.booleans() | ints | floats | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
each_type = pytest.mark.parametrize("kind", CORPUS)


def taking(annotation: Any) -> Tool[..., Any]:
    def probe(value, other=None):  # type: ignore[no-untyped-def]
        return value

    probe.__annotations__ = {"value": annotation}
    return Tool(function=probe)


def answer(tool: Tool[..., Any], sent: Any) -> dict[str, Any] | ToolArgumentError:
    try:
        return tool.validate(sent)
    except ToolArgumentError as error:
        return error


def as_json(value: Any) -> Any:
    return json.loads(msgspec.json.encode(value, enc_hook=lambda model: model.model_dump(mode="json")))


@each_type
def test_json_of_a_value_is_that_value_again(kind: str) -> None:
    annotation, values = CORPUS[kind]
    tool = taking(annotation)
    schema = Draft202012Validator(tool.spec.parameters)

    @given(values)
    def law(value: Any) -> None:
        sent = {"value": as_json(value)}
        assert schema.is_valid(sent)
        got = tool.validate(sent)
        assert got == {"value": value}
        assert type(got["value"]) is type(value)

    law()


@each_type
def test_what_gets_through_can_be_recorded_and_sent_again(kind: str) -> None:
    tool = taking(CORPUS[kind][0])

    @given(anything)
    def law(sent: Any) -> None:
        got = answer(tool, {"value": sent})
        if isinstance(got, ToolArgumentError):
            assert got.fields == ("value",)
            return
        assert decode(encode(got)) == got
        assert tool.validate({"value": as_json(got["value"])}) == got

    law()


@each_type
def test_the_schema_is_one(kind: str) -> None:
    Draft202012Validator.check_schema(taking(CORPUS[kind][0]).spec.parameters)


@given(st.dictionaries(words, anything, max_size=3))
def test_no_arguments_do_more_than_be_refused(sent: dict[str, Any]) -> None:
    got = answer(taking(int), sent)
    if isinstance(got, ToolArgumentError):
        assert str(got).count("\n- ") == len(got.fields) > 0
        assert set(sent) - {"value", "other"} <= set(got.fields)
        return
    assert set(got) == set(sent) <= {"value", "other"}
    assert type(got["value"]) is int
