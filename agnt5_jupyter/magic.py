"""The line magic `%agnt5 VERB ...`. A usage error is one line; what a verb returns is shown by the notebook."""

from __future__ import annotations

import argparse
import shlex
from typing import NoReturn

from IPython.core.error import UsageError

import agnt5

from .table import RunTable

STATUSES = ("pending", "running", "waiting", "paused", "completed", "failed", "cancelled")


class _Parser(argparse.ArgumentParser):
    """Raises one-line usage errors: argparse would leave the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message} (see %agnt5 --help)")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise _HelpShown


class _HelpShown(Exception):
    """The help was asked for and printed; there is nothing else to do."""


def agnt5_magic(line: str) -> RunTable | None:
    """%agnt5 runs [--status S] [--component NAME] [--limit N]: the runs of this notebook's store, newest first."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"%agnt5: {error} (see %agnt5 --help)") from None
    try:
        chosen = _parser().parse_args(words or ["--help"])
    except _HelpShown:
        return None
    return RunTable.of(agnt5.runs(status=chosen.status, component=chosen.component, limit=chosen.limit))


def _parser() -> _Parser:
    parser = _Parser(prog="%agnt5", description="Look at durable runs from a notebook.")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    runs = verbs.add_parser("runs", help="list the runs of this notebook's store, newest first")
    runs.add_argument("--status", choices=STATUSES, help="only runs with this status")
    runs.add_argument("--component", metavar="NAME", help="only runs of this component")
    runs.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)")
    return parser
