"""What a provider's refusal or silence means, as errors of the LLMError tree; every adapter speaks through it.

Pure: it gets statuses, headers and texts. What providers say is masked, because they quote keys.
"""

from __future__ import annotations

import contextlib
import email.utils
import math
import re
import time
from collections.abc import Generator, Mapping
from typing import TypeVar

from agnt5.errors import (
    ContentRefused,
    ContextTooLong,
    LLMError,
    ProviderAuthError,
    ProviderUnavailable,
    RateLimited,
    RequestInvalid,
)
from agnt5.secret import mask

# Words of codes, classes and messages by which providers and local servers tell these apart.
_UNPAID = re.compile(r"insufficient_quota|billing_|insufficient_funds|credit balance", re.I)
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|context.{0,20}(length|window|size)|prompt is too long"
    r"|too many (input |total )?tokens|tokens.{0,20}max_new_tokens.{0,4}must be <="
    r"|(prompt|input token).{0,60}exceeds.{0,60}tokens",
    re.I,
)
_REFUSED = re.compile(
    r"content_filter|content_policy|ResponsibleAIPolicy|moderation_blocked|content management policy|safety system",
    re.I,
)
_MISSING_MODEL = re.compile(r"model_not_found|DeploymentNotFound|model.{0,80}(not exist|not found)", re.I)

_LONGEST_TEXT = 600
_Error = TypeVar("_Error", bound=LLMError)


def refused(
    name: str,
    status: int,
    said: str = "",
    *,
    code: str = "",
    headers: Mapping[str, str] | None = None,
    key_ways: str = "set its key",
) -> LLMError:
    """The error that an HTTP answer stands for.

    `name`: `provider/model`. `said`, `code`: the provider's text and its words for the kind of error. `key_ways`: how
    to give a key. An account without credit is a ProviderAuthError: waiting does not help, a person has to act.
    """
    words = f"{code} {said}"
    quote = _quote(said)
    wait = retry_after(headers or {})
    later = "" if wait is None else f" It asks to come back in {wait:g} s."
    if 300 <= status < 400:
        return redirected(name, status, (headers or {}).get("location", ""))
    if status in (401, 403, 407) and not _REFUSED.search(words):
        return _made(ProviderAuthError, name, status, f"{name} refused the key ({status}){quote} Check it: {key_ways}.")
    if status in (400, 402, 429) and _UNPAID.search(words):
        return _made(
            ProviderAuthError,
            name,
            status,
            f"The account behind {name} has no credit left ({status}){quote} Add credit or raise its limit; "
            f"waiting does not help.",
        )
    if status == 429:
        found = _made(
            RateLimited,
            name,
            status,
            f"{name} got too many requests or tokens at once ({status}){quote}{later}",
        )
        found.retry_after = wait
        return found
    if status >= 500 or status in (408, 409, 425, 499):
        found = _made(
            ProviderUnavailable,
            name,
            status,
            f"{name} is overloaded or out of order ({status}){quote}{later or ' Try again later.'}",
        )
        found.retry_after = wait
        found.possibly_billed = status in (408, 499, 504, 524)
        return found
    if _REFUSED.search(words):
        return _made(
            ContentRefused, name, status, f"{name} declined the content ({status}){quote} Change what is asked."
        )
    if status == 413 or _TOO_LONG.search(words):
        return _made(
            ContextTooLong,
            name,
            status,
            f"The conversation is too long for {name} ({status}){quote} Leave out older messages, or ask a model with "
            f"a larger window.",
        )
    if status == 404 or _MISSING_MODEL.search(words):
        return _made(
            RequestInvalid,
            name,
            status,
            f"{name} was not found ({status}){quote} Check the name of the model and the base_url.",
        )
    return _made(
        RequestInvalid,
        name,
        status,
        f"{name} did not take the request ({status}){quote} Check its parameters and options.",
    )


def unreachable(name: str, why: str = "") -> ProviderUnavailable:
    """No connection came about, so nothing can be billed."""
    text = f"{name} cannot be reached{_quote(why)} Nothing was sent. Check the network, and base_url if you gave one."
    return _made(ProviderUnavailable, name, 0, text)


def redirected(name: str, status: int, address: str = "") -> RequestInvalid:
    """The server says to ask elsewhere. Nobody does: the conversation, and some keys, would go to a place that nobody
    named."""
    text = f"{name} was not asked: the server redirects ({status}){_quote(address)} Give the right address as base_url."
    return _made(RequestInvalid, name, status, text)


def unsendable(name: str, why: str = "") -> RequestInvalid:
    """The address or a header is none, so nothing can be sent."""
    text = f"{name} cannot be asked{_quote(why)} Nothing was sent. Check base_url, and extra_headers if you gave any."
    return _made(RequestInvalid, name, 0, text)


def cut_off(name: str, why: str = "") -> ProviderUnavailable:
    """The connection broke after the request had left."""
    text = f"The connection to {name} broke before the answer was whole{_quote(why)} What was sent may be billed."
    found = _made(ProviderUnavailable, name, 0, text)
    found.possibly_billed = True
    return found


def too_slow(name: str, seconds: float | None = None) -> ProviderUnavailable:
    """No answer in time, after the request had left."""
    limit = "in time" if seconds is None else f"within {seconds:g} s"
    found = _made(
        ProviderUnavailable, name, 0, f"{name} did not answer {limit}. The request may have left, so it may be billed."
    )
    found.possibly_billed = True
    return found


def unreadable(name: str, what: str, status: int = 200) -> ProviderUnavailable:
    """An answer that is none: not the provider's format, or not whole."""
    text = (
        f"{name} sent something that is no answer{_quote(what)} It may be billed. Try again later; if it stays so, "
        f"check base_url: the server there may speak another protocol."
    )
    found = _made(ProviderUnavailable, name, status, text)
    found.possibly_billed = True
    return found


@contextlib.contextmanager
def reading(name: str) -> Generator[None]:
    """Around code that takes an answer apart: what stumbles there has met an answer that leaves out, or bends, what its
    protocol promises, as some servers do that only resemble the provider's."""
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise unreadable(name, f"{error} is missing" if isinstance(error, KeyError) else str(error)) from None


def declined(name: str, said: str = "") -> ContentRefused:
    """The model or the provider's filter declined to answer; the request is billed."""
    found = _made(ContentRefused, name, 0, f"{name} declined to answer{_quote(said)} Change what is asked.")
    found.possibly_billed = True
    return found


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a provider asks to wait: `retry-after-ms`, or `retry-after` in seconds or as an HTTP date."""
    known = {name.lower(): value for name, value in headers.items()}
    for header, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            wait = float(known.get(header, "")) * unit
        except ValueError:
            continue
        if math.isfinite(wait):
            return max(0.0, wait)
    try:
        moment = email.utils.parsedate_to_datetime(known.get("retry-after", ""))
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _made(kind: type[_Error], name: str, status: int, text: str) -> _Error:
    provider, _, model = name.partition("/")
    return kind(text, provider=provider, model=model, status=status)


def _quote(said: str) -> str:
    said = " ".join(mask(said).split())  # masked before it is cut: the half of a key is not recognised
    if len(said) > _LONGEST_TEXT:
        said = f"{said[:_LONGEST_TEXT]}…"
    return f": {said.rstrip('.')}." if said else "."
