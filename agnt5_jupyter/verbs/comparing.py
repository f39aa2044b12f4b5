"""`diff` and `check`: runs beside other runs, and beside the code of now."""

from __future__ import annotations

import agnt5

from .. import show
from ..finding import journal_of
from ..usage import Parser
from .verb import Call, Verb


def _takes_diff(parser: Parser) -> None:
    parser.take("old", metavar="A", kind="run", help="a run or journal")
    parser.take("new", metavar="B", kind="run", help="what it is compared with")


def _diff(call: Call) -> agnt5.Diff:
    found = journal_of(call.old, call.names).diff(journal_of(call.new, call.names))
    show.show_diff(found)
    return show.seen(found)


def _takes_check(parser: Parser) -> None:
    parser.take("name", metavar="NAME", nargs="?", kind="component", help="a flow (default: all)")
    parser.take("--last", type=int, metavar="N", help="only the newest N runs of each flow")
    parser.take("--seconds", type=float, metavar="S", help="look at no further run after so long")


def _check(call: Call) -> agnt5.Report:
    report = agnt5.check(call.name, last=call.last, seconds=call.seconds)
    show.show_report(report)
    return show.seen(report)


VERBS = (
    Verb("diff", "what two runs did otherwise", _diff, _takes_diff),
    Verb("check", "which recorded runs the code of now still replays", _check, _takes_check),
)
