"""How a line is cut into words and words become values; laws over what people write."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.error import UsageError

from agnt5_jupyter.words import call_of, exception_of, interpolate, pair, plain, plain_value, split

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        | st.sets(st.integers(), max_size=3).filter(bool)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(["a", "key", "value_2"])


@given(st.lists(VALUES, max_size=4))
def test_each_value_is_one_word(values: list[Any]) -> None:
    assert split("  ".join(map(repr, values))) == [repr(value) for value in values]


@given(st.lists(VALUES, max_size=3), st.dictionaries(NAMES, VALUES, max_size=3))
def test_arguments_come_back(args: list[Any], kwargs: dict[str, Any]) -> None:
    words = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
    assert call_of(" ".join(words), {}) == (args, kwargs)
    assert call_of(", ".join(words), {}) == (args, kwargs)


@given(st.text())
def test_a_text_is_the_same_with_or_without_quotes(text: str) -> None:
    assert plain(repr(text)) == text
    assert plain_value(repr(text), {}) == text


@given(st.text(alphabet="ab'\"[]{}()=, \\", max_size=12))
def test_cutting_loses_nothing_or_says_what_is_open(line: str) -> None:
    try:
        words = split(line)
    except UsageError:
        assert set(line) & set("'\"([{")
    else:
        assert "".join("".join(words).split()) == "".join(line.split())


def test_names_and_the_last_value_are_the_notebooks() -> None:
    names = {"x": 5, "_": "last", "more": {"k": 1}, "many": [1, 2]}
    assert call_of("x _ *many **more", names) == ([5, "last", 1, 2], {"k": 1})
    assert call_of("x + 1, max(x, 7)", names) == ([6, 7], {})


def test_an_apostrophe_in_a_word_opens_nothing() -> None:
    assert split("--reason it's it's") == ["--reason", "it's", "it's"]
    assert split("""f'a b' path="x y" rb"c d" """) == ["f'a b'", 'path="x y"', 'rb"c d"']


def test_a_word_that_is_no_expression_is_meant_as_it_is() -> None:
    assert plain_value("paid", {}) == "paid"
    assert plain_value("paid", {"paid": 3}) == 3
    assert plain_value("2026-11-26T10:00", {}) == "2026-11-26T10:00"
    assert plain_value("None", {}) is None
    assert plain_value("{'a': x}", {"x": 1}) == {"a": 1}


def test_pairs_and_exceptions() -> None:
    assert pair("charge#2={'ok': 1}", "--set") == ("charge#2", "{'ok': 1}")
    for word in ("charge", "=1"):
        with pytest.raises(UsageError, match="--set is NAME=VALUE"):
            pair(word, "--set")
    error = exception_of("ValueError:sold out", {})
    assert type(error) is ValueError
    assert error.args == ("sold out",)
    assert isinstance(exception_of("TimeoutError", {}), TimeoutError)
    assert str(exception_of("KeyError(x)", {"x": 1})) == "1"
    with pytest.raises(UsageError, match="written as ValueError:message"):
        exception_of("7", {})


def test_braces_in_instructions() -> None:
    names: dict[str, Any] = {"name": "Ada", "rules": {"tone": "calm"}, "items": ["one"]}
    assert interpolate("{name} is {rules['tone']}, {items[0]}", names) == "Ada is calm, one"
    for text in ('{"a": {"b": 1}}', "{}", "{ name }", "{1}", "{name!r}"):
        assert interpolate(text, names) == text
    assert interpolate("{{name}}", names) == "{name}"
    with pytest.raises(UsageError, match="'nobody': NameError"):
        interpolate("{nobody}", names)
