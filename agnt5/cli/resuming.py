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

MOST = 100_000  # runs looked through for interrupted ones


class Resumed(NamedTuple):
    """What became of one run. `result` and `error` are None when the store's owner drives it."""

    run: str
    driven: str  # "owner", "here", or "nobody" when there was nothing to resume
    result: Any = None
    error: str | None = None

    def __str__(self) -> str:
        if self.driven == "here":
            return f"{self.run} completed: {shown(repr(self.result))[:200]}"
        return (
            f"{self.run} goes on in the store's owner"
            if self.driven == "owner"
            else f"{self.run} has nothing to resume"
        )


def resume_runs(choice: Choice, app: str | None, identity: str | None, json_: bool = False) -> int:
    """Resume the run that `identity` means, or every interrupted run of the chosen stores; returns the exit code.

    Raises ConfigurationError when nobody owns the store and no code was named.
    """
    chosen = interrupted(choice) if identity is None else [choice.find(identity)]
    found: list[Resumed] = []
    for directory, owned in dict.fromkeys((run.directory, run.owned) for run in chosen):
        rows = [run.row for run in chosen if run.directory == directory]
        if not owned and app is None:
            raise need_code(directory, (row.component for row in rows))
        for one in _ask_owner(directory, rows) if owned else _drive(choice.root(), directory, app, rows):
            if one.error is None and not json_:
                click.echo(str(one))
            found.append(one)
    failures = [one.error for one in found if one.error is not None]
    if json_:
        click.echo(as_json([one._asdict() for one in found]))
    elif failures:
        raise AGNT5Error("; ".join(failures))
    elif not found:
        click.echo("no interrupted runs")
    return 1 if failures else 0


def interrupted(choice: Choice) -> list[Found]:
    """Every run that nobody drives, oldest first. Paused runs wait for a decision of their own: name them."""
    return [run for run in reversed(choice.rows(limit=MOST)) if run.interrupted]


def _ask_owner(directory: Path, rows: list[RunRow]) -> Iterator[Resumed]:
    from .writing import visit

    for row in rows:
        answer = visit(directory, do="resume", run_id=row.id)
        yield Resumed(row.id, "owner" if answer["changed"] else "nobody")


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
                yield Resumed(run.id, "here", run.result())
            except AGNT5Error as error:
                yield Resumed(run.id, "here", error=str(error))
