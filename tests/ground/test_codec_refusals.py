"""What cannot come back exactly is refused, with the path to it and a way out."""

from __future__ import annotations

import dataclasses
import datetime as dt
import sys
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from agnt5.codec import MAX_DEPTH, decode, decode_call, encode, encode_call, register_type
from agnt5.errors import SerializationError
from ground.corpus import Frozen, Order


def refusal(value: Any, **options: Any) -> SerializationError:
    with pytest.raises(SerializationError) as caught:
        encode(value, **options)
    return caught.value


class Connection:
    pass


class Name(str):
    pass


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (Connection(), "value"),
        ([1, Connection()], "value[1]"),
        ({"items": [0, {"conn": Connection()}]}, "value.items[1].conn"),
        ({"a b": Connection()}, "value['a b']"),
        ({1: Connection()}, "value[1]"),
        ((1, (Connection(),)), "value[1][0]"),
        (Order(1, [Connection()]), "value.lines[0]"),
        (Frozen("k", {"x": Connection()}), "value.inner.x"),
        ({frozenset({Name("n")}): 1}, "value[frozenset({'n'})]{…}"),
    ],
)
def test_the_path_leads_to_the_value(value: Any, path: str) -> None:
    error = refusal(value)
    assert error.path == path or error.path.startswith(path[:12])
    assert error.path in str(error)


def test_calls_name_their_argument() -> None:
    with pytest.raises(SerializationError) as caught:
        encode_call((1, [Connection()]), {})
    assert caught.value.path == "input[1][0]"
    with pytest.raises(SerializationError, match=r"input\.items\[3\]\.conn cannot be recorded"):
        encode_call((), {"items": [0, 1, 2, {"conn": Connection()}]})


def test_the_root_of_the_path_is_the_callers() -> None:
    assert refusal([Connection()], root="result").path == "result[0]"


@pytest.mark.parametrize("value", [threading.Lock(), sys, int, print, lambda: 1, iter([]), open, object(), ...])
def test_live_things_are_refused(value: Any) -> None:
    assert "register_type" in str(refusal(value))


def test_files_and_generators_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "f").open("w") as file:
        assert "TextIOWrapper" in str(refusal({"file": file}))
    assert "generator" in str(refusal(number for number in [1]))


def test_a_subclass_is_not_taken_for_its_base() -> None:
    error = refusal(["x", Name("n")])
    assert "Pass str(value)" in str(error)
    assert error.path == "value[1]"

    class Plain(dict):  # type: ignore[type-arg]
        pass

    assert "dict(value)" in str(refusal(Plain()))


def test_a_time_zone_that_cannot_be_named_is_refused() -> None:
    class Odd(dt.tzinfo):
        def utcoffset(self, when: Any) -> dt.timedelta:
            return dt.timedelta(0)

    assert "zoneinfo.ZoneInfo" in str(refusal(dt.datetime(2024, 1, 1, tzinfo=Odd())))


def test_a_defaultdict_needs_a_factory_that_has_a_name() -> None:
    assert "default_factory" in str(refusal(defaultdict(lambda: 1)))


def test_cycles_are_found() -> None:
    loop: list[Any] = [1]
    loop.append({"me": loop})
    error = refusal(loop)
    assert "contains itself" in str(error)
    assert error.path == "value[1].me"

    order = Order(1)
    order.lines.append(order)
    assert refusal(order).path == "value.lines[0]"

    wide: list[Any] = []
    wide.extend([wide] * 10)
    assert "contains itself" in str(refusal(wide))


def test_the_same_object_twice_is_no_cycle() -> None:
    shared = [(1,)]
    assert decode(encode([shared, shared])) == [[(1,)], [(1,)]]


def nested(depth: int, wrap: Any) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = wrap(value)
    return value


WRAPS = [lambda v: [v], lambda v: {"a": v}, lambda v: (v,), lambda v: Frozen("k", v), lambda v: {1: v}]


@pytest.mark.parametrize("wrap", WRAPS)
def test_deep_values_come_back_up_to_the_limit(wrap: Any) -> None:
    data = encode(nested(MAX_DEPTH, wrap))
    assert encode(decode(data)) == data


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 20_000])
def test_deeper_values_are_refused_not_crashed(wrap: Any, depth: int) -> None:
    value = nested(depth, wrap)
    assert "nested deeper than 200" in str(refusal(value))
    while type(value) in (list, dict, tuple, Frozen):  # taken apart by hand: freeing it recurses, too
        value = value.inner if type(value) is Frozen else next(iter(value.values() if type(value) is dict else value))


def test_a_size_limit_is_a_clear_error() -> None:
    error = refusal(["x" * 1000] * 10, limit=5_000)
    assert "10,031 bytes, and 5,000 is the limit" in str(error)
    with pytest.raises(SerializationError, match="limit"):
        encode_call(("x" * 6_000,), {}, limit=5_000)
    assert encode("x" * 4_000, limit=5_000)


def test_a_hundred_megabytes_pass_the_default_limit() -> None:
    text = "x" * 100_000_000
    assert decode(encode(text)) == text


def test_a_container_that_changes_meanwhile_is_an_error() -> None:
    grown: dict[Any, Any] = {}

    class Sneaky:
        pass

    def encode_sneaky(value: Any) -> int:
        grown[len(grown)] = 1
        return 1

    register_type(Sneaky, encode=encode_sneaky, decode=lambda form: Sneaky())
    grown[0] = Sneaky()
    grown["x"] = 2
    assert "changed size" in str(refusal(grown))


def test_a_failing_encode_function_is_named() -> None:
    class Fragile:
        pass

    def fail(value: Any) -> Any:
        raise KeyError("inside")

    register_type(Fragile, encode=fail, decode=fail)
    error = refusal([Fragile()])
    assert "Fragile raised KeyError: 'inside'" in str(error)
    assert isinstance(error.__cause__, KeyError)


def test_serialization_errors_are_type_errors() -> None:
    with pytest.raises(TypeError):
        encode(object())


@pytest.mark.parametrize("data", [b"", b"[", b"\xff", b"NaN", b'"\xff"', b"[1,]", b"9" * 6_000, b"1e999"])
def test_damaged_bytes_are_errors(data: bytes) -> None:
    with pytest.raises(SerializationError, match="cannot be read back"):
        decode(data)
    with pytest.raises(SerializationError, match="input cannot be read back"):
        decode_call(data)


@pytest.mark.parametrize("data", [b"1", b"[1]", b"[{},{}]", b"[[],[]]", b"[[],{},1]", b"null"])
def test_a_call_must_look_like_one(data: bytes) -> None:
    with pytest.raises(SerializationError):
        decode_call(data)


def test_unhashable_keys_in_a_record_are_errors() -> None:
    for data in (b'{"~set":[[1]]}', b'{"~dict":[[{"a":1},2]]}', b'{"~dict":[1]}', b'{"~tuple":3}'):
        with pytest.raises(SerializationError):
            decode(data)


@dataclasses.dataclass
class Fine:
    value: Any


def test_a_dataclass_built_on_a_builtin_is_refused() -> None:
    @dataclasses.dataclass
    class Listed(list[int]):
        name: str = ""

    assert "register_type" in str(refusal(Listed()))
    assert decode(encode(Fine(1))) == Fine(1)
