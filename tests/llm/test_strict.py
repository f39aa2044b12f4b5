"""The strict form of JSON schemas: it forbids no right answer, and what it cannot say it refuses."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from agnt5.llm.strict import strict_schema

leaves = st.sampled_from(
    [
        {"type": "string", "default": "x"},
        {"type": "integer", "minimum": 0},
        {"type": ["string", "null"], "format": "uri"},
        {"enum": ["a", "b"]},
        {"const": 3},
        {"$ref": "#/$defs/Leaf"},
        {"$ref": "#/$defs/Leaf", "description": "With words beside it."},
        {"allOf": [{"$ref": "#/$defs/Leaf"}], "default": {}},
    ]
)
names = st.sampled_from(["a", "b", "c", "d"])


def objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    made = st.dictionaries(names, inner, max_size=3)
    return made.map(lambda found: {"type": "object", "properties": found, "required": sorted(found)[:1]})


schemas = objects(
    st.recursive(
        leaves,
        lambda inner: st.one_of(
            objects(inner),
            inner.map(lambda one: {"type": "array", "items": one, "uniqueItems": True}),
            st.lists(inner, min_size=1, max_size=3).map(lambda some: {"oneOf": some, "discriminator": {}}),
        ),
        max_leaves=8,
    )
).map(lambda one: {**one, "$defs": {"Leaf": {"type": "object", "properties": {"n": {"type": "integer"}}}}})


def nodes(schema: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if isinstance(schema, dict):
        found.append(schema)
        for key, value in schema.items():
            found += (
                [n for one in value.values() for n in nodes(one)] if key in ("properties", "$defs") else nodes(value)
            )
    if isinstance(schema, list):
        found += [node for one in schema for node in nodes(one)]
    return found


@given(schemas)
def test_every_object_is_closed_and_whole(schema: dict[str, Any]) -> None:
    before = copy.deepcopy(schema)
    strict = strict_schema(schema)
    assert schema == before, "what was given is not changed"
    assert strict is not None
    Draft202012Validator.check_schema(strict)
    for node in nodes(strict):
        assert not {"default", "oneOf", "allOf", "uniqueItems", "discriminator"} & set(node)
        assert "$ref" not in node or set(node) <= {"$ref", "$defs"}
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])


@given(schemas)
def test_making_it_strict_twice_changes_nothing(schema: dict[str, Any]) -> None:
    once = strict_schema(schema)
    assert once is not None
    assert strict_schema(once) == once


def test_a_right_answer_stays_right() -> None:
    """Full answers, which name every key, are taken by the strict form when the schema takes them."""
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "site": {"type": "string", "format": "uri", "default": "-"}},
        "required": ["name"],
    }
    strict = strict_schema(schema)
    assert strict is not None
    full = {"name": "n", "site": "s"}
    assert Draft202012Validator(schema).is_valid(full)
    assert Draft202012Validator(strict).is_valid(full)
    assert not Draft202012Validator(strict).is_valid({"name": "n"})
    assert "format" not in strict["properties"]["site"]


TREE = {
    "type": "object",
    "properties": {"left": {"$ref": "#/$defs/Tree"}, "right": {"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}]}},
    "$defs": {"Tree": {"type": "object", "properties": {"left": {"$ref": "#/$defs/Tree"}}}},
}


def test_a_schema_that_holds_itself() -> None:
    strict = strict_schema(TREE)
    assert strict is not None
    assert strict["$defs"]["Tree"]["properties"]["left"] == {"$ref": "#/$defs/Tree"}


@pytest.mark.parametrize(
    "inner",
    [
        {},
        True,
        {"description": "anything"},
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": True},
        {"type": "array"},
        {"type": "array", "prefixItems": [{"type": "string"}]},
        {"not": {"type": "string"}},
        {"allOf": [{"type": "object", "properties": {}}, {"type": "object", "properties": {}}]},
        {"$ref": "#/$defs/Missing", "description": "points nowhere"},
        {"$ref": "#/properties/inner", "description": "holds itself for ever"},
    ],
)
def test_what_has_no_strict_form(inner: Any) -> None:
    assert strict_schema({"type": "object", "properties": {"inner": inner}}) is None


def test_an_object_without_keys_is_closed() -> None:
    empty = {"type": "object", "additionalProperties": False}
    assert strict_schema(empty) == {**empty, "properties": {}, "required": []}
