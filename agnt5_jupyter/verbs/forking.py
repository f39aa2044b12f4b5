"""`fork` and `rerun`: new runs made of old ones. What a fork will run is said before it does."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError

import agnt5

from ..finding import find_run
from ..table import inert
from ..usage import Parser
from ..views import values_shown
from ..words import exception_of, pair, plain_value, value_of
from .starting import started
from .verb import Call, Verb, take_as, take_run


def _takes_fork(parser: Parser) -> None:
    take_run(parser, last=False)
    parser.take("--at", metavar="N", kind="step", help="entry to fork at: its number or path")
    parser.take("--set", action="append", type=str, default=[], metavar="PATH=VALUE", kind="step", help="answer it so")
    parser.take("--fail", action="append", type=str, default=[], metavar="PATH=ERROR", kind="step", help="let it fail")
    parser.take("--state", action="append", type=str, default=[], metavar="NAME=VALUE", help="set ctx.state there")
    parser.take("--input", type=str, metavar="VALUE", help="another input, from the start; a tuple is several")
    parser.take("--model", metavar="M", help="another model for an agent; from its first question on")
    parser.take("--inflight", choices=("rerun", "reuse"), default="rerun", help="what was under way there")
    parser.take("--objects", choices=("overlay", "live"), default="overlay", help="objects: copies, or themselves")
    parser.take("--dry-run", action="store_true", help="only say what would run")
    _takes_new(parser)


def _takes_new(parser: Parser) -> None:
    take_as(parser)
    parser.take("--wait", action="store_true", help="block this cell until the new run has ended")


def _fork(call: Call) -> agnt5.Run | None:
    run = find_run(call.id, call.names)
    changes: dict[str, Any] = {
        "input": None if call.input is None else value_of(call.input, call.names),
        "outputs": {path: plain_value(text, call.names) for path, text in _pairs(call.set, "--set")},
        "fail": {path: exception_of(text, call.names) for path, text in _pairs(call.fail, "--fail")},
        "code": None if call.model is None else _other_model(run, call.model, call.names),
    }
    place = int(call.at) if call.at is not None and call.at.isdecimal() else call.at
    if place is None and call.model is not None and not any(changes[name] for name in ("input", "outputs", "fail")):
        place = 0
    plan = run.plan_fork(place, **changes)
    print("\n".join(map(inert, str(plan).splitlines())))
    if call.dry_run:
        return None
    state = {name: plain_value(text, call.names) for name, text in _pairs(call.state, "--state")}
    made = run.fork(place, **changes, state=state, inflight=call.inflight, objects=call.objects)
    return started(call, made)


def _pairs(words: list[str], flag: str) -> list[tuple[str, str]]:
    return [pair(word, flag) for word in words]


def _other_model(run: agnt5.Run, model: str, names: dict[str, Any]) -> Any:
    for value in list(names.values()):
        if isinstance(value, agnt5.Agent) and value.name == run.component:
            return value.with_model(model)
    raise UsageError(f"%agnt5 fork: --model is for runs of agents, and no variable holds an agent {run.component!r}")


def _takes_rerun(parser: Parser) -> None:
    take_run(parser, last=False)
    parser.take("--input", type=str, metavar="VALUE", help="another input; a tuple is several arguments")
    parser.take("--always", action="append", default=[], metavar="NAME", kind="step", help="execute it in any case")
    _takes_new(parser)


def _rerun(call: Call) -> agnt5.Run:
    run = find_run(call.id, call.names)
    given = None if call.input is None else value_of(call.input, call.names)
    made = run.rerun(given, always=call.always)
    shown = started(call, made)
    if call.wait:
        told = str(made.reused)
        print(told if values_shown() else told.partition("\n")[0])
    return shown


VERBS = (
    Verb("fork", "a run that shares the beginning of another and goes on otherwise", _fork, _takes_fork),
    Verb("rerun", "run it again, with old results where place, arguments and code are the same", _rerun, _takes_rerun),
)
