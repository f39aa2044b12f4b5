"""What requests cost: the name that fits best, the part from the cache, long prompts; None for what nobody knows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agnt5.errors import ConfigurationError
from agnt5.llm import Usage, prices, set_price
from agnt5.llm.pricelist import PUBLISHED, Price
from agnt5.llm.prices import cost, price

MILLION = 1_000_000


@pytest.fixture(autouse=True)
def _table_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "PRICES", dict(prices.PRICES))


def test_input_output_and_cache_cost_what_the_table_says() -> None:
    assert cost("openai", "gpt-4o", Usage(MILLION, MILLION)) == pytest.approx(2.5 + 10)
    assert cost("openai", "gpt-4o", Usage(MILLION, 0, cached=MILLION)) == pytest.approx(1.25)
    assert cost("openai", "gpt-4o", Usage(MILLION, 0, cached=MILLION // 4)) == pytest.approx(0.75 * 2.5 + 0.25 * 1.25)
    assert cost("openai", "gpt-4o", Usage()) == 0


def test_reasoning_is_part_of_the_output_and_is_not_counted_twice() -> None:
    assert cost("openai", "o3", Usage(0, MILLION, reasoning=MILLION // 2)) == pytest.approx(8)


def test_a_cache_without_a_price_of_its_own_costs_as_input() -> None:
    set_price("acme/m", 4, 1)
    assert cost("acme", "m", Usage(MILLION, 0, cached=MILLION)) == pytest.approx(4)


def test_what_is_put_into_a_cache_has_a_price_of_its_own() -> None:
    assert cost("anthropic", "claude-opus-5-5", Usage(MILLION, 0, written=MILLION)) == pytest.approx(5)
    mixed = Usage(MILLION, 0, cached=MILLION // 2, written=MILLION // 4)
    assert cost("anthropic", "claude-opus-5-5", mixed) == pytest.approx(0.5 * 0.2 + 0.25 * 5 + 0.25 * 4)
    set_price("acme/m", 4, 1)
    assert cost("acme", "m", Usage(MILLION, 0, written=MILLION)) == pytest.approx(4)
    set_price("acme/m", 4, 1, written=6)
    assert cost("acme", "m", Usage(MILLION, 0, written=MILLION)) == pytest.approx(6)


def test_a_long_prompt_makes_the_whole_request_dearer() -> None:
    at, above = Usage(272_000, MILLION, cached=72_000), Usage(272_001, MILLION, cached=72_001)
    assert cost("openai", "gpt-5.4", at) == pytest.approx(0.2 * 2.5 + 0.072 * 0.25 + 15)
    assert cost("openai", "gpt-5.4", above) == pytest.approx(0.2 * 5 + 0.072_001 * 0.5 + 22.5)


@pytest.mark.parametrize(
    ("model", "same_as"),
    [
        ("gpt-4o-2024-11-20", "gpt-4o"),
        ("gpt-5-mini-2025-08-07", "gpt-5-mini"),
        ("gpt-5.4-2026-03-05", "gpt-5.4"),
        ("gpt-5.2-pro-2025-12-11", "gpt-5.2-pro"),
    ],
)
def test_a_dated_version_costs_what_its_model_costs(model: str, same_as: str) -> None:
    assert price("openai", model) == PUBLISHED[f"openai/{same_as}"]


def test_versions_of_other_providers() -> None:
    assert price("anthropic", "claude-haiku-4-5-20251001") == PUBLISHED["anthropic/claude-haiku-4-5"]
    assert price("anthropic", "claude-opus-4-5@20251101") == PUBLISHED["anthropic/claude-opus-4-5"]
    assert price("google", "gemini-2.5-flash-001") == PUBLISHED["google/gemini-2.5-flash"]


@pytest.mark.parametrize(
    "model", ["gpt-5-turbo", "gpt-4o-audio-preview", "gpt-5.4-mini-high", "gpt-4o-mini-tts", "gpt", "o3-9", ""]
)
def test_another_model_with_a_longer_name_has_no_price(model: str) -> None:
    assert price("openai", model) is None
    assert cost("openai", model, Usage(1, 1)) is None


def test_the_longest_name_wins() -> None:
    set_price("acme", 1, 1)
    set_price("acme/m", 2, 2)
    set_price("acme/m-2026-01-01", 3, 3)
    assert price("acme", "other") == Price(1, 1)
    assert price("acme", "m-2025-01-01") == Price(2, 2)
    assert price("acme", "m-2026-01-01") == Price(3, 3)


def test_what_a_person_says_wins_over_the_table() -> None:
    set_price("openai/gpt-4o", 1, 2, cached=0.5)
    assert cost("openai", "gpt-4o", Usage(MILLION, MILLION, cached=MILLION)) == pytest.approx(2.5)
    with pytest.raises(ConfigurationError, match="below zero"):
        set_price("openai/gpt-4o", -1, 2)


def test_local_models_cost_nothing() -> None:
    assert cost("local", "anything", Usage(5, 5)) == 0


@pytest.mark.parametrize(("name", "found"), PUBLISHED.items(), ids=PUBLISHED)
def test_every_published_price_makes_sense(name: str, found: Price) -> None:
    provider, _, model = name.partition("/")
    assert price(provider, model) == found
    assert 0 < found.input <= 100
    assert found.output == 0 or found.output >= found.input
    assert found.cached is None or 0 < found.cached < found.input
    assert found.written is None or found.input < found.written
    assert (found.above is None) == (found.long is None)
    if found.long is not None:
        assert found.long.input > found.input
        assert found.long.output > found.output
        assert (found.long.cached is None, found.long.written is None) == (found.cached is None, found.written is None)


tokens = st.integers(0, 10**7)


@given(st.sampled_from(sorted(PUBLISHED)), tokens, tokens, tokens, tokens)
def test_more_tokens_never_cost_less_and_the_cache_never_more(
    name: str, sent: int, got: int, hit: int, more: int
) -> None:
    provider, _, model = name.partition("/")

    def paid(usage: Usage) -> float:
        found = cost(provider, model, usage)
        assert found is not None
        return found

    plain = paid(Usage(sent, got))
    assert paid(Usage(sent, got, cached=hit)) <= plain + 1e-9
    assert paid(Usage(sent + more, got)) >= plain
    assert paid(Usage(sent, got + more)) >= plain
