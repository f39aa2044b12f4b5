"""JSON schemas of Python types, and values out of a model's text."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from agnt5.errors import ConfigurationError, OutputInvalid
from agnt5.llm import Schema
from agnt5.llm.types import tool_call


@dataclass
class Point:
    x: int
    y: float = 0.0


class Box(TypedDict):
    corner: Point
    labels: dict[str, str]


class Account(pydantic.BaseModel):
    owner: str
    limit: Annotated[int, pydantic.Field(ge=0)] = 5


@dataclass
class Node:
    value: int
    children: list[Node] = field(default_factory=list["Node"])


class Tree(pydantic.BaseModel):
    value: int
    left: Tree | None = None


class Numbers(pydantic.RootModel[list[int]]):
    pass


class Nested(pydantic.RootModel[dict[str, "Nested"]]):
    pass


@dataclass
class Bank:
    accounts: list[Account]


ALL = [Point, Box, Account, Bank, Node, Tree, Numbers, Nested, list[Point], list[Node], list[Tree], int, str | None]


@pytest.mark.parametrize("found", ALL)
def test_every_schema_is_an_object_and_valid(found: Any) -> None:
    schema = Schema.of(found).json_schema
    assert schema["type"] == "object"
    Draft202012Validator.check_schema(schema)
    for pointer in references(schema):
        assert pointer.removeprefix("#/$defs/") in schema["$defs"], "it points to something"


def references(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
        return own + [one for inner in schema.values() for one in references(inner)]
    return [one for inner in schema for one in references(inner)] if isinstance(schema, list) else []


@pytest.mark.parametrize(
    ("found", "text", "value"),
    [
        (Node, '{"value": 1, "children": [{"value": 2}]}', Node(1, [Node(2)])),
        (Tree, '{"value": 1, "left": {"value": 2}}', Tree(value=1, left=Tree(value=2))),
        (Numbers, '{"value": [1, 2]}', Numbers([1, 2])),
        (Nested, '{"a": {"b": {}}}', Nested.model_validate({"a": {"b": {}}})),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_types_that_hold_themselves_or_are_no_object(found: Any, text: str, value: Any) -> None:
    schema = Schema.of(found)
    assert Draft202012Validator(schema.json_schema).is_valid(json.loads(text))
    assert schema.parse(text) == value


def test_a_reference_that_leads_nowhere_is_no_fault_of_the_model() -> None:
    for where in ("#/$defs/Missing", "http://127.0.0.1:9/schema.json"):  # and nobody goes there
        schema = Schema.of({"type": "object", "properties": {"a": {"$ref": where}}})
        with pytest.raises(ConfigurationError, match="response_format refers to .* which is not in it"):
            schema.parse('{"a": 1}')


@pytest.mark.parametrize("text", ["[" * 100_000, '{"x":' * 100_000])
def test_brackets_without_end_are_no_answer(text: str) -> None:
    with pytest.raises(OutputInvalid, match="no JSON"):
        Schema.of(Point).parse(text)
    assert tool_call("c", "f", text).malformed == text


@given(st.integers(-(2**31), 2**31), st.floats(allow_nan=False, allow_infinity=False), st.lists(st.text(), max_size=4))
def test_what_a_type_can_hold_comes_back_out_of_json(x: int, y: float, owners: list[str]) -> None:
    for found, value in [
        (Point, Point(x, y)),
        (Box, {"corner": Point(x, y), "labels": dict.fromkeys(owners, "")}),
        (list[str], owners),
    ]:
        plain = msgspec.to_builtins(value)
        text = msgspec.json.encode(plain if isinstance(plain, dict) else {"value": plain}).decode()
        assert Draft202012Validator(Schema.of(found).json_schema).is_valid(msgspec.json.decode(text))
        assert Schema.of(found).parse(text) == value


def test_models_of_pydantic_inside_other_types() -> None:
    assert Schema.of(Bank).parse('{"accounts": [{"owner": "a"}]}') == Bank([Account(owner="a")])
    with pytest.raises(OutputInvalid, match="does not fit Bank: limit: .*greater than or equal to 0"):
        Schema.of(Bank).parse('{"accounts": [{"owner": "a", "limit": -1}]}')


@dataclass
class Approve:
    kind: Literal["approve"]
    amount: int


@dataclass
class Reject:
    kind: Literal["reject"]
    why: str = ""


@dataclass
class Review:
    verdict: Approve | Reject
    owners: list[Account | Money]


class Money(pydantic.BaseModel):
    cents: int


class Size(enum.Enum):
    SMALL = "s"
    NUMBER = 2


@pytest.mark.parametrize(
    ("found", "text", "value"),
    [
        (Approve | Reject, '{"value": {"kind": "reject", "why": "late"}}', Reject("reject", "late")),
        (Approve | Reject | None, '{"value": null}', None),
        (list[Approve | Reject], '{"value": [{"kind": "approve", "amount": 3}]}', [Approve("approve", 3)]),
        (Account | Money, '{"value": {"cents": 4}}', Money(cents=4)),
        (Annotated[Approve | Reject, ["unhashable"]], '{"value": {"kind": "reject"}}', Reject("reject")),
        (Size, '{"value": 2}', Size.NUMBER),
        (
            Review,
            '{"verdict": {"kind": "approve", "amount": 3}, "owners": [{"owner": "a"}, {"cents": 1}]}',
            Review(Approve("approve", 3), [Account(owner="a"), Money(cents=1)]),
        ),
    ],
    ids=str,
)
def test_unions_of_classes_and_mixed_enums(found: Any, text: str, value: Any) -> None:
    schema = Schema.of(found)
    Draft202012Validator.check_schema(schema.json_schema)
    assert Draft202012Validator(schema.json_schema).is_valid(msgspec.json.decode(text))
    assert schema.parse(text) == value


def test_what_fits_none_of_the_classes_is_said_of_each() -> None:
    with pytest.raises(OutputInvalid, match=r"Approve\.kind: .*'approve'; .*Reject\.kind: .*'reject'"):
        Schema.of(Approve | Reject).parse('{"value": {"kind": "maybe", "amount": 1}}')
    with pytest.raises(OutputInvalid, match=r"Approve\.amount: .*valid integer"):
        Schema.of(Approve | Reject).parse('{"value": {"kind": "approve", "amount": "3"}}')


def test_unions_of_classes_without_pydantic(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass
    class Other:
        other: int

    monkeypatch.setattr("agnt5.llm.schema.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="pip install pydantic"):
        Schema.of(Approve | Other)


def test_a_schema_of_a_schema_is_itself() -> None:
    schema = Schema.of(Point)
    assert Schema.of(schema) is schema


@pytest.mark.parametrize(
    "text", ['{"x": 1}', ' {"x": 1}\n', '```json\n{"x": 1}\n```', '```\n{"x": 1}```', '```json{"x": 1}\n```']
)
def test_json_with_a_fence_around_it(text: str) -> None:
    assert Schema.of(Point).parse(text) == Point(1)


@pytest.mark.parametrize("text", ["", "x", '{"x": 1', '{"x": "one"}', '{"y": 2}', "[]", "null", "``` ```", "NaN"])
def test_what_does_not_fit_is_said_and_kept(text: str) -> None:
    with pytest.raises(OutputInvalid) as caught:
        Schema.of(Point).parse(text)
    assert caught.value.text == text
    assert caught.value.__cause__ is None


@given(st.text(max_size=60))
def test_no_text_at_all_breaks_the_parser(text: str) -> None:
    """Whatever a model writes is a value or an OutputInvalid."""
    try:
        value = Schema.of(int).parse(text)
    except OutputInvalid:
        return
    assert type(value) is int


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (complex, "complex has no JSON schema"),
        (object, "no JSON schema"),
        ({"type": "string"}, '"type": "object"'),
        ({}, '"type": "object"'),
        ({"type": "object", "properties": []}, "no valid JSON schema"),
    ],
)
def test_what_has_no_schema(found: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Schema.of(found)
