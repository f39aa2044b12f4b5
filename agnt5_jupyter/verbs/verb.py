"""What a verb of `%agnt5` is: a name, what it takes, and what it does.

A verb returns a value for the notebook, and shows through `show` what is to be seen; it never raises for a mistake of
the person but UsageError.
"""

from __future__ import annotations

import argparse
import keyword
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..usage import Parser
from ..words import plain


@dataclass(frozen=True)
class Call:
    """One use of a verb. `names` are the notebook's variables; `body` is the rest of a `%%agnt5` cell."""

    names: dict[str, Any]
    chosen: argparse.Namespace
    body: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.chosen, name)

    def keep(self, value: Any) -> None:
        """Put a value into the variable that `--as` names."""
        if self.chosen.as_:
            self.names[self.chosen.as_] = value


@dataclass(frozen=True)
class Verb:
    name: str
    says: str
    do: Callable[[Call], Any]
    takes: Callable[[Parser], None] = field(default=lambda parser: None)
    cell: bool = False
    """Whether it can head a cell, as `%%agnt5 run` does."""

    def parser(self, *, cell: bool = False) -> Parser:
        made = Parser(self.name, self.says, cell=cell)
        self.takes(made)
        return made


def take_run(parser: Parser, *, last: bool = True) -> None:
    """The run a verb is about; `last`: the last one when none is named."""
    says = "a run: the beginning of its id, a variable, or -1 for the last"
    if last:
        parser.take("id", metavar="ID", nargs="?", default="-1", kind="run", help=f"{says} (default: -1)")
    else:
        parser.take("id", metavar="ID", kind="run", help=says)


def take_as(parser: Parser) -> None:
    says = "keep it in this variable"
    parser.take("--as", dest="as_", metavar="VAR", default="", kind="variable", type=_variable, help=says)


def _variable(word: str) -> str:
    name = plain(word)
    if name and (not name.isidentifier() or keyword.iskeyword(name)):
        raise argparse.ArgumentTypeError(f"{name!r} is no name of a variable")
    return name
