"""`run`: starts a component and shows it. It returns at once; `--wait` blocks the cell until the run has ended."""

from __future__ import annotations

import ast
import inspect
import json
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from .. import show
from ..finding import find_target
from ..table import inert
from ..usage import Parser
from ..views import span, values_shown
from ..words import call_of
from .verb import Call, Verb, take_as

if TYPE_CHECKING:
    from agnt5 import Run


def _takes(parser: Parser) -> None:
    parser.take("name", metavar="NAME", kind="component", help="a component, agent or workflow")
    parser.take("args", metavar="ARG", nargs="*", type=str, help="arguments as Python expressions, also key=value")
    take_as(parser)
    parser.take("--wait", action="store_true", help="block this cell until the run has ended")


def _run(call: Call) -> Run:
    target = find_target(call.name, call.names)
    args, kwargs = call_of(" ".join(call.args), call.names)
    if call.body is not None:
        args += _input(call.body, target)
    _check(target.__agnt5_component__, args, kwargs)
    return started(call, target.start(*args, **kwargs))


def _check(component: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    """Tell of arguments that do not fit here, and not by a run that fails."""
    context = [None] if component.wants_context else []
    try:
        inspect.signature(component.fn).bind(*context, *args, **kwargs)
    except TypeError as error:
        raise UsageError(f"%agnt5 run {component.name}: {error}") from None


def started(call: Call, run: Run) -> Run:
    """Keep it, show it, and wait for it if that was asked."""
    call.keep(run)
    show.show_run(run)
    if call.wait:
        value = run.result()
        outcome = inert(repr(value)) if values_shown() else type(value).__name__
        print(f"{run.id} {run.status} in {span(run.duration)}: {outcome}")
    return show.seen(run)


def _input(body: str, target: Any) -> list[Any]:
    """The body of a cell as arguments: JSON or a Python literal, of which a tuple is spread; for an agent, any text."""
    text = body.strip()
    try:
        return [json.loads(text)]
    except ValueError:
        pass
    try:
        value: Any = ast.literal_eval(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        if hasattr(target, "instructions"):
            return [text]
        raise UsageError("%%agnt5 run: the body is JSON or a Python literal (a text in quotes)") from None
    return [*value] if type(value) is tuple else [value]


VERBS = (Verb("run", "start a component; returns its run at once, which can be awaited", _run, _takes, cell=True),)
