"""How entries and runs are called in traces: names, kinds and attributes by the GenAI semantic conventions.

Names have few values, so ids and texts are attributes. What people and models wrote is told only when content is
allowed, and then masked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agnt5 import registry
from agnt5.conversation import answer_of, question_of
from agnt5.entry import Arguments
from agnt5.llm.types import Text
from agnt5.secret import mask

if TYPE_CHECKING:
    from agnt5.entry import Entry
    from agnt5.journal import Journal
    from agnt5.llm.types import Message, ToolCall

Attributes = dict[str, Any]

# Entries that took no time of their own, or whose time another span shows.
SILENT = frozenset({"state_set", "state_get", "state_delete", "send_event", "cancel", "join"})


@dataclass
class Description:
    """A span to be made. `client`: it asked another service."""

    name: str
    attributes: Attributes = field(default_factory=dict[str, Any])
    client: bool = False


def made_of(journal: Journal) -> str:
    """ "agent", "workflow" or "task" for runs of those; "" for functions, flows and methods."""
    code = journal.stored[0].code
    if code:
        first = json.loads(code)[0]
        return first["name"].partition(" ")[0] if first.get("settings") else ""
    # A child run is recorded without code: its parent's record has it.
    component = registry.find(journal.component)
    whole = None if component is None else component.whole
    return "" if whole is None else whole.__agnt5_parts__().name.partition(" ")[0]


def describe_run(journal: Journal) -> Description:
    """The span of a whole run."""
    kind = made_of(journal)
    told: Attributes = {
        "agnt5.run.id": journal.run_id,
        "agnt5.component": journal.component,
        "agnt5.run.status": str(journal.status),
    }
    if kind == "workflow":
        told |= {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": journal.component}
        return Description(f"invoke_workflow {journal.component}", told)
    if kind != "agent":
        return Description(journal.component, told)
    told |= {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": journal.component}
    session = journal.input.kwargs.get("session")
    if isinstance(session, str):
        told["gen_ai.conversation.id"] = session
    told |= _used(journal)
    return Description(f"invoke_agent {journal.component}", told)


def _used(journal: Journal) -> Attributes:
    told: Attributes = {}
    spent = {"input": 0, "output": 0}
    for entry in journal.chats:
        question = question_of(entry)
        assert question is not None, "chats are questions"
        provider, model = _model(question)
        told.setdefault("gen_ai.provider.name", provider)
        told.setdefault("gen_ai.request.model", model)
        for name in spent:
            spent[name] += 0 if entry.reused else int(entry.meta.get(f"{name}_tokens", 0))
    return told | {f"gen_ai.usage.{name}_tokens": count for name, count in spent.items()}


def describe(entry: Entry, journal: Journal, called: ToolCall | None, *, content: bool) -> Description:
    """The span of one entry. `called`: the call that a model asked for, when the entry is a tool's."""
    told: Attributes = {"agnt5.entry.path": entry.path, "agnt5.entry.seq": entry.seq}
    if entry.attempts > 1:
        told["agnt5.attempts"] = entry.attempts
    if entry.reused:
        told["agnt5.reused"] = True
    if entry.meta.get("skipped"):
        told["agnt5.skipped"] = True
    if called is not None:
        return _tool(entry, called, told, content)
    if question_of(entry) is not None:
        return _chat(entry, journal, told, content)
    record = entry.input.args[0] if isinstance(entry.input, Arguments) and len(entry.input.args) == 1 else None
    if entry.fingerprint.startswith(b"agnt5.chat ") and isinstance(record, dict) and "texts" in record:
        return _embedding(entry, record, told)
    if entry.kind == "event":
        return Description("wait_for_event", told | {"agnt5.event.name": entry.name})
    return Description("sleep" if entry.kind == "sleep" else entry.name, told)


def _model(record: dict[str, Any]) -> tuple[str, str]:
    provider, _, model = str(record.get("model", "")).partition("/")
    return provider, model


def _chat(entry: Entry, journal: Journal, told: Attributes, content: bool) -> Description:
    question = question_of(entry)
    assert question is not None, "the caller has looked"
    provider, model = _model(question)
    told |= {"gen_ai.operation.name": "chat", "gen_ai.provider.name": provider, "gen_ai.request.model": model}
    for name in ("temperature", "max_tokens"):
        if name in question:
            told[f"gen_ai.request.{name}"] = question[name]
    told |= _answered(entry)
    finish = getattr(entry.output, "finish", None)
    if finish is not None:
        told["gen_ai.response.finish_reasons"] = [finish]
    if content:
        messages = journal.conversation(entry)
        answer = answer_of(entry)
        asked = messages if answer is None else messages[:-1]
        told["gen_ai.input.messages"] = _messages(asked)
        if answer is not None:
            told["gen_ai.output.messages"] = _messages([answer], finish)
    return Description(f"chat {model}", told, client=True)


def _embedding(entry: Entry, record: dict[str, Any], told: Attributes) -> Description:
    provider, model = _model(record)
    told |= {"gen_ai.operation.name": "embeddings", "gen_ai.provider.name": provider, "gen_ai.request.model": model}
    return Description(f"embeddings {model}", told | _answered(entry), client=True)


def _answered(entry: Entry) -> Attributes:
    meta = entry.meta
    told: Attributes = {"gen_ai.response.model": meta["model"]} if "model" in meta else {}
    if not entry.reused:  # those were spent in another run
        for name in ("input_tokens", "output_tokens"):
            if name in meta:
                told[f"gen_ai.usage.{name}"] = meta[name]
        if "cached_tokens" in meta:
            told["gen_ai.usage.cache_read.input_tokens"] = meta["cached_tokens"]
        if "cost" in meta:
            told["agnt5.cost"] = meta["cost"]
    return told


def _tool(entry: Entry, called: ToolCall, told: Attributes, content: bool) -> Description:
    told |= {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": called.name,
        "gen_ai.tool.call.id": called.id,
        "gen_ai.tool.type": "function",
    }
    if content:
        told["gen_ai.tool.call.arguments"] = _json(called.arguments)
        told["gen_ai.tool.call.result"] = _json(entry.output)
    return Description(f"execute_tool {called.name}", told)


def _messages(messages: list[Message], finish: str | None = None) -> str:
    told: list[dict[str, Any]] = []
    for message in messages:
        parts: list[dict[str, Any]] = []
        if message.role == "tool":
            parts.append({"type": "tool_call_response", "id": message.tool_call_id, "response": message.text})
        else:
            parts += [
                {"type": "text", "content": part.text} if isinstance(part, Text) else _IMAGE for part in message.parts
            ]
        parts += [
            {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
            for call in message.tool_calls
        ]
        one: dict[str, Any] = {"role": message.role, "parts": parts}
        if finish is not None:
            one["finish_reason"] = finish
        told.append(one)
    return _json(told)


_IMAGE = {"type": "blob", "modality": "image"}


def _json(value: Any) -> str:
    return mask(json.dumps(value, default=repr))


def tool_calls(journal: Journal) -> dict[int, ToolCall]:
    """In a run of an agent: which entry carried out which call that its model asked for, by seq."""
    found: dict[int, ToolCall] = {}
    if made_of(journal) != "agent":
        return found
    open_calls: list[ToolCall] = []
    for entry in journal:
        if entry.scope:
            continue
        answer = answer_of(entry) if question_of(entry) is not None else None
        if answer is not None:
            open_calls += answer.tool_calls
            continue
        if entry.kind in ("step", "call", "child"):
            call = next((one for one in open_calls if one.name == entry.name), None)
            if call is not None:
                open_calls.remove(call)
                found[entry.seq] = call
    return found


def error_type(line: str) -> str:
    """The class of an error out of `Class: message`, or how else it ended."""
    return {"timed out": "timeout"}.get(line, line.partition(":")[0])
