"""A model provider on loopback: a real HTTP server that speaks a provider's dialect and does what a test tells it.

    with WireServer(OpenAIDialect(), Answer("Hello"), limited(retry_after=2)) as server:
        llm = create_llm("openai", "gpt-5.2", api_key=KEY, base_url=server.url + "/v1")

One act is played for each request, in order; what was asked is kept in `server.requests`.
"""

from __future__ import annotations

from llm.wire.acts import (
    Act,
    Answer,
    Call,
    Cut,
    Delayed,
    Failure,
    Held,
    Raw,
    Vectors,
    broken,
    events,
    garbage,
    hang,
    limited,
    overloaded,
    unauthorized,
)
from llm.wire.dialect import Dialect
from llm.wire.openai import OpenAIDialect
from llm.wire.server import Received, WireServer

__all__ = [
    "Act",
    "Answer",
    "Call",
    "Cut",
    "Delayed",
    "Dialect",
    "Failure",
    "Held",
    "OpenAIDialect",
    "Raw",
    "Received",
    "Vectors",
    "WireServer",
    "broken",
    "events",
    "garbage",
    "hang",
    "limited",
    "overloaded",
    "unauthorized",
]
