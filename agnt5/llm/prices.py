"""What models cost: a table that users can edit. A model that is not in it costs None, never a guess.

Prices are US dollars for a million tokens, as providers publish them. They change: `set_price` wins over the table.
"""

from __future__ import annotations

import threading
from typing import NamedTuple

from agnt5.errors import ConfigurationError
from agnt5.llm.types import Usage


class Price(NamedTuple):
    """US dollars for a million tokens; `cached`: of input that the provider had in its cache."""

    input: float
    output: float
    cached: float | None = None


_MILLION = 1_000_000
_lock = threading.Lock()

PRICES: dict[str, Price] = {
    "local": Price(0.0, 0.0),
    "scripted": Price(0.0, 0.0),
}
"""By `provider/model` or `provider`; a name also stands for later versions of it that begin with it and a hyphen."""


def set_price(name: str, input: float, output: float, cached: float | None = None) -> None:
    """Say what `provider/model` (or a whole `provider`) costs, in US dollars for a million tokens."""
    if min(input, output, cached or 0.0) < 0:
        raise ConfigurationError(f"The price of {name} cannot be below zero.")
    with _lock:
        PRICES[name] = Price(input, output, cached)


def price(provider: str, model: str) -> Price | None:
    """The price of a model: of its name, of the longest name it begins with, or of its provider."""
    name = f"{provider}/{model}"
    with _lock:
        known = [key for key in PRICES if name == key or name.startswith((f"{key}-", f"{key}@")) or key == provider]
        return PRICES[max(known, key=len)] if known else None


def cost(provider: str, model: str, usage: Usage) -> float | None:
    """US dollars, or None when nobody has said what the model costs."""
    found = price(provider, model)
    if found is None:
        return None
    cached = min(usage.cached, usage.input)
    rate = found.input if found.cached is None else found.cached
    return ((usage.input - cached) * found.input + cached * rate + usage.output * found.output) / _MILLION
