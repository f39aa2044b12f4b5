"""`fork` and `rerun`: new runs made of old ones. What will run is shown before it does.

The store's living owner drives them; when there is none, they are driven here, and that needs their code.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import click

from ..errors import AGNT5Error
from .driving import at_work, need_code, pair, told_result, value_of
from .options import RunCommand, app_option, as_json_option, of_store
from .stores import Choice, Found
from .text import as_json, shown

if TYPE_CHECKING:
    from ..run import Run


@click.command(cls=RunCommand)
@of_store
@app_option
@click.argument("identity", metavar="ID")
@click.option("--at", metavar="N", help="Entry to fork at: its number or path [default: the first one that changes]")
@click.option(
    "--set", "sets", multiple=True, metavar="PATH=VALUE", help="Answer this command so; VALUE is JSON or text"
)
@click.option(
    "--fail", "fails", multiple=True, metavar="PATH=ERROR", help="Let this command fail, as in PATH=ValueError:message"
)
@click.option("--state", "states", multiple=True, metavar="NAME=VALUE", help="Set execution-scoped state")
@click.option("--input", "given", metavar="JSON", help="Other arguments, as a list; then nothing is shared")
@click.option(
    "--inflight",
    type=click.Choice(["rerun", "reuse"]),
    default="rerun",
    show_default=True,
    help="What was under way there: do it again, or give it the answer that it had",
)
@click.option(
    "--objects",
    type=click.Choice(["overlay", "live"]),
    default="overlay",
    show_default=True,
    help="Object calls act on copies, or on the objects themselves",
)
@click.option("--dry-run", is_flag=True, help="Only show what would run")
@click.option("--yes", is_flag=True, help="Do not ask")
@as_json_option
def fork(
    choice: Choice,
    app: str | None,
    identity: str,
    at: str | None,
    sets: tuple[str, ...],
    fails: tuple[str, ...],
    states: tuple[str, ...],
    given: str | None,
    inflight: str,
    objects: str,
    dry_run: bool,
    yes: bool,
    json_: bool,
) -> int:
    """Make a run that shares the beginning of another and goes on otherwise. The other one stays as it is."""
    import agnt5

    if at is None and not (sets or fails or given):
        raise click.UsageError("say where to fork: --at N, or --set, --fail or --input, which imply it")
    found = choice.find(identity)
    outputs = {path: value_of(text) for path, text in (pair(one, "--set") for one in sets)}
    errors = {path: _error(text) for path, text in (pair(one, "--fail") for one in fails)}
    state = {name: value_of(text) for name, text in (pair(one, "--state") for one in states)}
    place = int(at) if at is not None and at.isdecimal() else at
    input_ = None if given is None else _arguments(given)
    with at_work(choice.root(), found.directory, app):
        run = agnt5.get_run(found.row.id)
        plan = run.plan_fork(place, input=input_, outputs=outputs, fail=errors)
        if not json_:
            click.echo(shown(str(plan), lines=True))
        told = {"plan": {**plan._asdict(), "in_flight": _dicts(plan.in_flight), "later": _dicts(plan.later)}}
        if dry_run:
            if json_:
                click.echo(as_json(told))
            return 0
        asks = sys.stdin.isatty() and sys.stdout.isatty() and not (yes or json_)
        if asks and not click.confirm("fork?", default=True):
            click.echo("no fork was made")
            return 1
        _refuse_without_code(found, app)
        made = run.fork(
            place,
            input=input_,
            outputs=outputs,
            fail=errors,
            state=state,
            inflight=inflight,  # type: ignore[arg-type]
            objects=objects,  # type: ignore[arg-type]
        )
        return _follow(made, found, told if json_ else None)


@click.command(cls=RunCommand)
@of_store
@app_option
@click.argument("identity", metavar="ID")
@click.option("--input", "given", metavar="JSON", help="Other arguments, as a list")
@click.option("--always", multiple=True, metavar="NAME", help="Execute the steps of this name in any case")
@as_json_option
def rerun(
    choice: Choice, app: str | None, identity: str, given: str | None, always: tuple[str, ...], json_: bool
) -> int:
    """Run it again, with old results wherever place, arguments and code are the same."""
    import agnt5

    found = choice.find(identity)
    with at_work(choice.root(), found.directory, app):
        _refuse_without_code(found, app)
        made = agnt5.get_run(found.row.id).rerun(None if given is None else _arguments(given), always=always)
        code = _follow(made, found, {} if json_ else None, lambda: {"reused": made.reused.to_dict()})
        if not found.owned and not json_:
            click.echo(shown(str(made.reused), lines=True))
        return code


def _follow(made: Run, found: Found, told: dict[str, Any] | None, more: Callable[[], dict[str, Any]] = dict) -> int:
    """Tell where the new run is driven, and its end when that is here; returns the exit code. `told` begins the JSON,
    and `more` ends it when the run has ended; without, it is a line."""
    if told is None:
        click.echo(f"{made.id} goes on in the store's owner" if found.owned else told_result(made))
        return 0
    result = error = None
    if not found.owned:
        try:
            click.echo(f"driving {made.id} here", err=True)
            result = made.result()
        except AGNT5Error as raised:
            error = str(raised)
        told |= more()
    click.echo(as_json({**told, "run": made.id, "status": str(made.status), "result": result, "error": error}))
    return 0 if error is None else 1


def _refuse_without_code(found: Found, app: str | None) -> None:
    if not found.owned and app is None:
        raise need_code(found.directory, [found.row.component])


def _dicts(commands: list[Any]) -> list[dict[str, Any]]:
    return [command._asdict() for command in commands]


def _arguments(text: str) -> tuple[Any, ...]:
    value = value_of(text)
    if not isinstance(value, list):
        raise click.UsageError(f"--input is a JSON list of arguments, as in '[1, \"two\"]', not {text!r}")
    return tuple(cast("list[Any]", value))


def _error(text: str) -> BaseException:
    name, _, message = text.partition(":")
    cls = getattr(builtins, name.strip(), None)
    if not (isinstance(cls, type) and issubclass(cls, Exception)):
        raise AGNT5Error(f"--fail: {name.strip()!r} is no exception of Python, as ValueError or TimeoutError is")
    return cls(message.strip()) if message else cls()


COMMANDS = (fork, rerun)
