"""What the command line prints: foreign text is inert, tables fit, durations read well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agnt5.cli import text


@given(st.text())
def test_visible_text_has_nothing_a_terminal_obeys(value: str) -> None:
    assert all(c.isprintable() for c in text.visible(value))
    assert all(c.isprintable() or c in "\n\t" for c in text.visible(value, lines=True))


@given(st.text(alphabet=st.characters(codec="ascii", min_codepoint=32, max_codepoint=126)))
def test_plain_text_stays_as_it_is(value: str) -> None:
    assert text.visible(value) == value


def test_escape_sequences_and_direction_marks_show() -> None:
    assert text.visible("\x1b[31mred\x07") == "␛[31mred␇"
    assert text.visible("a\u202eb\x9bc") == "a\\u202eb\\x9bc"
    assert text.visible("a\nb") == "a␊b"
    assert text.visible("a\nb", lines=True) == "a\nb"


@given(st.text(), st.integers(1, 40))
def test_a_fitted_text_never_exceeds_its_columns(value: str, columns: int) -> None:
    assert text.width(text.fit(text.visible(value), columns)) <= columns


def test_a_table_is_no_wider_than_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = text.table(("ID", "NOTE"), [("r_1", "x" * 100), ("r_2", "日本語" * 20)])
    assert [text.width(line) for line in shown.splitlines()] == [9, 40, 40]
    assert shown.splitlines()[1].endswith("…")


def test_no_colour_where_there_is_no_terminal() -> None:
    assert text.colour("failed", "failed") == "failed"


@pytest.mark.parametrize(
    ("microseconds", "shown"),
    [
        (7, "7 us"),
        (12_345, "12 ms"),
        (3_400_000, "3.4 s"),
        (125_000_000, "2 min 5 s"),
        (12_000_000_000, "3 h 20 min"),
        (187_200_000_000, "2 d 4 h"),
    ],
)
def test_durations(microseconds: int, shown: str) -> None:
    assert text.lasted(microseconds) == shown


def test_credentials_are_masked() -> None:
    key = "sk-" + "proj1234567890abcdefgh"
    assert key not in text.shown(f"key {key}")
    assert key not in text.as_json({"note": key})
    assert key not in text.table(("NOTE",), [(key,)])


def test_json_is_ascii() -> None:
    assert text.as_json({"note": "\x1b[0m\u202e"}).isascii()
    assert "\x1b" not in text.as_json({"note": "\x1b"})
