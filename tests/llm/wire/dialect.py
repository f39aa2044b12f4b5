"""What a provider's dialect must tell the server. One file beside this one for each.

A dialect knows bytes and fields only; it must never open a socket or keep state between requests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Protocol

from llm.wire.acts import Answer, Failure, Vectors
from llm.wire.received import Received


class Dialect(Protocol):
    def credential(self, request: Received) -> str:
        """The key that came with the request, "" for none."""
        ...

    def asks_for(self, request: Received) -> str:
        """ "answer", "stream" or "vectors"; "" for a path that this provider does not have."""
        ...

    def whole(self, request: Received, answer: Answer) -> dict[str, Any]:
        """The answer as one JSON object."""
        ...

    def pieces(self, request: Received, answer: Answer) -> Iterator[bytes]:
        """The answer as server-sent events, text and arguments in more than one piece."""
        ...

    def vectors(self, request: Received, vectors: Vectors) -> dict[str, Any]: ...

    def failure(self, failure: Failure) -> dict[str, Any]: ...


def event(data: Any, name: str = "") -> bytes:
    """One server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


def torn(text: str) -> list[str]:
    """The text in pieces of one and a few characters, so that nothing may rely on their borders."""
    pieces = [text[:1], text[1:4], *(text[start : start + 7] for start in range(4, len(text), 7))]
    return [piece for piece in pieces if piece]
