"""What refusals of any provider mean, beyond what the tests of adapters ask; keys, their sources and their hiding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agnt5 import Secret
from agnt5.errors import (
    ConfigurationError,
    ContentRefused,
    ContextTooLong,
    LLMError,
    ProviderAuthError,
    ProviderUnavailable,
    RateLimited,
    RequestInvalid,
)
from agnt5.llm import failures
from agnt5.llm.keys import Key
from agnt5.secret import mask
from llm.canary import KEY


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (401, "", ProviderAuthError),
        (403, "moderation_blocked", ContentRefused),
        (400, "Your credit balance is too low to access the API.", ProviderAuthError),
        (402, "insufficient_funds", ProviderAuthError),
        (400, "prompt is too long: 250000 tokens > 200000 maximum", ContextTooLong),
        (400, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097", ContextTooLong),
        (422, "The input token count exceeds the maximum context window", ContextTooLong),
        (413, "", ContextTooLong),
        (400, "max_tokens is too large: 100000", RequestInvalid),
        (400, "Invalid value for 'temperature'", RequestInvalid),
        (404, "", RequestInvalid),
        (408, "", ProviderUnavailable),
        (429, "", RateLimited),
        (500, "content_filter is down", ProviderUnavailable),
        (599, "", ProviderUnavailable),
        (302, "moved", RequestInvalid),
    ],
)
def test_what_a_status_and_words_mean(status: int, said: str, kind: type[LLMError]) -> None:
    error = failures.refused("acme/m/with/slashes", status, said)
    assert type(error) is kind
    assert (error.provider, error.model, error.status) == ("acme", "m/with/slashes", status)


@given(st.integers(100, 599), st.text(max_size=50), st.dictionaries(st.just("Retry-After"), st.text(max_size=12)))
def test_every_answer_has_a_meaning(status: int, said: str, headers: dict[str, str]) -> None:
    error = failures.refused("acme/m", status, said, headers=headers)
    assert "acme/m" in str(error)
    assert str(error).endswith(".")
    assert getattr(error, "retry_after", None) is None or getattr(error, "retry_after") >= 0  # noqa: B009


@given(st.integers(0, 700))
def test_a_key_is_hidden_wherever_the_text_is_cut(before: int) -> None:
    Key(KEY)
    shown = str(failures.refused("acme/m", 400, "x" * before + KEY))
    assert KEY[:12] not in shown


# Keys


def test_where_a_key_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    key = Key(None, "ACME_API_KEY", "ACME_KEY")
    assert key.find() is None
    with pytest.raises(ProviderAuthError, match="acme/m needs a key.*set ACME_API_KEY or ACME_KEY, or give api_key="):
        key.need("acme/m")
    monkeypatch.setenv("ACME_KEY", "second-best")
    assert key.find() == "second-best"
    monkeypatch.setenv("ACME_API_KEY", " the-first \n")
    assert key.need("acme/m") == "the-first"
    assert Key("given-here", "ACME_API_KEY").find() == "given-here"
    assert Key("", "ACME_API_KEY").find() == "the-first"


def test_a_secret_is_asked_when_the_key_is_needed() -> None:
    key = Key(Secret("ACME_SECRET"), "ACME_API_KEY")
    with pytest.raises(ConfigurationError, match="ACME_SECRET.*not known"):
        key.find()
    Secret("ACME_SECRET", KEY)
    assert key.find() == KEY


@pytest.mark.parametrize("make", [lambda: KEY, lambda: Secret("CANARY", KEY)], ids=["text", "secret"])
def test_masking_knows_every_key_and_no_form_of_it_shows(make: Callable[[], Any]) -> None:
    key = Key(make(), "ACME_API_KEY")
    assert key.find() == KEY
    assert KEY not in mask(f"echo {KEY} echo")
    assert KEY not in f"{key!r} {key}"


def test_a_key_from_the_environment_is_masked_once_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", KEY)
    Key(None, "ACME_API_KEY").find()
    assert KEY not in mask(KEY)


@pytest.mark.parametrize("wrong", [7, b"bytes", ["list"]])
def test_what_is_no_key(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="api_key is a text or an agnt5.Secret"):
        Key(wrong)
