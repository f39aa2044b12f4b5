"""`diff`, `check`, `save`, `load`: runs beside other runs, beside the code of now, and beside files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import AGNT5Error, ConfigurationError, StoreError
from .options import RunCommand, app_option, as_json_option, of_store
from .reading import describe_entry
from .stores import Choice, open_reader
from .text import as_json, shown

if TYPE_CHECKING:
    from ..journal import Journal
    from ..replay.check import Report


@click.command(cls=RunCommand)
@of_store
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@click.option("--code", is_flag=True, help="Show how the recorded code differs, too")
@as_json_option
def diff(choice: Choice, old: str, new: str, code: bool, json_: bool) -> None:
    """Show what two runs did otherwise. A and B are runs, or journal files."""
    from ..replay.diff import Diff

    found = Diff(journal_of(choice, old), journal_of(choice, new))
    if json_:
        click.echo(as_json(found.to_dict()))
        return
    click.echo(shown(str(found), lines=True))
    if code and found.code:
        click.echo(shown(found.code, lines=True))


@click.command()
@of_store
@app_option
@click.argument("component", metavar="[NAME]", required=False)
@click.option("--last", type=click.IntRange(1), metavar="N", help="Only the newest N runs of each flow")
@click.option("--seconds", type=float, metavar="S", help="Begin no further run after so long")
@as_json_option
def check(
    choice: Choice, app: str | None, component: str | None, last: int | None, seconds: float | None, json_: bool
) -> int:
    """Replay recorded runs against the code of now. Exit code 1 when one of them does not replay."""
    from .. import registry
    from ..replay.check import check_runs, flow_of
    from .usercode import load_app

    if app is None:
        raise ConfigurationError("name the code to check with --app module, file.py or notebook.ipynb (or AGNT5_APP)")
    load_app(app)
    if component is not None:
        found = registry.find(component)
        if found is None:
            raise ConfigurationError(f"{app} defines nothing that is called {component!r}")
        flow_of(found)
    reports: dict[str, Report] = {}
    unread: dict[str, str] = {}
    for directory in choice.stores():
        try:
            reports[directory.name] = check_runs(open_reader(directory), component or "", last=last, seconds=seconds)
        except StoreError as error:
            unread[directory.name] = str(error)
    if json_:
        failed = {name: {"ok": False, "error": text} for name, text in unread.items()}
        click.echo(as_json({name: report.to_dict() for name, report in reports.items()} | failed))
    else:
        for name, report in reports.items():
            head = f"{name}:\n" if len(reports) + len(unread) > 1 else ""
            click.echo(head + shown(str(report), lines=True))
        if not reports and not unread:
            click.echo(f"no recorded runs in {shown(str(choice.root()))}")
        if unread:
            raise AGNT5Error(f"not checked: {'; '.join(unread.values())}")
    return 0 if all(report.ok for report in reports.values()) and not unread else 1


@click.command(cls=RunCommand)
@of_store
@click.argument("identity", metavar="ID")
@click.argument("file", type=click.Path(path_type=Path))
@as_json_option
def save(choice: Choice, identity: str, file: Path, json_: bool) -> None:
    """Write a run's journal to one file, to keep or to send."""
    journal = journal_of(choice, identity)
    path = journal.save(file)
    facts = {"run": journal.run_id, "file": str(path), "entries": len(journal), "bytes": path.stat().st_size}
    if json_:
        click.echo(as_json(facts))
    else:
        click.echo(f"saved {journal.run_id} to {shown(str(path))}: {facts['entries']} entries, {facts['bytes']} bytes")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json_option
def load(file: Path, json_: bool) -> None:
    """Show a journal file. It is read as data: no code of it runs, no class is looked up."""
    from ..journalfile import load_journal

    journal = load_journal(file)
    facts = {
        "run": journal.run_id,
        "component": journal.component,
        "status": str(journal.status),
        "reason": journal.facts.reason,
        "saved_by": f"agnt5 {journal.facts.version}",
    }
    if json_:
        click.echo(as_json({**facts, "entries": [describe_entry(entry) for entry in journal]}))
        return
    for name, value in facts.items():
        if value:
            click.echo(f"{name.replace('_', ' '):<10} {shown(value)}")
    click.echo()
    click.echo(shown(str(journal), lines=True))


def journal_of(choice: Choice, identity: str) -> Journal:
    """The journal of a run, or of a file when a file has this name."""
    from ..journal import Journal
    from ..journalfile import load_journal

    if Path(identity).is_file():
        return load_journal(identity)
    found = choice.find(identity)
    return Journal.read(open_reader(found.directory), found.row)


COMMANDS = (diff, check, save, load)
