"""A provider's key: where it comes from, and what to say when there is none.

It is looked up when a request is made, and masking knows it from then on. It must never be shown, in no representation.
"""

from __future__ import annotations

import os
from typing import Any

from agnt5.errors import ConfigurationError, ProviderAuthError
from agnt5.secret import Secret, hide


class Key:
    """The `api_key=` of an adapter, or the first of its environment variables that is set."""

    __slots__ = ("_given", "argument", "instead", "variables")

    def __init__(self, given: Any, *variables: str, argument: str = "api_key") -> None:
        if given is not None and not isinstance(given, str | Secret):
            raise ConfigurationError(f"{argument} is a text or an agnt5.Secret, not {type(given).__name__}.")
        self._given = given or None
        self.variables = variables
        self.argument = argument
        self.instead = ""
        """Another way in, for what is said when there is no key."""
        if isinstance(given, str):
            hide(variables[0] if variables else argument, given.strip())

    def find(self) -> str | None:
        """The key, or None. ConfigurationError when a Secret is not known."""
        if self._given is None:
            found = next(((name, value) for name in self.variables if (value := os.environ.get(name))), None)
            if found is None:
                return None
            name, text = found
        elif isinstance(self._given, Secret):
            name, text = self._given.name, self._given.reveal()
        else:
            name, text = self.argument, self._given
        text = text.strip()  # a line end from a file is no part of it
        hide(name, text)
        if not (text.isascii() and text.isprintable()):
            raise ProviderAuthError(
                f"The key from {name} holds characters that no key has, such as a line end or a letter with an accent. "
                f"Copy it again."
            )
        return text or None

    def need(self, name: str) -> str:
        """The key. ProviderAuthError when there is none says how to give one."""
        found = self.find()
        if found is None:
            raise ProviderAuthError(f"{name} needs a key, and there is none: {self.ways}.")
        return found

    @property
    def ways(self) -> str:
        """How to give one, as in "set OPENAI_API_KEY, or give api_key="."""
        variables = " or ".join(self.variables)
        ways = f"set {variables}, or give {self.argument}=" if variables else f"give {self.argument}="
        return f"{ways}; or {self.instead}" if self.instead else ways

    def __repr__(self) -> str:
        return f"<Key {' or '.join(self.variables) or self.argument}>"
