"""What an HTTP client's exception means. SDKs bring httpx, httpx2, aiohttp or requests; their classes are told by name.

Whether the request had left decides whether it may be billed. Nothing here may import an HTTP client.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from agnt5.errors import AGNT5Error, LLMError
from agnt5.llm import failures
from agnt5.secret import mask

# Mistakes in what was to be sent.
_UNSENDABLE = {"UnsupportedProtocol", "LocalProtocolError", "InvalidURL"}
# Before the request left.
_UNREACHED = {
    "ConnectError",
    "ConnectTimeout",
    "PoolTimeout",
    "ProxyError",
    "ClientConnectorError",
    "NewConnectionError",
    "ConnectionRefusedError",
    "gaierror",
}
_SLOW = {"APITimeoutError", "ReadTimeout", "WriteTimeout", "TimeoutError", "ServerTimeoutError", "ReadTimeoutError"}
_BROKEN = {
    "APIConnectionError",
    "NetworkError",
    "ProtocolError",
    "StreamError",
    "ConnectionError",
    "ClientPayloadError",
    "ServerDisconnectedError",
    "ClientOSError",
    "ChunkedEncodingError",
    "IncompleteRead",
}
_UNREADABLE = {
    "DecodingError",
    "JSONDecodeError",
    "APIResponseValidationError",
    "UnicodeDecodeError",
    "ValidationError",
}


def failure(name: str, error: BaseException) -> LLMError | None:
    """The error for an exception on the way to a provider and back; None for one that has another cause.

    `name`: `provider/model`. The innermost cause that is known decides: SDKs wrap what their HTTP client raised.
    """
    if isinstance(error, AGNT5Error):
        return None  # said by an adapter, with words of its own
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    chain.reverse()
    kinds = [{kind.__name__ for kind in type(one).__mro__} for one in chain]
    for names, made in _MEANINGS:
        for one, kind in zip(chain, kinds, strict=True):
            if kind & names:
                return made(name, _words(one))
    return None


def _too_slow(name: str, why: str) -> LLMError:
    return failures.too_slow(name)


# The first that fits decides.
_MEANINGS: tuple[tuple[set[str], Callable[[str, str], LLMError]], ...] = (
    (_UNSENDABLE, failures.unsendable),
    (_UNREACHED, failures.unreachable),
    (_UNREADABLE, failures.unreadable),
    (_SLOW, _too_slow),
    (_BROKEN, failures.cut_off),
)


def _words(error: BaseException) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} in {mask(error.doc)[:80]!r}"  # masked first: the half of a key is not recognised
    return str(error)
