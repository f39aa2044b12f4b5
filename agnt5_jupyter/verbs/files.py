"""`save`, `load` and `test`: journals as files, and as tests. A loaded journal is data: none of its code runs."""

from __future__ import annotations

import agnt5
from agnt5.testing import write_test

from .. import show
from ..finding import journal_of
from ..usage import Parser
from .verb import Call, Verb, take_as, take_run


def _takes_save(parser: Parser) -> None:
    take_run(parser, last=False)
    parser.take("file", metavar="FILE", kind="file", help="where to write it")


def _save(call: Call) -> None:
    journal = journal_of(call.id, call.names)
    path = journal.save(call.file)
    print(f"saved {journal.run_id} to {path}: {len(journal)} entries, {path.stat().st_size} bytes")


def _takes_load(parser: Parser) -> None:
    parser.take("file", metavar="FILE", kind="file", help="a journal that was saved")
    take_as(parser)


def _load(call: Call) -> agnt5.Journal:
    journal = agnt5.load_journal(call.file)
    call.keep(journal)
    show.show_journal(journal)
    return show.seen(journal)


def _takes_test(parser: Parser) -> None:
    take_run(parser, last=False)
    parser.take("--to", metavar="FILE", kind="file", help="the test's file (default: tests/test_COMPONENT.py)")
    parser.take("--force", action="store_true", help="replace files that are there")


def _test(call: Call) -> None:
    cells: list[str] = call.names.get("In") or []
    print(write_test(journal_of(call.id, call.names), call.to, force=call.force, cells=cells))


VERBS = (
    Verb("save", "write a run's journal to one file", _save, _takes_save),
    Verb("load", "show a journal file; keep it with --as to replay or compare it", _load, _takes_load),
    Verb("test", "write a test that fails when the code no longer replays this run", _test, _takes_test),
)
