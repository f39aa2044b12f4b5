"""What a provider can be told to do with one request, in words that no dialect owns.

Values only: a dialect turns an Answer, Vectors or Failure into its provider's bytes, the server plays the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Call:
    """A tool that the model wants called. `arguments`: what it is called with, or text to send as it is."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict[str, Any])
    id: str = "call_1"


@dataclass(frozen=True)
class Answer:
    """A model's answer: whole when the request asks for that, in pieces when it asks for a stream."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    thought: str = ""
    refusal: str = ""
    finish: str = ""
    """The provider's own word for why the answer ended; "" for the usual one."""
    input: int = 11
    output: int = 7
    cached: int = 0
    reasoning: int = 0
    written: int = 0
    model: str = ""
    """Which model answered; "" for the one that was asked."""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """More fields of the answer's message, of one dialect only."""


@dataclass(frozen=True)
class Vectors:
    """An answer to a request for embeddings."""

    vectors: tuple[tuple[float, ...], ...]
    input: int = 5


@dataclass(frozen=True)
class Failure:
    """A refusal in the provider's form. `{key}` in the message is the credential that came with the request."""

    status: int
    message: str = "It did not work."
    code: str = ""
    kind: str = ""
    """The provider's class of error; "" for what it says with this status."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Raw:
    """These bytes, whatever was asked."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"


def events(*told: Any) -> Raw:
    """A stream of these events: texts as they are, anything else as JSON."""
    written = [one if isinstance(one, str) else json.dumps(one) for one in told]
    kinds = [f"event: {one['type']}\n" if isinstance(one, dict) and "type" in one else "" for one in told]
    stream = "".join(f"{kind}data: {text}\n\n" for kind, text in zip(kinds, written, strict=True))
    return Raw(stream.encode(), content_type="text/event-stream")


@dataclass(frozen=True)
class Cut:
    """Play so many pieces of the act and cut the connection. 0: not even a status. A whole answer has 2 pieces."""

    act: Act
    after: int = 0


@dataclass(frozen=True)
class Held:
    """Play so many pieces of the act, and the rest when the gate opens."""

    act: Act
    gate: Event
    after: int = 0


@dataclass(frozen=True)
class Delayed:
    """Play the act after so many seconds."""

    act: Act
    seconds: float


Act: TypeAlias = "Answer | Vectors | Failure | Raw | Cut | Held | Delayed"


def limited(retry_after: float | str | None = None, message: str = "Rate limit reached.", **fields: Any) -> Failure:
    """Too many requests; come back in so many seconds, or at an HTTP date."""
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return Failure(429, message, headers={**headers, **fields.pop("headers", {})}, **fields)


def unauthorized(message: str = "Incorrect API key provided: {key}.") -> Failure:
    """A refusal that quotes the key, as providers do."""
    return Failure(401, message)


def broken(status: int = 500, message: str = "The server had an error.") -> Failure:
    return Failure(status, message)


def overloaded(message: str = "Overloaded") -> Failure:
    return Failure(529, message)


def hang(act: Act | None = None, after: int = 0) -> Held:
    """Take the request and say nothing more, until the server closes."""
    return Held(act or Answer("never"), Event(), after)


def garbage(body: bytes = b"<html>this is no answer</html>") -> Raw:
    return Raw(body)
