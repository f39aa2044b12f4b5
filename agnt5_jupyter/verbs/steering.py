"""`event`, `approve`, `deny`, `cancel`, `pause` and `resume`: a person's word to runs that are under way."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError

import agnt5

from .. import show
from ..finding import find_run
from ..table import inert
from ..usage import Parser
from ..views import values_shown
from ..words import exception_of, pair, plain_value
from .verb import Call, Verb, take_run

_ALL = 1_000_000


def _takes_event(parser: Parser) -> None:
    parser.take("name", metavar="NAME", help="what some run waits for")
    parser.take("payload", metavar="PAYLOAD", nargs="?", type=str, help="a Python expression, or a text")
    parser.take("--to", metavar="ID", kind="run", help="only to this run (default: to who has waited longest)")
    parser.take("--id", metavar="EVENT", default="", help="sent once, however often this line is run")


def _event(call: Call) -> None:
    payload = None if call.payload is None else plain_value(call.payload, call.names)
    to = None if call.to is None else find_run(call.to, call.names)
    fresh = agnt5.send_event(call.name, payload, event_id=call.id, run=to)
    whom = "" if to is None else f" to {to.id}"
    print(f"sent {call.name}{whom}" if fresh else f"an event with the id {call.id!r} was sent before; nothing was sent")


def _takes_approve(parser: Parser) -> None:
    _takes_question(parser)
    parser.take("--set", action="append", type=str, default=[], metavar="ARG=VALUE", help="another argument")


def _takes_deny(parser: Parser) -> None:
    _takes_question(parser)
    parser.take("--reason", metavar="TEXT", default="", help="what the model hears")


def _takes_question(parser: Parser) -> None:
    take_run(parser, last=False)
    parser.take("number", metavar="N", nargs="?", type=int, help="which question, when there are several")


def _approve(call: Call) -> None:
    asked = _question(call, "approve")
    changed = dict(pair(word, "--set") for word in call.set)
    if unknown := [name for name in changed if name not in asked.arguments]:
        raise UsageError(f"%agnt5 approve: {asked.tool} was not asked with an argument {unknown[0]!r}")
    values = {name: plain_value(text, call.names) for name, text in changed.items()}
    given = {**asked.arguments, **values}
    asked.approve(given if values else None)
    print(f"approved {_call(asked.tool, given)}")


def _deny(call: Call) -> None:
    asked = _question(call, "deny")
    asked.deny(call.reason)
    print(f"denied {_call(asked.tool, asked.arguments)}")


def _question(call: Call, verb: str) -> agnt5.Approval:
    run = find_run(call.id, call.names)
    waiting = run.approvals
    chosen = [one for one in waiting if call.number is None or one.number == call.number]
    if len(chosen) == 1:
        return chosen[0]
    if not waiting:
        raise UsageError(f"%agnt5 {verb}: run {run.id} waits for no approval: it is {run.status}")
    asked = "; ".join(f"{one.number}: {_call(one.tool, one.arguments)}" for one in waiting)
    raise UsageError(f"%agnt5 {verb}: run {run.id} waits for {len(waiting)}; say which by its number: {asked}")


def _call(tool: str, arguments: dict[str, Any]) -> str:
    shown = ", ".join(f"{name}={value!r}" for name, value in arguments.items()) if values_shown() else "..."
    return inert(f"{tool}({shown})")


def _takes_one(parser: Parser) -> None:
    take_run(parser, last=False)


def _cancel(call: Call) -> None:
    run = find_run(call.id, call.names)
    print(f"asked {run.id} to stop" if run.cancel() else f"{run.id} had ended already: {run.status}")


def _takes_pause(parser: Parser) -> None:
    _takes_one(parser)
    parser.take("--reason", metavar="TEXT", default="", help="kept with the run")


def _pause(call: Call) -> None:
    run = find_run(call.id, call.names)
    run.pause(call.reason)
    print(f"paused {run.id}; %agnt5 resume {run.id} lets it go on")


_UNCERTAIN = "a step whose outcome is unknown gave this"


def _takes_resume(parser: Parser) -> None:
    parser.take("id", metavar="ID", nargs="?", kind="run", help="a run (default: all that were interrupted)")
    parser.take("--set", action="append", type=str, default=[], metavar="PATH=VALUE", kind="step", help=_UNCERTAIN)
    parser.take("--fail", action="append", type=str, default=[], metavar="PATH=ERROR", kind="step", help="or failed so")
    parser.take("--again", action="append", default=[], metavar="PATH", kind="step", help="or is to run again")
    parser.take("--wait", action="store_true", help="block this cell until they have ended")


def _resume(call: Call) -> Any:
    if call.id is not None:
        run = find_run(call.id, call.names)
        values = {path: plain_value(text, call.names) for path, text in (pair(word, "--set") for word in call.set)}
        errors = {path: exception_of(text, call.names) for path, text in (pair(word, "--fail") for word in call.fail)}
        if not run.resume(values=values, errors=errors, again=call.again):
            print(f"there is nothing to resume in {run.id}: it is {run.status}")
        return _went_on([run], call.wait)
    if call.set or call.fail or call.again:
        raise UsageError("%agnt5 resume: --set, --fail and --again need the ID of a run")
    runs = [run for run in agnt5.runs(limit=_ALL) if run.interrupted]
    runs = [run for run in runs if run.resume()]
    if not runs:
        print("no run was interrupted")
        return None
    return _went_on(runs, call.wait)


def _went_on(runs: list[agnt5.Run], wait: bool) -> agnt5.Run | agnt5.RunList:
    if wait:
        for run in runs:
            run.result()
    if len(runs) == 1:
        show.show_run(runs[0])
        return show.seen(runs[0])
    found = agnt5.RunList(runs)
    show.show_runs(found)
    return show.seen(found)


VERBS = (
    Verb("event", "send an event that a run waits for", _event, _takes_event),
    Verb("approve", "let a waiting tool call happen, with other arguments if given", _approve, _takes_approve),
    Verb("deny", "refuse a waiting tool call", _deny, _takes_deny),
    Verb("cancel", "ask a run to stop; a second time it ends at once", _cancel, _takes_one),
    Verb("pause", "stop a run where it is until it is resumed", _pause, _takes_pause),
    Verb("resume", "let a paused or interrupted run go on, or all that were interrupted", _resume, _takes_resume),
)
