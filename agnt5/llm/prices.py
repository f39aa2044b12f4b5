"""What models cost: a table that users can edit. A model that is not in it costs None, never a guess.

Prices are US dollars for a million tokens, as providers publish them. They change: `set_price` wins over the table.
"""

from __future__ import annotations

import re
import threading

from agnt5.errors import ConfigurationError
from agnt5.llm.pricelist import PUBLISHED, Price
from agnt5.llm.types import Usage

_MILLION = 1_000_000
_lock = threading.Lock()

PRICES: dict[str, Price] = {"local": Price(0.0, 0.0), "scripted": Price(0.0, 0.0), **PUBLISHED}
"""By `provider/model` or `provider`; a name also stands for its dated versions, as in `openai/gpt-5.4-2026-03-05`."""

# A longer name is often another model with another price (gpt-5 and gpt-5-pro), a date or number never is.
_VERSION = re.compile(r"[-@](\d{4}-\d\d-\d\d|\d{8}|\d{6}|\d{3,4})")


def set_price(
    name: str, input: float, output: float, cached: float | None = None, written: float | None = None
) -> None:
    """Say what `provider/model` (or a whole `provider`) costs, in US dollars for a million tokens.

    `cached`: of input read from the provider's cache; `written`: of input put there. Without them, what input costs.
    """
    if min(input, output, cached or 0.0, written or 0.0) < 0:
        raise ConfigurationError(f"The price of {name} cannot be below zero.")
    with _lock:
        PRICES[name] = Price(input, output, cached, written)


def price(provider: str, model: str) -> Price | None:
    """The price of a model: of its name, of the longest name it is a dated version of, or of its provider."""
    name = f"{provider}/{model}"
    with _lock:
        known = [key for key in PRICES if key in (name, provider) or _is_version(name, key)]
        return PRICES[max(known, key=len)] if known else None


def cost(provider: str, model: str, usage: Usage) -> float | None:
    """US dollars, or None when nobody has said what the model costs."""
    found = price(provider, model)
    if found is None:
        return None
    if found.above is not None and found.long is not None and usage.input > found.above:
        found = found.long
    cached = min(usage.cached, usage.input)
    written = min(usage.written, usage.input - cached)
    paid = (
        (usage.input - cached - written) * found.input
        + cached * (found.input if found.cached is None else found.cached)
        + written * (found.input if found.written is None else found.written)
        + usage.output * found.output
    )
    return paid / _MILLION


def _is_version(name: str, key: str) -> bool:
    return name.startswith(key) and _VERSION.fullmatch(name, len(key)) is not None
