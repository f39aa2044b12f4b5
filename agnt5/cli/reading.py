"""Commands that only read: `runs` and `show`. They open stores beside their owner and change nothing."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from ..types import INTERRUPTED
from .approving import describe_approval, how_to_answer, questions_of
from .options import RunCommand, as_json_option, of_store
from .stores import STATUSES, Choice, Found, open_reader
from .talking import show_chat
from .text import as_json, lasted, shown, table, when

if TYPE_CHECKING:
    from .._core import RunRow
    from ..entry import Entry

HEADS = ("ID", "COMPONENT", "STATUS", "CREATED", "TOOK", "NOTE")


@click.command()
@of_store
@click.option("--status", type=click.Choice([*STATUSES, INTERRUPTED]), help="Only runs with this status")
@click.option("--component", metavar="NAME", help="Only runs of this component")
@click.option("--since", metavar="AGE", help="Only runs created since then, as 90s, 15m, 12h, 30d")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many, newest first"
)
@click.option("--roots", is_flag=True, help="Only runs that no other run called")
@click.option("--all-stores", is_flag=True, help="All stores of the home, even if AGNT5_STORE names one")
@as_json_option
def runs(
    choice: Choice,
    status: str | None,
    component: str | None,
    since: str | None,
    limit: int,
    roots: bool,
    all_stores: bool,
    json_: bool,
) -> None:
    """List runs, newest first."""
    if all_stores:
        choice = Choice(choice.home)
    chosen: dict[str, Any] = {
        "component": component or "",
        "since": int((time.time() - seconds(since)) * 1e6) if since else 0,
        "roots": roots,
    }
    if status == INTERRUPTED:
        found = choice.interrupted(limit, **chosen)
    else:
        found = choice.rows(limit=limit, status=-1 if status is None else STATUSES.index(status), **chosen)
    if json_:
        click.echo(as_json([describe(run) for run in found]))
    elif found:
        click.echo(run_table(found, with_store=len(choice.stores()) > 1))
    else:
        click.echo(f"no runs in {shown(str(choice.root()))}" + (" that fit" if status or component or since else ""))


@click.command(cls=RunCommand)
@of_store
@click.argument("identity", metavar="ID")
@click.option("--chat", "chat", type=int, metavar="N", help="The whole conversation of entry N, a question to a model")
@as_json_option
def show(choice: Choice, identity: str, chat: int | None, json_: bool) -> None:
    """Show a run and its journal, and what in it waits for a person."""
    from ..asking import paused_below
    from ..journal import Journal
    from ..waiting import successor_of

    run = choice.find(identity)
    row = run.row
    reader = open_reader(run.directory)
    journal = Journal.read(reader, row)
    if chat is not None:
        show_chat(journal, chat, json_=json_)
        return
    successor = successor_of(row.id, reader)
    asked = questions_of(run)
    if json_:
        waiting = [describe_approval(one) for one in asked]
        entries = [describe_entry(entry) for entry in journal]
        more = {"successor": successor or None, "approvals": waiting, "entries": entries}
        click.echo(as_json(describe(run) | more))
        return
    facts = [
        ("run", row.id),
        ("component", row.component),
        ("status", STATUSES[row.status] + (" (interrupted)" if run.interrupted else "")),
        ("reason", row.reason),
        ("continued", successor),
        ("created", when(row.created)),
        ("took", took(row)),
        ("store", run.directory.name),
    ]
    for name, value in facts:
        if value:
            click.echo(f"{name:<10} {shown(value)}")
    click.echo()
    click.echo(shown(str(journal), lines=True))
    for told in paused_below(row.id, reader):
        click.echo(f"\n{shown(told)}")
    if asked:
        click.echo("\nwaits for a person:")
    for one in asked:
        click.echo("\n".join(how_to_answer(one)))


def run_table(found: list[Found], *, with_store: bool) -> str:
    """Runs as a table for a terminal."""
    heads = ["STORE", *HEADS] if with_store else list(HEADS)
    lines: list[list[str]] = []
    for run in found:
        row = run.row
        note = row.reason or ("interrupted" if run.interrupted else "")
        if row.parent_id:
            note = f"called by {row.parent_id}" + (f": {note}" if note else "")
        line = [row.id, row.component, STATUSES[row.status], when(row.created), took(row), note]
        lines.append([run.directory.name, *line] if with_store else line)
    return table(heads, lines, status_column=heads.index("STATUS"))


def describe(run: Found) -> dict[str, Any]:
    """A run as JSON; times are ISO 8601 in UTC, or null."""
    row = run.row
    return {
        "id": row.id,
        "component": row.component,
        "status": STATUSES[row.status],
        "interrupted": run.interrupted,
        "reason": row.reason or None,
        "created": iso(row.created),
        "started": iso(row.started),
        "ended": iso(row.ended),
        "attempt": row.epoch,
        "parent": row.origin_id or None,
        "caller": row.parent_id or None,
        "object": row.object_key or None,
        "store": run.directory.name,
    }


def describe_entry(entry: Entry) -> dict[str, Any]:
    """A journal entry as JSON; values that JSON lacks are shown as Python writes them."""
    return {
        "seq": entry.seq,
        "path": entry.path,
        "kind": entry.kind,
        "name": entry.name,
        "input": entry.input,
        "output": entry.output,
        "error": entry.error,
        "attempts": entry.attempts,
        "started": entry.started.isoformat(),
        "ended": entry.ended.isoformat() if entry.ended else None,
        "child": entry.child_id or None,
        "logs": [{"stream": stream, "at": at.isoformat(), "text": text} for stream, at, text in entry.logs],
    }


def took(row: RunRow) -> str:
    """How long the run took, or has been at it; "" before it started."""
    return lasted((row.ended or int(time.time() * 1e6)) - row.created) if row.created else ""


def iso(microseconds: int) -> str | None:
    """UTC time as ISO 8601."""
    return datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat() if microseconds else None


def seconds(age: str) -> float:
    """An age as 90s, 15m, 12h or 30d, in seconds."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    number, unit = age[:-1], age[-1:]
    try:
        return float(number) * units[unit]
    except (KeyError, ValueError):
        raise click.UsageError(f"{age!r} is no age: write 90s, 15m, 12h, 30d or 2w") from None


COMMANDS = (runs, show)
