"""Which words of a value it is found by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agnt5.codec import encode
from agnt5.memory.text import LONGEST, fold, text_in


@dataclass
class Order:
    item: str
    note: Path


def found_by(value: object) -> list[str]:
    return text_in(encode(value)).split()


def test_words_are_those_of_texts_names_and_numbers() -> None:
    assert found_by({"user": ["Hello", 4.5], "n": 3}) == ["user", "Hello", "4.5", "n", "3"]
    assert found_by({1: True, "a": None}) == ["1", "a"]
    assert found_by(Order("tea", Path("box"))) == ["item", "tea", "note", "box"], "not by the name of the class"
    assert found_by([b"secret bytes", ("x", {"y"})]) == ["x", "y"]


def test_accents_and_widths_are_folded() -> None:
    assert fold("Crème brûlée ＡＢＣ ﬁ") == "Creme brulee ABC fi"


def test_a_long_value_is_found_by_its_beginning() -> None:
    assert len(text_in(encode(["word " * 10_000]))) <= LONGEST
