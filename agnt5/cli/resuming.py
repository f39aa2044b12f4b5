"""`agnt5 resume`: through the store's living owner, or, when there is none, by driving the run here to its end.

Driving needs the user's code, and makes this process the owner of the store until the run has ended or waits.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import AGNT5Error, RunClosed
from .driving import at_work, need_code, told_result
from .stores import Choice, Found

if TYPE_CHECKING:
    from .._core import RunRow

MOST = 100_000  # runs looked through for interrupted ones


def resume_runs(choice: Choice, app: str | None, identity: str | None) -> None:
    """Resume the run that `identity` means, or every interrupted run of the chosen stores.

    Raises ConfigurationError when nobody owns the store and no code was named.
    """
    chosen = interrupted(choice) if identity is None else [choice.find(identity)]
    if not chosen:
        click.echo("no interrupted runs")
    failures: list[str] = []
    for directory, owned in dict.fromkeys((run.directory, run.owned) for run in chosen):
        rows = [run.row for run in chosen if run.directory == directory]
        if owned:
            _ask_owner(directory, rows)
        elif app is None:
            raise need_code(directory, (row.component for row in rows))
        else:
            failures += _drive(choice.root(), directory, app, rows)
    if failures:
        raise AGNT5Error("; ".join(failures))


def interrupted(choice: Choice) -> list[Found]:
    """Every run that nobody drives, oldest first. Paused runs wait for a decision of their own: name them."""
    return [run for run in reversed(choice.rows(limit=MOST)) if run.interrupted]


def _ask_owner(directory: Path, rows: list[RunRow]) -> None:
    from .writing import visit

    for row in rows:
        answer = visit(directory, do="resume", run_id=row.id)
        click.echo(f"{row.id} goes on in the store's owner" if answer["changed"] else f"{row.id} has nothing to resume")


def _drive(home: Path, directory: Path, app: str, rows: list[RunRow]) -> list[str]:
    """Own the store, resume these runs and wait for their ends; returns what went wrong, a line each."""
    import agnt5

    failures: list[str] = []
    with at_work(home, directory, app):
        resumed = [agnt5.get_run(row.id) for row in rows]
        for run in resumed:
            with contextlib.suppress(RunClosed):  # it came to its end as soon as its code was there
                run.resume()
        for run in resumed:
            try:
                click.echo(told_result(run))
            except AGNT5Error as error:
                failures.append(str(error))
    return failures
