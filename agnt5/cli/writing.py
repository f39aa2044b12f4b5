"""Commands that write: `event`, `cancel`, `pause`, `resume`, `prune`.

Each sends one request to the store's owner through its socket; when nobody owns the store, it is owned for that moment.
"""

from __future__ import annotations

import base64
import contextlib
import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import click

from .options import RunCommand, app_option, as_json_option, of_store
from .reading import seconds
from .stores import Choice
from .text import as_json


@click.command(cls=RunCommand)
@of_store
@click.argument("name")
@click.argument("payload", required=False, default="null")
@click.option(
    "--run", "identity", metavar="ID", help="Send it to this run only [default: the run that has waited longest]"
)
@click.option("--event-id", default="", metavar="TEXT", help="The same id a second time is dropped")
@as_json_option
def event(choice: Choice, name: str, payload: str, identity: str | None, event_id: str, json_: bool) -> None:
    """Send an event to a run that waits for NAME, or will.

    PAYLOAD is JSON; what is not JSON is sent as a string; `-` reads it from standard input.
    """
    from ..codec import encode

    text = sys.stdin.read() if payload == "-" else payload
    value: Any = text
    with contextlib.suppress(ValueError):
        value = json.loads(text)
    if identity is None:
        directory, run_id = choice.one_store(), ""
    else:
        directory, row, _ = choice.find(identity)
        run_id = row.id
    body = base64.b64encode(encode(value)).decode()
    event_id = event_id or uuid.uuid4().hex
    answer = visit(directory, do="event", name=name, payload=body, run_id=run_id, event_id=event_id)
    if json_:
        told = {"name": name, "event_id": event_id, "run": run_id or None, "store": directory.name}
        click.echo(as_json({**told, "sent": answer["changed"]}))
        return
    click.echo(f"sent {name} to {directory.name}" if answer["changed"] else "an event with this id was sent before")


@click.command(cls=RunCommand)
@of_store
@click.argument("identity", metavar="ID")
@as_json_option
def cancel(choice: Choice, identity: str, json_: bool) -> None:
    """Ask a run to stop; its clean-up code still runs."""
    directory, row, _ = choice.find(identity)
    answer = visit(directory, do="cancel", run_id=row.id)
    if json_:
        click.echo(as_json({"run": row.id, "asked": answer["changed"]}))
        return
    click.echo(f"asked {row.id} to stop" if answer["changed"] else f"{row.id} had ended already")


@click.command(cls=RunCommand)
@of_store
@click.argument("identity", metavar="ID")
@as_json_option
def pause(choice: Choice, identity: str, json_: bool) -> None:
    """Stop a run where it is until it is resumed."""
    directory, row, _ = choice.find(identity)
    visit(directory, do="pause", run_id=row.id)
    click.echo(as_json({"run": row.id, "paused": True}) if json_ else f"paused {row.id}")


@click.command()
@of_store
@click.option("--older", required=True, metavar="AGE", help="Delete runs that ended longer ago than 90s, 15m, 12h, 30d")
@as_json_option
def prune(choice: Choice, older: str, json_: bool) -> None:
    """Delete ended runs for good, with all they kept."""
    before = int((time.time() - seconds(older)) * 1e6)
    deleted = {directory.name: visit(directory, do="prune", before=before)["count"] for directory in choice.stores()}
    if json_:
        click.echo(as_json(deleted))
        return
    for name, count in deleted.items():
        click.echo(f"{name}: deleted {count} {'run' if count == 1 else 'runs'}")
    if not deleted:
        click.echo(f"no store in {choice.root()}")


@click.command(cls=RunCommand)
@of_store
@app_option
@click.argument("identity", metavar="ID", required=False)
@click.option("--wait", is_flag=True, help="Wait for their ends also where the store's owner drives them")
@as_json_option
def resume(choice: Choice, app: str | None, identity: str | None, wait: bool, json_: bool) -> int:
    """Let an interrupted or paused run go on; without ID, all interrupted runs.

    A living owner of the store (a kernel, a worker) drives the run. When nobody owns it, the run is driven here to its
    end, and that needs its code: --app.
    """
    from .resuming import resume_runs

    return resume_runs(choice, app, identity, json_, wait=wait)


def visit(directory: Path, **request: Any) -> dict[str, Any]:
    """One request to the owner of a store; returns its answer: `changed` or `count`. Raises what the owner raised."""
    from .._core import visit as core_visit

    return json.loads(core_visit(str(directory), json.dumps(request)))


COMMANDS = (event, cancel, pause, resume, prune)
