"""Secrets are recorded by name, shown by nobody, and found where they were forgotten."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
from hypothesis import given

from agnt5.codec import decode, encode, preview
from agnt5.errors import ConfigurationError
from agnt5.secret import HIDDEN, Secret, configure_secrets, find_secrets, forget_secrets, mask


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    forget_secrets()
    yield
    forget_secrets()


def test_a_secret_is_recorded_as_its_name() -> None:
    data = encode({"key": Secret("API_KEY", "hunter22")})
    assert data == b'{"key":{"~secret":"API_KEY"}}'
    assert decode(data)["key"].reveal() == "hunter22"
    assert preview(data) == "{'key': secret('API_KEY')}"


def test_the_value_comes_from_the_environment_of_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(Secret("SOME_KEY"))
    secret = decode(data)
    assert not secret.known
    with pytest.raises(ConfigurationError, match=r"'SOME_KEY' is not known.*environment variable SOME_KEY"):
        secret.reveal()
    monkeypatch.setenv("SOME_KEY", "from the environment")
    assert secret.reveal() == "from the environment"
    monkeypatch.setenv("SOME_KEY", "rotated value")
    assert secret.reveal() == "rotated value"
    assert mask("was: from the environment, is: rotated value") == f"was: {HIDDEN}, is: {HIDDEN}"


def test_declared_values_win_over_resolvers_and_those_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K", "environment")
    configure_secrets(lambda name: "resolver" if name == "K" else None)
    assert Secret("K").reveal() == "resolver"
    configure_secrets({"K": "declared"})
    assert Secret("K").reveal() == "declared"
    monkeypatch.setenv("OTHER", "other one")
    assert Secret("OTHER").reveal() == "other one"


def test_nothing_shows_the_value() -> None:
    secret = Secret("K", "hunter22")
    for shown in (str(secret), repr(secret), f"{secret}", f"{secret:>12}", "%s" % secret, ascii([secret])):  # noqa: UP031
        assert "hunter22" not in shown
    assert repr(secret) == "Secret('K')"
    assert b"hunter22" not in pickle.dumps(secret)
    assert copy.deepcopy(secret) == secret
    assert Secret("K") == secret != Secret("L")
    assert len({Secret("K"), secret}) == 1
    with pytest.raises(AttributeError):
        secret.name = "other"


def test_a_secret_needs_a_name() -> None:
    for wrong in ("", "x" * 300, "a\nb", 3):
        with pytest.raises(ConfigurationError):
            Secret(wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError):
        Secret("K", 5)  # type: ignore[arg-type]


KNOWN = {
    "API key": [
        "sk-proj-abcDEF1234567890abcdef",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "sk-ant-api03-abcdefgh12345678-xyz",
    ],
    "AWS access key": ["AKIAIOSFODNN7EXAMPLE"],
    "GitHub token": ["ghp_abcdefghijklmnopqrstuvwxyz0123456789", "github_pat_11ABCDEFG0abcdefghijklmnop"],
    "Slack token": ["xoxb-123456789012-abcdef"],
    "Google API key": ["AIzaSyA-abcdefghijklmnopqrstuvwxyz01234"],
    "JSON web token": ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N"],
    "bearer token": ["Bearer abcdef0123456789abcdef"],
    "private key": ["-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in KNOWN.items() for text in texts])
def test_known_patterns_are_masked_and_found(kind: str, text: str) -> None:
    shown = mask(f"before {text} after")
    assert HIDDEN in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert text not in shown
    assert find_secrets(encode({"x": f"one\n{text}"})) == [kind]
    assert text[-12:] not in preview(encode([text]), 500)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a plain text",
        "sk-learn",
        "task-oriented-dialogue-system",
        "risk_assessment_of_things",
        "the bearer of news",
        "eyJ",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert mask(text) == text
    assert find_secrets(text) == []


def test_declared_values_are_masked_also_when_escaped() -> None:
    Secret("PASSWORD", 'quo"ted\\pass')
    assert mask('x quo"ted\\pass y') == f"x {HIDDEN} y"
    data = encode({"p": 'quo"ted\\pass'})
    assert mask(data.decode()) == f'{{"p":"{HIDDEN}"}}'
    assert find_secrets(data) == ["secret PASSWORD"]


def test_short_values_do_not_blot_out_text() -> None:
    Secret("PIN", "12")
    assert mask("12 o'clock") == "12 o'clock"
    assert find_secrets("12") == []


@given(st.text())
def test_masking_is_done_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@given(st.text(min_size=6), st.text(), st.text())
def test_a_declared_value_never_survives(value: str, before: str, after: str) -> None:
    forget_secrets()
    Secret("S", value)
    shown = mask(before + value + after)
    assert value not in shown or value in HIDDEN or value in before + HIDDEN + after


def test_masking_hostile_text_takes_no_forever() -> None:
    # Each would hang an expression that backtracks.
    for text in ("sk-" + "a-" * 50_000, "-----BEGIN PRIVATE KEY-----" * 2_000, "eyJ" * 50_000, "Bearer " * 50_000):
        mask(text)
