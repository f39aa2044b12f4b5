"""Secrets: a value that journals know by name only, and the patterns that show a forgotten one in text.

Masking is for what people see (views, logs, errors, exports). It must never touch a value that code reads back, because
a replay has to see what the live run saw.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Mapping
from typing import NoReturn

from agnt5.errors import ConfigurationError, SerializationError

Resolver = Callable[[str], str | None]

HIDDEN = "********"

_SHORTEST = 6
"""Declared values shorter than this are not masked in text: they would blot out ordinary words."""

_lock = threading.Lock()
_declared: dict[str, str] = {}
_hidden: dict[str, str] = {}  # every value this process has seen, with its name; what masking looks for
_resolvers: list[Resolver] = []
_hidden_pattern: re.Pattern[str] | None = None
_generation = 0


class Secret:
    """A value to keep out of every record: `Secret("OPENAI_API_KEY")`.

    It is recorded as its name. `reveal()` gives the text: the `value` given here, else what `configure_secrets` knows,
    else the environment variable of that name. Printing, formatting and comparing never show it.
    """

    __slots__ = ("name",)

    name: str

    def __init__(self, name: str, value: str | None = None) -> None:
        if not name or not isinstance(name, str) or len(name) > 200 or not name.isprintable():  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                "A Secret needs a name, by which it is recorded and found again: Secret('OPENAI_API_KEY')."
            )
        object.__setattr__(self, "name", name)
        if value is not None:
            _declare(name, value)

    def reveal(self) -> str:
        """The text itself. ConfigurationError when nothing knows this name."""
        found = _find(self.name)
        if found is None:
            raise ConfigurationError(
                f"The secret {self.name!r} is not known in this process. Set the environment variable {self.name}, or "
                f"declare it: Secret({self.name!r}, value), or agnt5.secret.configure_secrets(...)."
            )
        return found

    @property
    def known(self) -> bool:
        """Whether `reveal` would succeed."""
        return _find(self.name) is not None

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("A Secret does not change; make another one.")

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, (self.name,)  # copies and pickles carry the name only

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.name == other.name

    def __hash__(self) -> int:
        return hash((Secret, self.name))

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __repr__(self) -> str:
        return f"Secret({self.name!r})"


def configure_secrets(source: Mapping[str, str] | Resolver) -> None:
    """Declare values by name, or add a function that gives the value of a name or None.

    The function asked last wins; declared values win over functions, and both over the environment.
    """
    if callable(source):
        with _lock:
            _resolvers.insert(0, source)
        return
    for name, value in source.items():
        _declare(name, value)


def forget_secrets() -> None:
    """Drop every declared value and resolver. For tests."""
    global _hidden_pattern
    with _lock:
        _declared.clear()
        _hidden.clear()
        _resolvers.clear()
        _hidden_pattern = None


def mask(text: str) -> str:
    """The text with declared secrets and everything that looks like a credential replaced; for display only."""
    if _hidden_pattern is not None:
        text = _hidden_pattern.sub(HIDDEN, text)
    # Every pattern needs one of these; the scan is much cheaper than the expression.
    if len(text) < 12 or not _HINT.search(text):
        return text
    return _KNOWN.sub(_hide_match, text)


def generation() -> int:
    """A number that is another one once there is more to mask: for those who keep masked text."""
    return _generation


def find_secrets(data: bytes | str) -> list[str]:
    """Which kinds of credentials the data seems to hold, like ["aws access key"]; for warnings and refusals.

    Declared secrets are reported as `secret NAME`.
    """
    text = data if isinstance(data, str) else data.decode("utf-8", "replace")
    found = dict.fromkeys(_label(match) for match in _KNOWN.finditer(text))
    with _lock:
        declared = [name for value, name in _hidden.items() if len(value) >= _SHORTEST and _is_in(value, text)]
    return [*found, *dict.fromkeys(f"secret {name}" for name in declared)]


def refuse_secrets(payload: bytes, what: str) -> None:
    """Raise SerializationError when a value that is to be recorded seems to hold a credential (`redact="refuse"`)."""
    found = find_secrets(payload)
    if found:
        raise SerializationError(
            f"{what} seems to hold a credential ({', '.join(found)}), and redact='refuse' keeps those out of journals. "
            f"Pass agnt5.Secret('NAME') and call reveal() inside the step that needs the text."
        )


def _declare(name: str, value: str) -> None:
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"The value of the secret {name!r} must be a str, not {type(value).__name__}.")
    with _lock:
        _declared[name] = value
    hide(name, value)


def hide(name: str, value: str) -> None:
    """From now on masking knows this value; `find_secrets` reports it as the secret of that name."""
    global _hidden_pattern, _generation
    if _hidden.get(value) == name:
        return
    with _lock:
        _generation += 1
        _hidden[value] = name
        # The JSON form too: journal bytes and logs of dicts escape quotes and backslashes.
        forms = {form for v in _hidden if len(v) >= _SHORTEST for form in (v, _json_form(v))}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        _hidden_pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None


def _is_in(value: str, text: str) -> bool:
    return value in text or _json_form(value) in text


def _json_form(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _find(name: str) -> str | None:
    with _lock:
        declared = _declared.get(name)
        resolvers = list(_resolvers)
    if declared is not None:
        return declared
    for resolve in resolvers:
        found = resolve(name)
        if found is not None:
            break
    else:
        found = os.environ.get(name)
    if found is not None:
        hide(name, found)
    return found


def _hide_match(match: re.Match[str]) -> str:
    return f"{match['keep'] or ''}{HIDDEN}"


def _label(match: re.Match[str]) -> str:
    return next(label for group, label in _LABELS.items() if match[group] is not None)


_LABELS = {
    "pem": "private key",
    "jwt": "JSON web token",
    "sk": "API key",
    "aws": "AWS access key",
    "github": "GitHub token",
    "slack": "Slack token",
    "google": "Google API key",
    "bearer": "bearer token",
}

# Text in journals may be JSON, so a PEM block's line ends may be written as \n.
# A word starts here; in JSON it may follow an escape such as \n, whose letter is no part of it.
_START = r"(?:(?<![A-Za-z0-9_])|(?<=\\[nrtbf]))"

# Text in journals may be JSON, so a PEM block's line ends may be written as \n.
_KNOWN = re.compile(
    r"(?P<pem>-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----"
    r"(?:(?!-----END)[\s\S]){0,20000}(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----)?)"
    rf"|{_START}(?:"
    r"(?P<jwt>eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,})"
    r"|(?P<sk>[sr]k[-_](?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,})"
    r"|(?P<aws>(?:AKIA|ASIA)[A-Z0-9]{16})(?![A-Za-z0-9])"
    r"|(?P<github>gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"
    r"|(?P<slack>xox[abeoprs]-[A-Za-z0-9-]{10,})"
    r"|(?P<google>AIza[A-Za-z0-9_-]{30,})"
    r"|(?P<bearer>(?P<keep>[Bb]earer\s+)[A-Za-z0-9._~+/-]{16,}=*))"
)
_HINT = re.compile(r"-----BEGIN|eyJ|[sr]k[-_]|AKIA|ASIA|gh[pousr]_|github_pat_|xox|AIza|[Bb]earer")
