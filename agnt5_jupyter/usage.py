"""How the words after `%agnt5 VERB` are read: one parser a verb, whose errors are one line and whose help is printed.

It must never leave the process, as argparse does, and never evaluates anything.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NoReturn

from IPython.core.error import UsageError

from .words import plain

Kind = Literal["", "run", "component", "step", "verb", "setting", "memory", "tool", "variable", "file"]


class HelpShown(Exception):
    """The help was asked for and printed; there is nothing else to do."""


class Parser(argparse.ArgumentParser):
    """Arguments of one verb. `taken` lists them with what completes each."""

    def __init__(self, verb: str, says: str, *, cell: bool = False) -> None:
        self.verb = verb
        self.taken: list[tuple[argparse.Action, Kind]] = []
        mark = "%%agnt5" if cell else "%agnt5"
        super().__init__(prog=f"{mark} {verb}".strip(), description=says, allow_abbrev=False)

    def take(self, *names: str, kind: Kind = "", **options: Any) -> None:
        """An argument as argparse knows it; words are texts without their quotes unless `type` says otherwise."""
        if "action" not in options:
            options.setdefault("type", plain)
        self.taken.append((self.add_argument(*names, **options), kind))

    @property
    def flags(self) -> dict[str, tuple[argparse.Action, Kind]]:
        return {flag: (action, kind) for action, kind in self.taken for flag in action.option_strings}

    @property
    def positions(self) -> list[tuple[argparse.Action, Kind]]:
        return [(action, kind) for action, kind in self.taken if not action.option_strings]

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Flags may stand anywhere; a word such as `-1` is none."""
        flags, rest = self._parted(words)
        return self.parse_args([*flags, "--", *rest] if rest else flags)

    def _parted(self, words: Sequence[str]) -> tuple[list[str], list[str]]:
        known = self.flags
        flags: list[str] = []
        rest: list[str] = []
        coming = iter(words)
        for word in coming:
            name, equals, _ = word.partition("=")
            if word in ("-h", "--help"):
                flags.append("--help")
            elif not word.startswith("--"):
                rest.append(word)
            elif name not in known:
                self.error(f"there is no {name!r}{meant(name, known)}")
            else:
                flags.append(word)
                if not equals and known[name][0].nargs != 0:
                    value = next(coming, None)
                    if value is None:
                        self.error(f"{name} needs a value")
                    # One word, or a value such as `-1` would be taken for a flag.
                    flags[-1] = f"{word}={value}"
        return flags, rest

    def error(self, message: str) -> NoReturn:
        # argparse names arguments of which there may be none, too.
        for action, _ in self.taken:
            if action.nargs == "*":
                message = message.removesuffix(f", {action.metavar}")
        first = " ".join(message.split()).replace("arguments: -- ", "arguments: ")
        raise UsageError(f"{self.prog}: {first} (see {self.prog} --help)")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise HelpShown


def meant(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?`, when something known looks like it."""
    near = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
