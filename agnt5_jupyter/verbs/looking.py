"""`runs`, `show`, `watch`, `tree` and `df`: runs and journals looked at. Nothing here changes a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import agnt5
from agnt5 import Status

from .. import show
from ..finding import find, find_run, journal_of
from ..usage import Parser
from ..views import values_shown
from .verb import Call, Verb, take_as, take_run

if TYPE_CHECKING:
    from agnt5 import Journal, Run, RunList

STATUSES = (*map(str, Status), "interrupted")
# Columns of a journal's table that hold what a saved notebook keeps to itself when `outputs` is "summary".
_VALUES = ["input", "output", "error", "meta"]


def _takes_filter(parser: Parser) -> None:
    parser.take("--status", choices=STATUSES, help="only runs with this status")
    parser.take("--component", metavar="NAME", kind="component", help="only runs of this component")
    parser.take("--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)")
    parser.take("--roots", action="store_true", help="only runs that no other run called")
    take_as(parser)


def _runs(call: Call) -> RunList:
    found = agnt5.runs(status=call.status, component=call.component, limit=call.limit, roots=call.roots)
    call.keep(found)
    show.show_runs(found)
    return show.seen(found)


def _show(call: Call) -> Journal:
    journal = show.journal_of(find(call.id, call.names))
    show.show_journal(journal)
    return show.seen(journal)


def _watch(call: Call) -> Run:
    run = find_run(call.id, call.names)
    show.show_run(run)
    return show.seen(run)


def _tree(call: Call) -> Run:
    run = find_run(call.id, call.names)
    show.show_tree(run)
    return show.seen(run)


def _takes_df(parser: Parser) -> None:
    says = "a run, whose journal it is (default: a table of the runs)"
    parser.take("id", metavar="ID", nargs="?", kind="run", help=says)
    _takes_filter(parser)
    parser.take("--arrow", action="store_true", help="an Arrow table instead of a DataFrame")


def _df(call: Call) -> Any:
    if call.id is None:
        source: Any = agnt5.runs(status=call.status, component=call.component, limit=call.limit, roots=call.roots)
    else:
        source = journal_of(call.id, call.names)
    table = source.to_arrow() if call.arrow else source.to_pandas()
    if not values_shown():
        hidden = _VALUES if call.id is not None else ["error", "tags"]
        table = table.drop_columns(hidden) if call.arrow else table.drop(columns=hidden)
    call.keep(table)
    return table


VERBS = (
    Verb("runs", "list the runs of this notebook's store, newest first", _runs, _takes_filter),
    Verb("show", "show the journal of a run", _show, take_run),
    Verb("watch", "show a run, live while it goes on", _watch, take_run),
    Verb("tree", "show a run with its forks and reruns and what it was made of", _tree, take_run),
    Verb("df", "a DataFrame of the runs, or of a run's journal", _df, _takes_df),
)
