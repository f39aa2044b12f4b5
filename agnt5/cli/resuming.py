"""`agnt5 resume`: through the store's living owner, or, when there is none, by driving the run here to its end.

Driving needs the user's code, and makes this process the owner of the store until the run has ended or waits.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import AGNT5Error, ConfigurationError
from .stores import STATUSES, Choice, open_reader
from .text import shown

if TYPE_CHECKING:
    from .._core import RunRow

PAUSED = STATUSES.index("paused")


def resume_runs(choice: Choice, app: str | None, identity: str | None) -> None:
    """Resume the run that `identity` means, or every interrupted run of the chosen stores.

    Raises ConfigurationError when nobody owns the store and no code was named.
    """
    chosen = interrupted(choice) if identity is None else [choice.find(identity)]
    if not chosen:
        click.echo("no interrupted runs")
    failures: list[str] = []
    for directory in dict.fromkeys(directory for directory, _ in chosen):
        rows = [row for where, row in chosen if where == directory]
        if open_reader(directory).owner():
            _ask_owner(directory, rows)
        elif app is None:
            names = ", ".join(sorted({row.component for row in rows}))
            raise ConfigurationError(
                f"nobody owns the store {directory.name}, so {names} must be driven here: name the code with --app "
                "module, file.py or notebook.ipynb (or AGNT5_APP)"
            )
        else:
            failures += _drive(choice.root(), directory, app, rows)
    if failures:
        raise AGNT5Error("; ".join(failures))


def interrupted(choice: Choice) -> list[tuple[Path, RunRow]]:
    """Every run whose process went away, oldest first."""
    found = [(d, row) for d in choice.stores() for row in open_reader(d).runs(limit=10_000) if row.interrupted]
    return sorted(found, key=lambda pair: pair[1].created)


def _ask_owner(directory: Path, rows: list[RunRow]) -> None:
    from .writing import visit

    for row in rows:
        answer = visit(directory, do="resume", run_id=row.id)
        click.echo(f"{row.id} goes on in the store's owner" if answer["changed"] else f"{row.id} has nothing to resume")


def _drive(home: Path, directory: Path, app: str, rows: list[RunRow]) -> list[str]:
    import agnt5

    from .usercode import load_app

    agnt5.configure(home=home, store=directory.name, recover="ask")
    load_app(app)
    failures: list[str] = []
    for row in rows:
        run = agnt5.get_run(row.id)
        run.resume()
    for row in rows:
        run = agnt5.get_run(row.id)
        try:
            value = run.result()
        except AGNT5Error as error:
            failures.append(f"{row.id}: {error}")
        else:
            click.echo(f"{row.id} completed: {shown(repr(value))[:200]}")
    return failures
