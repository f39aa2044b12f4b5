"""Recorded values as trees for people: what is shown at first, what comes when asked, and that nothing is obeyed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agnt5 import Secret
from agnt5.codec import encode, encode_call, outline, outline_call, visible
from agnt5.codec.outline import LINE, TEXT


@dataclass
class Order:
    item: str
    amount: int


def names(node: dict[str, Any]) -> list[str]:
    return [name for name, _ in node["children"]]


def test_a_mapping_shows_its_children_and_the_types_inside() -> None:
    node = outline(encode({"order": Order("lamp", 2), "pair": (1, None), "ok": True}))
    assert (node["kind"], node["size"], names(node)) == ("map", 3, ["order", "pair", "ok"])
    order, pair, ok = (child for _, child in node["children"])
    assert (order["kind"], order["type"], names(order)) == ("object", "Order", ["item", "amount"])
    assert (pair["kind"], pair["type"], pair["size"]) == ("list", "tuple", 2)
    assert ok == {"kind": "bool", "line": "True"}


def test_a_call_shows_its_arguments() -> None:
    node = outline_call(encode_call(("a", 1), {"size": 2}))
    assert (node["line"], names(node)) == ("('a', 1, size=2)", ["0", "1", "size"])
    assert outline_call(encode_call(("a",), {"deep": {"x": [7]}}), [1, 0, 0])["line"] == "7"


def test_a_long_list_comes_in_pieces() -> None:
    data = encode(list(range(250)))
    first = outline(data)
    assert first["size"] == 250
    assert names(first) == [str(n) for n in range(100)]
    assert names(outline(data, start=200)) == [str(n) for n in range(200, 250)]


def test_levels_below_are_asked_by_path() -> None:
    data = encode({"a": {"b": {"c": {"d": "deep"}}}})
    level = outline(data)["children"][0][1]["children"][0][1]
    assert (level["size"], "children" in level) == (1, False)
    assert outline(data, [0, 0])["children"][0][1]["children"][0][1]["line"] == "'deep'"


def test_a_long_text_comes_in_pieces() -> None:
    data = encode("x" * 9_000)
    first = outline(data)
    assert (first["size"], len(first["text"])) == (9_000, TEXT)
    assert len(outline(data, start=TEXT * 2)["text"]) == 1_000


def test_tables_and_arrays_are_previews() -> None:
    pandas = pytest.importorskip("pandas")
    numpy = pytest.importorskip("numpy")
    frame = outline(encode({"it": pandas.DataFrame({"city": ["Oslo", "Rome"] * 40, "n": [1.5, 2.0] * 40})}))
    table = frame["children"][0][1]["table"]
    assert (table["shape"], table["columns"], len(table["rows"])) == ([80, 2], ["", "city", "n"], 30)
    assert table["rows"][0] == ["0", "Oslo", "1.5"]
    array = outline(encode(numpy.arange(6).reshape(2, 3)))["table"]
    assert (array["shape"], array["rows"][1]) == ([2, 3], ["1", "3", "4", "5"])


def test_credentials_are_masked_and_control_characters_visible() -> None:
    key = "sk-" + "a1" * 20
    secret = Secret("OUTLINE_TEST", "hunter2-and-more")
    shown = json.dumps(outline(encode({"k": key, key: 1, "long": f"{'y' * 80} {key} {secret.reveal()}", "s": secret})))
    assert key not in shown
    assert "hunter2" not in shown
    text = outline(encode("\x1b[31mred\x1b[0m\u202e line\nnext\ttab" + "." * 60))["text"]
    assert text.startswith("\\x1b[31mred\\x1b[0m\\u202e line\nnext\ttab")
    assert visible("a\r\nb\x00") == "a\nb\\x00"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"~dataclass":1}',
        b'{"~dataclass":["m:C"]}',
        b'{"~dict":[[1]]}',
        b'{"~dict":7}',
        b'{"~dataframe":["AAAA",{}]}',
        b'{"~ndarray":"AAAA"}',
        b'{"~ndarray":{}}',
        b'{"~error":{}}',
        b'{"~error":{"type":"m:E","message":"x"}}',
        b'{"~call":[1,2]}',
        b'{"~nobody":[1,{"~tuple":3}]}',
        b"[" * 400 + b"]" * 400,
    ],
)
def test_damaged_and_hostile_records_are_told_and_never_raise(data: bytes) -> None:
    node = outline(data)
    assert isinstance(node["line"], str)
    assert len(node["line"]) <= LINE + 60
    json.dumps(node)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    ),
    st.lists(st.integers(0, 5), max_size=4),
)
def test_any_value_and_any_path_give_json_without_control_characters(value: Any, path: list[int]) -> None:
    shown = json.dumps(outline(encode(value), path), ensure_ascii=False)
    assert all(c.isprintable() for c in shown)
