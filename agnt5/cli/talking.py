"""A conversation with a model for a terminal: `agnt5 show ID --chat N`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import AGNT5Error
from .text import as_json, colour, shown

if TYPE_CHECKING:
    from ..journal import Journal
    from ..llm.types import Message

_NOTED = ("model", "input_tokens", "output_tokens", "cost")


def show_chat(journal: Journal, number: int, *, json_: bool) -> None:
    """Print the whole conversation of the entry with this number."""
    if number not in journal.by_seq:
        known = ", ".join(str(entry.seq) for entry in journal.chats) or "none"
        raise AGNT5Error(f"run {journal.run_id} has no entry {number} (questions to models: {known})")
    messages = journal.conversation(number)
    meta = journal.by_seq[number].meta
    if json_:
        click.echo(as_json([_plain(message) for message in messages]))
        return
    for message in messages:
        click.echo(colour(shown(_who(message)), "bold"))
        click.echo("\n".join(f"    {line}" for line in shown(_text(message), lines=True).splitlines()))
    noted = ", ".join(f"{name.replace('_', ' ')} {meta[name]}" for name in _NOTED if name in meta)
    if noted:
        click.echo(shown(noted))


def _who(message: Message) -> str:
    return f"tool {message.name}".rstrip() if message.role == "tool" else message.role


def _text(message: Message) -> str:
    from ..conversation import said

    return said(message)


def _plain(message: Message) -> dict[str, Any]:
    plain: dict[str, Any] = {"role": message.role, "text": message.text}
    if message.name:
        plain["name"] = message.name
    if message.tool_call_id:
        plain["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        plain["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": call.arguments} for call in message.tool_calls
        ]
    if message.failed:
        plain["failed"] = True
    return plain
