"""Prices of the providers' main models, in US dollars for a million tokens, for standard requests.

As the providers published them in November 2026. Each line was compared in two independently kept collections of their
price pages (the packages genai-prices 0.2.3 and litellm 1.110.2) and is here only because both agree; the rest is left
out. So is Azure, where the price depends on the kind of deployment and the region, which an answer does not tell.
"""

from __future__ import annotations

from typing import NamedTuple


class Price(NamedTuple):
    """US dollars for a million tokens; `cached`: of input read from the provider's cache, `written`: of input put there
    (to be kept for the usual time).

    Where long prompts cost more: `above` so many tokens of input, the whole request costs what `long` says.
    """

    input: float
    output: float
    cached: float | None = None
    written: float | None = None
    above: int | None = None
    long: Price | None = None


_OPENAI_LONG = 272_000
_GOOGLE_LONG = 200_000

PUBLISHED: dict[str, Price] = {
    # openai
    "openai/gpt-4.1": Price(2.0, 8.0, 0.5),
    "openai/gpt-4.1-mini": Price(0.4, 1.6, 0.1),
    "openai/gpt-4o": Price(2.5, 10.0, 1.25),
    "openai/gpt-4o-mini": Price(0.15, 0.6, 0.075),
    "openai/gpt-5": Price(1.25, 10.0, 0.125),
    "openai/gpt-5-mini": Price(0.25, 2.0, 0.025),
    "openai/gpt-5-nano": Price(0.05, 0.4, 0.005),
    "openai/gpt-5-pro": Price(15.0, 120.0),
    "openai/gpt-5.1": Price(1.25, 10.0, 0.125),
    "openai/gpt-5.2": Price(1.75, 14.0, 0.175),
    "openai/gpt-5.2-pro": Price(21.0, 168.0),
    "openai/gpt-5.4": Price(2.5, 15.0, 0.25, above=_OPENAI_LONG, long=Price(5.0, 22.5, 0.5)),
    "openai/gpt-5.4-mini": Price(0.75, 4.5, 0.075),
    "openai/gpt-5.4-nano": Price(0.2, 1.25, 0.02),
    "openai/gpt-5.4-pro": Price(30.0, 180.0, above=_OPENAI_LONG, long=Price(60.0, 270.0)),
    "openai/gpt-5.5": Price(5.0, 30.0, 0.5, above=_OPENAI_LONG, long=Price(10.0, 45.0, 1.0)),
    "openai/gpt-5.5-pro": Price(30.0, 180.0, above=_OPENAI_LONG, long=Price(60.0, 270.0)),
    "openai/gpt-5.6": Price(4.0, 20.0, 0.4, 5.0, above=_OPENAI_LONG, long=Price(8.0, 30.0, 0.8, 10.0)),
    "openai/gpt-5.6-luna": Price(0.2, 1.2, 0.02, 0.25, above=_OPENAI_LONG, long=Price(0.4, 1.8, 0.04, 0.5)),
    "openai/gpt-5.6-sol": Price(4.0, 20.0, 0.4, 5.0, above=_OPENAI_LONG, long=Price(8.0, 30.0, 0.8, 10.0)),
    "openai/gpt-5.6-terra": Price(2.0, 12.0, 0.2, 2.5, above=_OPENAI_LONG, long=Price(4.0, 18.0, 0.4, 5.0)),
    "openai/gpt-6-astra": Price(10.0, 50.0, 1.0, 12.5, above=_OPENAI_LONG, long=Price(20.0, 75.0, 2.0, 25.0)),
    "openai/gpt-6-luna": Price(0.1, 0.5, 0.01, 0.125, above=_OPENAI_LONG, long=Price(0.2, 0.75, 0.02, 0.25)),
    "openai/gpt-6-sol": Price(2.0, 10.0, 0.2, 2.5, above=_OPENAI_LONG, long=Price(4.0, 15.0, 0.4, 5.0)),
    "openai/gpt-6.1-sol": Price(2.0, 10.0, 0.1, 2.5, above=_OPENAI_LONG, long=Price(4.0, 15.0, 0.2, 5.0)),
    "openai/gpt-6.1-terra": Price(1.0, 5.0, 0.05, 1.25, above=_OPENAI_LONG, long=Price(2.0, 7.5, 0.1, 2.5)),
    "openai/o3": Price(2.0, 8.0, 0.5),
    "openai/o3-pro": Price(20.0, 80.0),
    "openai/text-embedding-3-large": Price(0.13, 0.0),
    "openai/text-embedding-3-small": Price(0.02, 0.0),
    "openai/text-embedding-ada-002": Price(0.1, 0.0),
    # anthropic
    "anthropic/claude-fable-5": Price(10.0, 50.0, 1.0, 12.5),
    "anthropic/claude-fable-5-1": Price(10.0, 50.0, 0.25, 12.5),
    "anthropic/claude-haiku-4-5": Price(1.0, 5.0, 0.1, 1.25),
    "anthropic/claude-haiku-5-5": Price(0.1, 0.5, 0.01, 0.125, above=100_000, long=Price(0.5, 2.5, 0.05, 0.625)),
    "anthropic/claude-opus-4-5": Price(5.0, 25.0, 0.5, 6.25),
    "anthropic/claude-opus-4-6": Price(5.0, 25.0, 0.5, 6.25),
    "anthropic/claude-opus-4-7": Price(5.0, 25.0, 0.5, 6.25),
    "anthropic/claude-opus-4-8": Price(5.0, 25.0, 0.5, 6.25),
    "anthropic/claude-opus-5": Price(5.0, 25.0, 0.5, 6.25),
    "anthropic/claude-opus-5-5": Price(4.0, 20.0, 0.2, 5.0),
    "anthropic/claude-sonnet-4-6": Price(3.0, 15.0, 0.3, 3.75),
    "anthropic/claude-sonnet-5": Price(2.0, 10.0, 0.2, 2.5),
    "anthropic/claude-sonnet-5-5": Price(2.0, 10.0, 0.1, 2.5),
    # google
    "google/gemini-2.5-flash": Price(0.3, 2.5, 0.03),
    "google/gemini-2.5-flash-lite": Price(0.1, 0.4, 0.01),
    "google/gemini-2.5-pro": Price(1.25, 10.0, 0.125, above=_GOOGLE_LONG, long=Price(2.5, 15.0, 0.25)),
    "google/gemini-3-flash-preview": Price(0.5, 3.0, 0.05),
    "google/gemini-3.1-flash-lite": Price(0.25, 1.5, 0.025),
    "google/gemini-3.1-pro-preview": Price(2.0, 12.0, 0.2, above=_GOOGLE_LONG, long=Price(4.0, 18.0, 0.4)),
    "google/gemini-3.5-flash": Price(1.5, 9.0, 0.15),
    "google/gemini-3.5-flash-lite": Price(0.3, 2.5, 0.03),
    "google/gemini-3.6-flash": Price(0.75, 3.75, 0.075),
    "google/gemini-3.7-flash": Price(0.75, 3.75, 0.075),
    "google/gemini-3.8-flash": Price(0.75, 3.75, 0.075),
    "google/gemini-4-argon": Price(2.0, 10.0, 0.1),
    "google/gemini-embedding-001": Price(0.15, 0.0),
    "google/gemini-embedding-2": Price(0.2, 0.0),
    "google/gemini-flash-latest": Price(0.75, 3.75, 0.075),
    "google/gemini-flash-lite-latest": Price(0.3, 2.5, 0.03),
    "google/gemini-pro-latest": Price(2.0, 12.0, 0.2, above=_GOOGLE_LONG, long=Price(4.0, 18.0, 0.4)),
    # mistral
    "mistral/codestral-2508": Price(0.3, 0.9, 0.03),
    "mistral/codestral-embed": Price(0.15, 0.0, 0.015),
    "mistral/codestral-embed-2505": Price(0.15, 0.0, 0.015),
    "mistral/ministral-14b-2512": Price(0.2, 0.2, 0.02),
    "mistral/ministral-3b-2512": Price(0.1, 0.1, 0.01),
    "mistral/ministral-8b-2512": Price(0.15, 0.15, 0.015),
    "mistral/ministral-8b-latest": Price(0.15, 0.15, 0.015),
    "mistral/mistral-large-2512": Price(0.5, 1.5, 0.05),
    "mistral/mistral-large-4": Price(0.7, 2.1, 0.07),
    "mistral/mistral-large-4-0": Price(0.7, 2.1, 0.07),
    "mistral/mistral-medium-2604": Price(1.5, 7.5, 0.15),
    "mistral/mistral-medium-3": Price(1.5, 7.5, 0.15),
    "mistral/mistral-medium-3-5": Price(1.5, 7.5, 0.15),
    "mistral/mistral-medium-3.5": Price(1.5, 7.5, 0.15),
    "mistral/mistral-medium-latest": Price(1.5, 7.5, 0.15),
    "mistral/mistral-small-2603": Price(0.15, 0.6, 0.015),
    "mistral/mistral-small-latest": Price(0.15, 0.6, 0.015),
    # together
    "together/MiniMaxAI/MiniMax-M3.1-Flash": Price(0.15, 0.6, 0.015),
    "together/Qwen/Qwen3.5-9B": Price(0.17, 0.25),
    "together/Qwen/Qwen3.6-Plus": Price(0.5, 3.0),
    "together/Qwen/Qwen3.7-Max": Price(2.5, 7.5, 0.5),
    "together/Qwen/Qwen3.7-Plus": Price(0.32, 1.28),
    "together/Qwen/Qwen3.8-Flash": Price(0.15, 0.47),
    "together/deepseek-ai/DeepSeek-V4-Pro-0813": Price(1.32, 3.96, 0.13),
    "together/deepseek-ai/DeepSeek-V4.1-Flash": Price(0.3, 1.2, 0.006),
    "together/meta-models/Muse-Glimmer-30B": Price(0.35, 1.5, 0.04),
    "together/meta-models/Muse-Spark-Open-816B-A42B": Price(1.25, 4.25, 0.15),
    "together/moonshotai/Kimi-K3": Price(3.0, 15.0, 0.3),
    "together/moonshotai/Kimi-K3.1-Pro": Price(2.0, 10.0, 0.2),
    "together/nvidia/NVIDIA-Nemotron-3.5-Super-VL": Price(0.15, 0.5, 0.02),
    "together/openai/gpt-oss-120b": Price(0.15, 0.6),
    "together/reflection/Beam-1.0-501B-A23B": Price(0.4, 1.2, 0.04),
    "together/zai-org/GLM-5.2": Price(1.4, 4.4, 0.26),
    "together/zai-org/GLM-5.3": Price(1.4, 4.4, 0.26),
    "together/zai-org/GLM-5.3-Flash": Price(0.15, 0.5, 0.03),
}
