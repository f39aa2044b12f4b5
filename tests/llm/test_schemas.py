"""JSON schemas of Python types, and values out of a model's text."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from agnt5.errors import ConfigurationError, OutputInvalid
from agnt5.llm import Schema


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
class Bank:
    accounts: list[Account]


@pytest.mark.parametrize("found", [Point, Box, Account, Bank, list[Point], int, str | None])
def test_every_schema_is_an_object_and_valid(found: Any) -> None:
    schema = Schema.of(found).json_schema
    assert schema["type"] == "object"
    Draft202012Validator.check_schema(schema)


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
