"""What is told of entries beside their numbers: lines for rows, and everything about one entry.

Texts are short or come in pieces, credentials masked; values are outlined, never built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import agnt5

if TYPE_CHECKING:
    from datetime import datetime

    from agnt5 import Entry

    from .nested import Row
    from .trace import Trace

LINE = 140
_TEXT = 20_000
_LOGS = 500


def row_words(entry: Row) -> dict[str, Any]:
    """Lines of a row."""
    words: dict[str, Any] = {
        "path": short(entry.path or entry.name),
        "input": entry.line("input", LINE),
        "output": entry.line("output", LINE),
        "error": short(entry.error or "", LINE),
    }
    if entry.unclaimed:
        words["output"] = f"unclaimed {words['output']}"
    if entry.failed_tries:
        words["tries"] = [
            (one.at.timestamp(), one.retry_at.timestamp() if one.retry_at else 0, short(one.error, LINE))
            for one in entry.failed_tries[-20:]
        ]
    if entry.due is not None:
        words["due"] = entry.due.timestamp()
    return words


def entry_detail(trace: Trace, entry: Entry) -> dict[str, Any]:
    """Everything about one entry, long values folded."""
    ended = entry.ended
    detail: dict[str, Any] = {
        "seq": entry.seq,
        "number": entry.seq,
        "run": "" if trace.run is None else trace.run_id,
        "shared": entry.shared,
        "path": short(entry.path, 300),
        "name": short(entry.name, 300),
        "kind": entry.kind,
        "state": entry.state,
        "began": entry.started.timestamp(),
        "took": None if ended is None or entry.given else (ended - entry.started).total_seconds(),
        "due": None if entry.due is None else entry.due.timestamp(),
        "attempts": entry.attempts,
        "meta": {short(str(key)): _fact(value) for key, value in entry.meta.items()},
        "reused": entry.reused,
        "given": entry.given,
        "unclaimed": entry.unclaimed,
        "child": short(entry.child_id),
        "input": entry.outline("input") if entry.stored_input else None,
        "output": entry.outline() if entry.state == "done" and entry.stored_output else None,
        "error": _error(entry),
        "tries": [
            {
                "at": one.at.timestamp(),
                "error": long(one.error),
                "again": (one.retry_at - one.at).total_seconds() if one.retry_at else None,
                "logs": log_lines(one.logs),
            }
            for one in entry.failed_tries
        ],
        "logs": log_lines(entry.logs),
        "chat": _chat(trace, entry),
    }
    return detail


def origin_of(entry: Row) -> str:
    """Where the answer of an entry comes from, when it is none of this run's code; "" else."""
    return "shared" if entry.shared else "given" if entry.given else "reused" if entry.reused else ""


def title_of(entry: Row) -> str:
    """What a row is called."""
    kind, _, rest = entry.name.partition(":")
    if entry.kind == "event" and kind == "approval":
        return f"approval {rest.rpartition(':')[2]}"
    return entry.name


def short(text: str, limit: int = 120) -> str:
    """On one line."""
    shown = agnt5.visible(text[: limit * 2]).replace("\n", "⏎ ").replace("\t", " ")
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def kind_of(error: str) -> str:
    """`ValueError` of `ValueError: text`; words that are no class are kept, for the engine wrote them."""
    name = error.partition("\n")[0].partition(":")[0]
    return name if len(name) <= 60 else "error"


def long(text: str) -> str:
    shown = agnt5.visible(text[:_TEXT])
    return shown if len(text) <= _TEXT else f"{shown}\n… ({len(text):,} characters)"


def log_lines(logs: list[tuple[str, datetime, str]]) -> list[tuple[str, float, str]]:
    """The last lines of what was printed and logged."""
    return [(short(stream, 20), at.timestamp(), long(text.rstrip("\n"))) for stream, at, text in logs[-_LOGS:]]


def _fact(value: Any) -> Any:
    return value if isinstance(value, int | float | bool) or value is None else short(str(value), 300)


def _error(entry: Entry) -> dict[str, Any] | None:
    failure = entry.failure
    if failure is not None:
        return failure_words(failure)
    line = entry.error
    return None if line is None else {"line": line, "traceback": "", "cause": None, "members": []}


def failure_words(failure: Any, depth: int = 0) -> dict[str, Any]:
    """A recorded failure with its causes."""
    line = f"{failure.name}: {failure.message}" if failure.message else failure.name
    deeper = depth < 8
    return {
        "line": long(line),
        "traceback": long(failure.traceback),
        "cause": failure_words(failure.cause, depth + 1) if failure.cause is not None and deeper else None,
        "members": [failure_words(one, depth + 1) for one in failure.members[:20]] if deeper else [],
    }


def _chat(trace: Trace, entry: Entry) -> dict[str, Any] | None:
    """The conversation of a question to a model; None for any other entry."""
    if entry.kind != "step" or not entry.fingerprint.startswith(b"agnt5.chat "):
        return None
    journal: Any = trace.journal()
    messages: list[Any] = journal.conversation(entry.seq)
    given: Any = entry.input.args[0]
    fresh = len(messages) - len(given["messages"]) - (1 if entry.state == "done" else 0)
    return {"messages": [message_words(one) for one in messages], "fresh": fresh}


def message_words(message: Any) -> dict[str, Any]:
    images = [part for part in message.parts if not hasattr(part, "text")]
    return {
        "role": message.role,
        "name": short(message.name),
        "text": long(message.text),
        "failed": message.failed,
        "images": [short(one.url or f"{one.media_type}, {len(one.data):,} bytes") for one in images],
        "calls": [
            {"name": short(call.name), "arguments": long(call.malformed or _arguments(call.arguments))}
            for call in message.tool_calls
        ],
    }


def _arguments(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())
