"""`replay`: a run stepped through. A stepper for the keyboard on a terminal, a plain list of positions elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from .comparing import journal_of
from .options import RunCommand, app_option, as_json_option, of_store
from .stores import Choice
from .text import as_json, is_screen, shown

if TYPE_CHECKING:
    from ..journal import Journal
    from ..replay.replay import Replay


@click.command(cls=RunCommand)
@of_store
@app_option
@click.argument("identity", metavar="ID")
@click.option("--at", default="0", metavar="N", help="Begin at this entry, its number or path")
@click.option("--recorded", is_flag=True, help="Run the source as it was recorded instead of the code of now")
@as_json_option
def replay(choice: Choice, app: str | None, identity: str, at: str, recorded: bool, json_: bool) -> None:
    """Step through a run, or a journal file: source, locals and state at every position.

    No step body runs and nothing is written. Without --app (or --recorded) there is no code to drive, and the entries
    are stepped over. Keys: right and left step, home and end jump, g goes to an entry, b toggles a breakpoint, c goes
    on to the next one, e evaluates an expression, q leaves.
    """
    from .. import registry
    from ..replay.replay import replay_of
    from .usercode import load_app

    if app is not None:
        load_app(app)
    journal = journal_of(choice, identity)
    # A journal file's component, when --app defines it: naming the code is the person's word.
    code = registry.find(journal.component) if journal.loaded and not recorded else None
    with replay_of(journal, "recorded" if recorded else code) as walk:
        if walk.why_no_frames and registry.find(journal.component) is None:
            walk.why_no_frames = _without_code(journal, app)
        walk.goto(int(at) if at.isdecimal() else at)
        if json_:
            click.echo(as_json(_listed(walk)))
        elif sys.stdin.isatty() and is_screen():
            from .stepper import Stepper

            Stepper(walk).run()
        else:
            _print(walk)


def _without_code(journal: Journal, app: str | None) -> str:
    """Why there are no frames, in the words of this command."""
    why = "A loaded journal is only data" if journal.loaded else "No code was named"
    if app is not None:
        why = f"{app} defines nothing that is called {journal.component!r}"
    return (
        f"{why}, so entries are stepped over and no code runs. --app names the code; --recorded runs the source that "
        "the journal holds."
    )


def _print(walk: Replay) -> None:
    for line in _lines(walk):
        click.echo(shown(line))
    if walk.outcome:
        click.echo(f"{'':>6}  {shown(walk.outcome)}")
    if walk.divergence is not None:
        click.echo(shown(str(walk.divergence), lines=True))
    if walk.why_no_frames:
        click.echo(shown(walk.why_no_frames))


def _lines(walk: Replay) -> list[str]:
    lines: list[str] = []
    while True:
        entry, frame = walk.entry, walk.frame
        what = "start" if entry is None else f"{entry.kind} {entry.path or entry.name}"
        where = "" if frame is None else f"{frame.file}:{frame.line}  {frame.code}"
        lines.append(f"{_number(walk):>6}  {what:<32}  {where}".rstrip())
        if walk.at_end:
            return lines
        walk.step()


def _number(walk: Replay) -> int:
    """The number of the entry that was answered here, which --at takes; 0 at the start."""
    return 0 if walk.entry is None else walk.entry.seq


def _listed(walk: Replay) -> dict[str, Any]:
    """Every position from here to the end."""
    positions: list[dict[str, Any]] = []
    while True:
        entry, frame = walk.entry, walk.frame
        positions.append(
            {
                "index": walk.index,
                "seq": _number(walk),
                "path": entry.path if entry is not None else None,
                "kind": entry.kind if entry is not None else None,
                "file": frame.file if frame is not None else None,
                "line": frame.line if frame is not None else None,
                "function": frame.function if frame is not None else None,
                "locals": walk.locals,
                "frames": [one._asdict() for one in walk.frames],
                "state": walk.state,
                "changed": sorted(walk.changed),
            }
        )
        if walk.at_end:
            break
        walk.step()
    divergence = None if walk.divergence is None else str(walk.divergence)
    return {
        "run": walk.run_id,
        "positions": positions,
        "outcome": walk.outcome or None,
        "divergence": divergence,
        "no_frames": walk.why_no_frames or None,
    }


COMMANDS = (replay,)
