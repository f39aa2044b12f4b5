"""Working memory is a dictionary that forgets what was used longest ago."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agnt5 import ConfigurationError, SerializationError
from agnt5.memory import WorkingMemory

_numbers = count()


@dataclass
class Preference:
    theme: str
    sizes: tuple[int, ...]


async def test_the_words_of_the_user_s_document() -> None:
    working_memory = WorkingMemory(capacity=1000)
    await working_memory.store("user_preferences", {"theme": "dark"})
    preferences = await working_memory.get("user_preferences")
    assert preferences == {"theme": "dark"}


async def test_what_was_used_longest_ago_goes_first() -> None:
    memory = WorkingMemory(capacity=3)
    for key in "abc":
        await memory.store(key, key.upper())
    assert await memory.keys() == ["a", "b", "c"]
    assert await memory.get("a") == "A"
    assert await memory.keys() == ["b", "c", "a"], "getting is use"
    await memory.store("c", "again")
    assert await memory.keys() == ["b", "a", "c"], "storing is use"
    await memory.store("d", "D")
    assert await memory.keys() == ["a", "c", "d"]
    assert await memory.get("b", "gone") == "gone"
    snapshot = await memory.snapshot()
    assert [entry.key for entry in snapshot.entries] == ["d", "c", "a"]
    assert (snapshot.count, snapshot.trimmed, snapshot.capacity) == (3, 1, 3)
    assert await memory.keys() == ["a", "c", "d"], "looking is no use"


async def test_values_come_back_as_they_were_stored() -> None:
    memory = WorkingMemory()
    values: list[Any] = [None, {1: (2, {3})}, b"bytes", Decimal("1.10"), Preference("dark", (1, 2)), "", []]
    for number, value in enumerate(values):
        await memory.store(str(number), value)
    for number, value in enumerate(values):
        found = await memory.get(str(number), "missing")
        assert (type(found), found) == (type(value), value)


async def test_deleting_and_clearing() -> None:
    memory = WorkingMemory()
    await memory.store("a", 1)
    await memory.store("b", 2)
    assert await memory.delete("a")
    assert not await memory.delete("a")
    assert await memory.get("a") is None
    assert await memory.clear() == 1
    assert await memory.keys() == []


async def test_many_keys_are_listed_in_order() -> None:
    memory = WorkingMemory(capacity=5000)
    await asyncio.gather(*(memory.store(f"k{n}", n) for n in range(1500)))
    for n in range(0, 1500, 300):
        await memory.get(f"k{n}")
    keys = await memory.keys()
    assert len(keys) == len(set(keys)) == 1500
    assert keys[-5:] == ["k0", "k300", "k600", "k900", "k1200"]


async def test_what_cannot_be_kept_is_said_before_anything_is_changed() -> None:
    memory = WorkingMemory()
    with pytest.raises(SerializationError, match=r"memory\['lock'\]"):
        await memory.store("lock", asyncio.Lock())
    with pytest.raises(SerializationError, match="1048576 is the limit.*Write it to a file"):
        await memory.store("large", "x" * 1_100_000)
    for key in ("", "k" * 501, 3):
        with pytest.raises(ConfigurationError, match="1 to 500 characters"):
            await memory.store(key, 1)  # type: ignore[arg-type]
    assert await memory.keys() == []
    for capacity in (0, -1, 100_001, "3", True):
        with pytest.raises(ConfigurationError, match="capacity"):
            WorkingMemory(capacity=capacity)  # type: ignore[arg-type]
    for namespace in ("", "a\nb", "n" * 501):
        with pytest.raises(ConfigurationError, match="namespace"):
            WorkingMemory(namespace=namespace)
    with pytest.raises(ConfigurationError, match="limit="):
        await memory.snapshot(limit=0)


KEYS = st.sampled_from("abcdef")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("store"), KEYS, st.integers()),
        st.tuples(st.just("get"), KEYS, st.just(0)),
        st.tuples(st.just("delete"), KEYS, st.just(0)),
        st.tuples(st.just("clear"), st.just(""), st.just(0)),
    ),
    max_size=40,
)


class Model:
    """The same on an OrderedDict."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.held: OrderedDict[str, int] = OrderedDict()

    def store(self, key: str, value: int) -> None:
        self.held[key] = value
        self.held.move_to_end(key)
        while len(self.held) > self.capacity:
            self.held.popitem(last=False)

    def get(self, key: str) -> int | None:
        if key in self.held:
            self.held.move_to_end(key)
        return self.held.get(key)

    def delete(self, key: str) -> bool:
        return self.held.pop(key, None) is not None

    def clear(self) -> int:
        count, self.held = len(self.held), OrderedDict()
        return count


# The store is the test's own, and every example has a namespace of its own in it.
@settings(max_examples=40)
@given(capacity=st.integers(1, 5), steps=STEPS)
def test_it_is_an_ordered_dictionary_with_a_bound(capacity: int, steps: list[tuple[str, str, int]]) -> None:
    async def follow() -> None:
        memory = WorkingMemory(capacity, namespace=f"model {next(_numbers)}")
        model = Model(capacity)
        for what, key, value in steps:
            match what:
                case "store":
                    await memory.store(key, value)
                    model.store(key, value)
                case "get":
                    assert await memory.get(key) == model.get(key)
                case "delete":
                    assert await memory.delete(key) == model.delete(key)
                case _:
                    assert await memory.clear() == model.clear()
            assert await memory.keys() == list(model.held)

    asyncio.run(follow())


async def test_a_key_can_be_written_down() -> None:
    with pytest.raises(ConfigurationError, match="A key of WorkingMemory is a text"):
        await WorkingMemory().store("caf\ud800e", 1)
