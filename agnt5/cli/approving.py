"""Commands that give a person's word: `approve` and `deny`.

They find the question in the journals of the run and of the runs it awaits, and answer it through the store's owner;
when nobody owns the store, the answer is kept for whoever resumes the run.
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING, Any, cast

import click

from .options import RunCommand, as_json_option, of_store
from .stores import STATUSES, Choice, Found, open_reader
from .text import as_json, shown

if TYPE_CHECKING:
    from ..agent import Approval
    from ..journal import Journal

_number = click.argument("number", metavar="N", type=click.IntRange(1), required=False)


@click.command(cls=RunCommand)
@of_store
@click.argument("identity", metavar="ID")
@_number
@click.option("--arguments", metavar="JSON", help="Call the tool with these instead, a JSON object")
@as_json_option
def approve(choice: Choice, identity: str, number: int | None, arguments: str | None, json_: bool) -> None:
    """Let a tool be called that waits for a person.

    N is the number of the question, as `agnt5 show ID` tells it; it may be left out when only one waits.
    """
    from ..agent.approval import approving

    edited = None if arguments is None else _object(arguments)
    _answer(choice.find(identity), number, "approved", approving(edited), json_)


@click.command(cls=RunCommand)
@of_store
@click.argument("identity", metavar="ID")
@_number
@click.option("--reason", metavar="TEXT", default="", help="Told to the model")
@as_json_option
def deny(choice: Choice, identity: str, number: int | None, reason: str, json_: bool) -> None:
    """Refuse a tool call that waits for a person."""
    from ..agent.approval import denying

    _answer(choice.find(identity), number, "denied", denying(reason), json_)


def questions_of(run: Found) -> list[Approval]:
    """What waits for a person in a run and below it."""
    from ..agent.approval import questions
    from ..errors import RunNotFound
    from ..journal import Journal

    reader = open_reader(run.directory)

    def journal_of(run_id: str) -> Journal:
        row = reader.run(run_id)
        if row is None:
            raise RunNotFound(f"no run {run_id}")
        return Journal.read(reader, row)

    return questions(journal_of(run.row.id), journal_of)


def how_to_answer(asked: Approval) -> list[str]:
    """Lines that show a question and the commands that answer it."""
    where = f"{asked.run_id} {asked.number}"
    return [f"  {shown(str(asked))}", f"      agnt5 approve {where}    agnt5 deny {where} --reason TEXT"]


def describe_approval(asked: Approval) -> dict[str, Any]:
    """A question that waits for a person as JSON."""
    return {
        "run": asked.run_id,
        "number": asked.number,
        "agent": asked.agent,
        "tool": asked.tool,
        "arguments": asked.arguments,
    }


def _answer(run: Found, number: int | None, word: str, payload: dict[str, Any], json_: bool) -> None:
    from ..agent.approval import choose
    from ..codec import encode
    from .writing import visit

    asked = choose(run.row.id, STATUSES[run.row.status], questions_of(run), number)
    body = base64.b64encode(encode(payload)).decode()
    event_id = uuid.uuid4().hex
    visit(run.directory, do="event", name=asked.event, payload=body, run_id=asked.run_id, event_id=event_id)
    if json_:
        click.echo(as_json({"answer": word} | describe_approval(asked)))
        return
    click.echo(f"{word} {shown(str(asked))}")


def _object(text: str) -> dict[str, Any]:
    try:
        found: Any = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"--arguments is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise click.UsageError("--arguments is a JSON object, as '{\"amount\": 5}'")
    return cast("dict[str, Any]", found)


COMMANDS = (approve, deny)
