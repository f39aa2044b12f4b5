"""`agnt5 resume`: through the store's living owner, or, when there is none, by driving the run here to its end.

Driving needs the user's code, and makes this process the owner of the store until the run has ended or waits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ..errors import AGNT5Error, RunClosed
from .driving import at_work, need_code
from .stores import Choice, Found
from .text import as_json, shown

if TYPE_CHECKING:
    from .._core import RunRow


class Resumed(NamedTuple):
    """What became of one run. `result` and `error` are None when the store's owner drives it and nobody waited."""

    run: str
    driven: str  # "owner", "here", or "nobody" when there was nothing to resume
    result: Any = None
    error: str | None = None
    ended: bool = False

    def __str__(self) -> str:
        if self.ended:
            return f"{self.run} completed: {shown(repr(self.result))[:200]}"
        return (
            f"{self.run} goes on in the store's owner"
            if self.driven == "owner"
            else f"{self.run} has nothing to resume"
        )


def resume_runs(
    choice: Choice, app: str | None, identity: str | None, json_: bool = False, *, wait: bool = False
) -> int:
    """Resume the run that `identity` means, or every interrupted run of the chosen stores; returns the exit code.
    `wait`: until they have ended, whoever drives them.

    Raises ConfigurationError when nobody owns the store and no code was named.
    """
    chosen = interrupted(choice) if identity is None else [choice.find(identity)]
    found: list[Resumed] = []
    for directory, owned in dict.fromkeys((run.directory, run.owned) for run in chosen):
        rows = [run.row for run in chosen if run.directory == directory]
        if not owned and app is None:
            raise need_code(directory, (row.component for row in rows))
        if owned:
            told = _ask_owner(directory, rows)
            resumed = _wait(choice.root(), directory, rows, told) if wait else iter(told)
        else:
            resumed = _drive(choice.root(), directory, app, rows)
        for one in resumed:
            if one.error is None and not json_:
                click.echo(str(one))
            found.append(one)
    failures = [one.error for one in found if one.error is not None]
    if json_:
        told = [one._asdict() for one in found]
        click.echo(as_json([{name: value for name, value in one.items() if name != "ended"} for one in told]))
    elif failures:
        raise AGNT5Error("; ".join(failures))
    elif not found:
        click.echo("no interrupted runs")
    return 1 if failures else 0


def interrupted(choice: Choice) -> list[Found]:
    """Every run that nobody drives, oldest first. Paused runs wait for a decision of their own: name them."""
    return choice.interrupted()[::-1]


def _ask_owner(directory: Path, rows: list[RunRow]) -> list[Resumed]:
    from .writing import visit

    answers = [(row.id, visit(directory, do="resume", run_id=row.id)) for row in rows]
    return [Resumed(run_id, "owner" if answer["changed"] else "nobody") for run_id, answer in answers]


def _wait(home: Path, directory: Path, rows: list[RunRow], told: list[Resumed]) -> Iterator[Resumed]:
    """Look at the store until the owner has brought these runs to their ends."""
    import agnt5

    with at_work(home, directory, None):
        for row, one in zip(rows, told, strict=True):
            run = agnt5.get_run(row.id)
            click.echo(f"waiting for {row.id}, which the store's owner drives", err=True)
            try:
                yield Resumed(one.run, "owner", run.result(), ended=True)
            except AGNT5Error as error:
                yield Resumed(one.run, "owner", error=str(error))


def _drive(home: Path, directory: Path, app: str | None, rows: list[RunRow]) -> Iterator[Resumed]:
    """Own the store, resume these runs and wait for their ends."""
    import agnt5

    with at_work(home, directory, app):
        resumed = [agnt5.get_run(row.id) for row in rows]
        for run in resumed:
            with contextlib.suppress(RunClosed):  # it came to its end as soon as its code was there
                run.resume()
        for run in resumed:
            click.echo(f"driving {run.id} here", err=True)
            try:
                yield Resumed(run.id, "here", run.result(), ended=True)
            except AGNT5Error as error:
                yield Resumed(run.id, "here", error=str(error))
