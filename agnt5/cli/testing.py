"""`test`: a run, or a journal file, turned into a test that fails when the code no longer replays it."""

from __future__ import annotations

import click

from ..errors import ConfigurationError
from .comparing import journal_of
from .options import RunCommand, app_option, as_json_option, of_store
from .stores import Choice
from .text import as_json, shown


@click.command(cls=RunCommand)
@of_store
@app_option
@click.argument("identity", metavar="ID")
@click.option("--to", metavar="FILE", help="The test's file, or a directory for it [default: tests/test_COMPONENT.py]")
@click.option("--force", is_flag=True, help="Replace files that are there")
@as_json_option
def test(choice: Choice, app: str | None, identity: str, to: str | None, force: bool, json_: bool) -> None:
    """Write a pytest test that fails when the code asks otherwise than this run did.

    The run's journal is saved beside it. --app names the code; the test imports it from there.
    """
    from ..testing.writing import write_test
    from .usercode import load_app

    if app is None:
        raise ConfigurationError(
            "name the code to test with --app module, file.py or notebook.ipynb (or AGNT5_APP): the test imports it"
        )
    load_app(app)
    made = write_test(journal_of(choice, identity), to, force=force)
    if json_:
        click.echo(as_json({"test": str(made.test), "journal": str(made.journal)}))
    else:
        click.echo(shown(str(made), lines=True))


COMMANDS = (test,)
