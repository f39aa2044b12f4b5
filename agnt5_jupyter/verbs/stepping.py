"""`replay` and the verbs that move it: one replay at a time is the notebook's current one.

No step body runs in a replay, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError

import agnt5

from .. import show
from ..current import begin, current
from ..finding import journal_of
from ..table import inert
from ..usage import Parser
from ..views import values_shown
from .verb import Call, Verb, take_as, take_run


def _takes_replay(parser: Parser) -> None:
    take_run(parser)
    parser.take("--at", metavar="N", default="", kind="step", help="begin at this entry: its number or path")
    parser.take("--recorded", action="store_true", help="the source as it was recorded, not the code of now")
    take_as(parser)


def _replay(call: Call) -> agnt5.Replay:
    journal = journal_of(call.id, call.names)
    walk = journal.replay("recorded" if call.recorded else _code_for(journal))
    begin(walk)
    if call.at:
        _go(walk, call.at)
    call.keep(walk)
    return _shown(walk)


def _code_for(journal: agnt5.Journal) -> Any:
    """For a loaded journal, the component of this notebook that has its name: who defined it may run it."""
    if not journal.loaded:
        return None
    return next((one for one in agnt5.components() if one.name == journal.component), None)


def _takes_count(parser: Parser) -> None:
    parser.take("count", metavar="N", nargs="?", type=int, default=1, help="how many answers (default: 1)")


def _step(call: Call) -> agnt5.Replay:
    return _shown(current().step(call.count))


def _back(call: Call) -> agnt5.Replay:
    return _shown(current().back(call.count))


def _continue(call: Call) -> agnt5.Replay:
    return _shown(current().run_to_end())


def _takes_goto(parser: Parser) -> None:
    parser.take("where", metavar="N|PATH|start|end", kind="step", help="an entry's number or path")


def _goto(call: Call) -> agnt5.Replay:
    walk = current()
    _go(walk, call.where)
    return _shown(walk)


def _go(walk: agnt5.Replay, where: str) -> None:
    if where == "start":
        walk.reset()
    elif where == "end":
        walk.step(len(walk))
    elif where.isdecimal():
        walk.goto(int(where))
    else:
        _to_path(walk, where)


def _to_path(walk: agnt5.Replay, where: str) -> None:
    """To the answer of the first entry with this path, or name; where it has none, to where it is awaited."""
    entries = list(walk.journal)
    found = next((one for one in entries if one.path == where), None)
    found = found or next((one for one in entries if one.name == where), None)
    if found is None:
        raise UsageError(f"%agnt5 goto: no entry of {walk.run_id} has the path {where!r} (see %agnt5 show)")
    walk.goto(found)


def _takes_break(parser: Parser) -> None:
    parser.take(
        "where", metavar="NAME", nargs="?", kind="step", help="name, path or kind of steps (default: list them)"
    )
    parser.take("--off", action="store_true", help="take this one away; without NAME, all")


def _break(call: Call) -> None:
    walk = current()
    points = walk.breakpoints
    if call.where is None:
        if call.off:
            points.clear()
    elif call.off:
        if call.where not in points:
            raise UsageError(f"%agnt5 break: there is no breakpoint at {call.where!r}")
        points.remove(call.where)
    else:
        points.add(call.where)
        if not any(call.where in (one.name, one.path, one.kind) for one in walk.journal):
            print(f"no entry of {walk.run_id} has the name, path or kind {inert(call.where)!r}")
    print(f"breaks at {', '.join(map(str, points))}" if len(points) else "no breakpoints")


def _takes_expression(parser: Parser) -> None:
    parser.take("expression", metavar="EXPRESSION", nargs="+", type=str, help="over the names that the code sees there")


def _eval(call: Call) -> Any:
    value = _asked(current().eval, call)
    return value if values_shown() else print(f"a {type(value).__name__}, not shown: outputs is summary")


def _trace(call: Call) -> Any:
    table = _asked(current().trace, call)
    return table if values_shown() else table.drop(columns=["value"])


def _asked(question: Callable[[str], Any], call: Call) -> Any:
    """The answer. An expression that fails is a mistake of who wrote it, which is one line."""
    text = " ".join(call.expression)
    try:
        return question(text)
    except agnt5.AGNT5Error:
        raise
    except SyntaxError as error:
        raise UsageError(f"%agnt5: {text!r} is no Python expression: {error.msg}") from None
    except Exception as error:
        said = f": {' '.join(str(error).split())}" if values_shown() else ""
        raise UsageError(f"%agnt5: {text!r}: {type(error).__name__}{said}") from error


def _shown(walk: agnt5.Replay) -> agnt5.Replay:
    show.show_replay(walk)
    return show.seen(walk)


VERBS = (
    Verb("replay", "step through a run: source, locals and state at every position", _replay, _takes_replay),
    Verb("step", "go on by one answer in the current replay", _step, _takes_count),
    Verb("back", "go back by one answer", _back, _takes_count),
    Verb("goto", "go to an entry, the start or the end", _goto, _takes_goto),
    Verb("continue", "go on to the next breakpoint, or to the end", _continue),
    Verb("break", "set, list or take away breakpoints", _break, _takes_break),
    Verb("eval", "the value of an expression at this position", _eval, _takes_expression),
    Verb("trace", "the value of an expression at every position, as a DataFrame", _trace, _takes_expression),
)
