"""What goes in comes out: same value, same type, same bytes in every process."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from agnt5.codec import decode, decode_call, encode, encode_call, preview
from ground import corpus
from ground.corpus import VALUES, Colour, Frozen, Order, Point, same

atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**62, max_value=2**66),
    st.floats(),
    st.text(),
    st.text(st.characters(categories=["Cs", "Ll"])),
    st.sampled_from(["~", "~tuple", '{"~']),
    st.binary(),
    st.complex_numbers(),
    st.decimals(),
    st.fractions(),
    st.datetimes(timezones=st.none() | st.timezones() | st.just(dt.UTC), allow_imaginary=True),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.sampled_from(Colour),
)
keys = st.one_of(
    st.text(), st.sampled_from(["~", "~tuple", "~dict"]), st.integers(), st.booleans(), st.tuples(st.text())
)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner),
        st.dictionaries(st.text(), inner),
        st.dictionaries(keys, inner),
        st.dictionaries(st.just("~tuple"), inner),
        st.lists(inner).map(tuple),
        st.frozensets(st.text() | st.integers() | st.tuples(st.integers(), st.text())),
        st.sets(st.binary() | st.integers()),
        st.builds(lambda a, b: Point(a, b), st.integers(), inner),
        st.builds(Frozen, st.text(), inner),
        st.builds(Order, st.integers(), st.lists(inner)),
    )


values = st.recursive(atoms, containers, max_leaves=25)


@pytest.mark.parametrize("value", VALUES, ids=[f"{i}-{type(value).__name__}" for i, value in enumerate(VALUES)])
def test_each_kind_comes_back_exactly(value: Any) -> None:
    data = encode(value)
    assert same(decode(data), value)
    assert encode(decode(data)) == data
    assert len(preview(data, 80)) <= 80


@given(values)
def test_round_trip(value: Any) -> None:
    data = encode(value)
    back = decode(data)
    assert same(back, value)
    assert encode(back) == data
    preview(data)


@given(st.lists(values, max_size=4), st.dictionaries(st.text(st.characters(codec="utf-8")), values, max_size=4))
def test_calls_round_trip(args: list[Any], kwargs: dict[str, Any]) -> None:
    data = encode_call(tuple(args), kwargs)
    back_args, back_kwargs = decode_call(data)
    assert same(back_args, tuple(args))
    assert same(back_kwargs, kwargs)
    assert encode_call(back_args, back_kwargs) == data


@given(values)
def test_a_call_of_one_value_holds_the_bytes_of_that_value(value: Any) -> None:
    assert encode_call((value,), {}) == b"[[" + encode(value) + b"],{}]"


@given(values)
def test_a_plain_sibling_does_not_change_the_bytes(value: Any) -> None:
    # The fast and the slow path must agree: the tuple forces the slow one on both.
    assert encode([value, ()]) == b"[" + encode(value) + b"," + encode(()) + b"]"


@given(st.sets(st.one_of(st.text(), st.integers(), st.tuples(st.text(), st.integers()))))
def test_order_of_insertion_into_a_set_leaves_no_trace(members: set[Any]) -> None:
    forwards, backwards = set[Any](), set[Any]()
    for member in members:
        forwards.add(member)
    for member in reversed(list(members)):
        backwards.add(member)
    assert encode(forwards) == encode(backwards)


def test_two_processes_with_other_hash_seeds_make_the_same_bytes() -> None:
    outputs = []
    for seed in ("0", "12345"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        outputs.append(subprocess.check_output([sys.executable, corpus.__file__], env=environment))
    assert outputs[0] == outputs[1]
    assert outputs[0].count(b"\n") == len(VALUES) + 1


def test_arguments_are_copies() -> None:
    # What a step does to its arguments must not reach the flow that passed them.
    given_list: list[Any] = [1, {"a": (2,)}]
    (received,), _ = decode_call(encode_call((given_list,), {}))
    received[1]["a"] = "changed"
    assert given_list == [1, {"a": (2,)}]


def test_the_bytes_are_readable_json() -> None:
    assert encode({"id": 1, "tags": ("a", "b")}) == b'{"id":1,"tags":{"~tuple":["a","b"]}}'
    assert encode_call((1, "x"), {"flag": True}) == b'[[1,"x"],{"flag":true}]'
    assert encode(uuid.UUID(int=1)) == b'{"~uuid":"00000000-0000-0000-0000-000000000001"}'
    assert encode(Decimal("1.50")) == b'{"~decimal":"1.50"}'
    assert encode(Path("/x")) == b'{"~path":["PosixPath","/x"]}'


def test_aware_and_naive_datetimes_stay_what_they_are() -> None:
    naive = dt.datetime(2024, 1, 1)
    assert decode(encode(naive)).tzinfo is None
    assert decode(encode(naive.replace(tzinfo=corpus.BERLIN))).tzinfo.key == "Europe/Berlin"
    assert decode(encode(naive.replace(tzinfo=dt.UTC))).tzinfo is dt.UTC


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": (1, "x")}, "{'a': (1, 'x')}"),
        (Frozen("k", {1}), "Frozen(key='k', inner={1})"),
        (Colour.RED, "Colour.RED"),
        (Point(1, None), "Point(1, None)"),
        ("\x1b[31mred", "'\\x1b[31mred'"),
        (2**70, str(2**70)),
        (float("nan"), "nan"),
        (b"ab", "b'ab'"),
        (ValueError("no"), "ValueError('no')"),
        (dt.datetime(2024, 1, 1, tzinfo=corpus.BERLIN), "2024-01-01T00:00:00 Europe/Berlin"),
    ],
)
def test_previews(value: Any, shown: str) -> None:
    assert preview(encode(value), 100) == shown


def test_a_preview_of_a_large_value_is_short_and_says_how_large() -> None:
    assert preview(encode(["x" * 50] * 100_000), 60).endswith("bytes)")
    assert len(preview(encode(list(range(10_000))), 60)) == 60
