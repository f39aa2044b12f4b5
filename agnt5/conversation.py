"""Conversations out of a journal: what a question to a model said in full, and each question in one line.

A question records only what is new; the rest is that of an earlier question of the same body, found by its digest.
Reading never runs code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from agnt5.entry import Arguments
from agnt5.errors import ConfigurationError, StoreCorrupt

if TYPE_CHECKING:
    from agnt5.entry import Entry
    from agnt5.journal import Journal
    from agnt5.llm.types import Message

# How the code of `ctx.chat` is named in records, whatever its version.
_CODE = b"agnt5.chat "


def question_of(entry: Entry) -> dict[str, Any] | None:
    """What a `ctx.chat` recorded: `model`, new `messages`, perhaps `after`. None for any other entry."""
    if entry.kind != "step" or not entry.fingerprint.startswith(_CODE):
        return None
    given = entry.input
    if not isinstance(given, Arguments) or len(given.args) != 1 or not isinstance(given.args[0], dict):
        return None
    record = cast("dict[str, Any]", given.args[0])
    return record if isinstance(record.get("messages"), list) else None


def answer_of(entry: Entry) -> Message | None:
    """What was answered to a question: by the model, or by a person in a fork. None when nothing was."""
    from agnt5.llm.types import as_reply

    given = entry.output
    if given is None:
        return None
    try:
        return as_reply(given).message
    except ConfigurationError:  # a fork put something else in its place, and failed of it
        return None


def conversation(journal: Journal, entry: Entry) -> list[Message]:
    """All messages that a model was asked with, and its answer if it has come."""
    from agnt5.chat import distinct, link

    if question_of(entry) is None:
        raise ConfigurationError(
            f"Entry {entry.seq} ({entry.kind} {entry.path}) is no question to a model. `journal.chats` lists those."
        )
    known: dict[str, list[Message]] = {}
    for one in journal:
        record = question_of(one) if one.scope == entry.scope else None
        if record is None:
            continue
        before, last = _before(journal, one, record, known)
        messages = [*before, *record["messages"]]
        answer = answer_of(one)
        if answer is not None:
            messages.append(distinct(answer, messages))
        if one.seq == entry.seq:
            return messages
        if answer is not None:
            for message in messages[len(before) :]:
                last = link(last, message)
            known[last] = messages
    raise ConfigurationError(f"Entry {entry.seq} is not of the journal of run {journal.run_id}.")


def _before(
    journal: Journal, entry: Entry, record: dict[str, Any], known: dict[str, list[Message]]
) -> tuple[list[Message], str]:
    after = record.get("after")
    if after is None:
        return [], ""
    count, digest = after
    found = known.get(digest)
    if found is None or len(found) != count:
        raise StoreCorrupt(
            f"Run {journal.run_id}: the question {entry.path} goes on from a conversation of {count} messages that is "
            f"not in its journal."
        )
    return found, digest


def message_line(message: Message) -> str:
    """Who said what, on one line."""
    who = message.name or "tool" if message.role == "tool" else message.role
    return f"{who}: {' '.join(said(message).split())}"


def chat_line(entry: Entry, side: str) -> str | None:
    """What is new in a question ("input"), or its answer ("output"), on one line. None for what is no question."""
    question = question_of(entry)
    if question is None or not question["messages"]:
        return None
    if side == "input":
        return message_line(question["messages"][-1])
    answer = answer_of(entry)
    return None if answer is None else " ".join(said(answer).split())


def said(message: Message) -> str:
    """The content as text: pictures and calls of tools in words."""
    parts = [getattr(part, "text", "[image]") for part in message.parts]
    for call in message.tool_calls:
        shown = ", ".join(f"{name}={value!r}" for name, value in call.arguments.items())
        parts.append(f"→ {call.name}({shown or call.malformed})")
    if message.failed:
        parts.insert(0, "(failed)")
    return "\n".join(parts)
