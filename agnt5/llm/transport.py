"""What an HTTP client's exception means. SDKs bring httpx, httpx2, aiohttp or requests; their classes are told by name.

Whether the request had left decides whether it may be billed. Nothing here may import an HTTP client.
"""

from __future__ import annotations

import json

from agnt5.errors import AGNT5Error, LLMError
from agnt5.llm import failures

# Before the request left.
_UNREACHED = {
    "ConnectError",
    "ConnectTimeout",
    "PoolTimeout",
    "ProxyError",
    "UnsupportedProtocol",
    "ClientConnectorError",
    "NewConnectionError",
    "ConnectionRefusedError",
    "gaierror",
}
_SLOW = {"ReadTimeout", "WriteTimeout", "TimeoutError", "ServerTimeoutError", "ReadTimeoutError"}
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
        link = link.__cause__ or link.__context__
    kinds = [{kind.__name__ for kind in type(one).__mro__} for one in chain]
    for names, made in ((_UNREACHED, failures.unreachable), (_UNREADABLE, failures.unreadable)):
        for one, kind in zip(chain, kinds, strict=True):
            if kind & names:
                return made(name, _words(one))
    if any(kind & _SLOW for kind in kinds):
        return failures.too_slow(name)
    for one, kind in zip(chain, kinds, strict=True):
        if kind & _BROKEN:
            return failures.cut_off(name, _words(one))
    return None


def _words(error: BaseException) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} in {error.doc[:80]!r}"
    return str(error)
