"""The form of OpenAI's chat completions: a Request as its parameters, and its answers as a Reply.

Many providers and nearly every local server speak it, so it is the base here, and not OpenAI's newer Responses. Pure:
nothing here imports an SDK or talks to anyone. Answers are read with care, because servers leave fields out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import msgspec

from agnt5.llm.base import assistant
from agnt5.llm.types import Delta, Finish, Image, Message, Reply, Request, Text, ToolCall, Usage, tool_call

_FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "refusal",
}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class NoAnswer(ValueError):
    """What came is no chat completion; the message says what is missing."""


def messages(given: Iterable[Message]) -> list[dict[str, Any]]:
    """The conversation in wire form. Pictures that tools return follow as a user's message, where the form has a place
    for them."""
    made: list[dict[str, Any]] = []
    pictures: list[Image] = []
    for message in given:
        if message.role == "tool":
            made.append({"role": "tool", "tool_call_id": message.tool_call_id, "content": message.text})
            pictures += [part for part in message.parts if isinstance(part, Image)]
            continue
        made += _shown(pictures)
        pictures = []
        made.append(_message(message))
    return made + _shown(pictures)


def tools(request: Request) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in request.tools
    ]


def schema_name(request: Request) -> str:
    """The schema's name, in the letters that the form allows."""
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", request.schema_name).strip("_")[:64] or "answer"


def reply(completion: Any) -> Reply:
    """A whole answer. NoAnswer when it is none."""
    choice = next(iter(_list(completion, "choices")), None)
    message = getattr(choice, "message", None)
    if message is None:
        raise NoAnswer("it has no message")
    text, _ = _content(getattr(message, "content", None))
    calls = [
        _call(completion, number, _get(call, "id"), _get(call, "function", "name"), _get(call, "function", "arguments"))
        for number, call in enumerate(_list(message, "tool_calls"))
    ]
    refusal = _text(message, "refusal")
    return _reply(completion, text, calls, refusal, getattr(choice, "finish_reason", None), completion)


class _Unfinished:
    """A call of a tool while it comes in."""

    __slots__ = ("arguments", "id", "name", "place")

    def __init__(self, place: int) -> None:
        self.place = place
        self.id = self.name = self.arguments = ""


class Assembly:
    """Puts a streamed answer together: `add` each chunk for its pieces, then `reply`."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._choice: Any = None
        self._calls: list[_Unfinished] = []
        self._finish: str | None = None
        self._last: Any = None
        self._counted: Any = None

    def add(self, chunk: Any) -> Iterator[Delta]:
        self._last = chunk
        if getattr(chunk, "usage", None) is not None:
            self._counted = chunk
        choice = next(iter(_list(chunk, "choices")), None)
        if choice is None:
            return
        number = getattr(choice, "index", None) or 0
        self._choice = number if self._choice is None else self._choice
        if number != self._choice:  # the option `n` asks for several answers, and they come mixed
            return
        self._finish = getattr(choice, "finish_reason", None) or self._finish
        delta = getattr(choice, "delta", None)
        if delta is None:
            return
        text, thought = _content(getattr(delta, "content", None))
        thought += _text(delta, "reasoning_content") or _text(delta, "reasoning")
        self._text.append(text)
        self._refusal.append(_text(delta, "refusal"))
        for call in _list(delta, "tool_calls"):
            self._add_call(call)
        if text or thought:
            yield Delta(text, thought)

    def reply(self) -> Reply | None:
        """The whole answer; None when the stream ended before the model had said that it is done. NoAnswer when it
        was no stream of one."""
        if self._last is None:
            raise NoAnswer("it is no stream")
        if self._finish is None:
            return None
        calls = [
            _call(self._last, number, one.id, one.name, one.arguments)
            for number, one in enumerate(sorted(self._calls, key=lambda one: one.place))
        ]
        return _reply(
            self._last, "".join(self._text), calls, "".join(self._refusal), self._finish, self._counted or self._last
        )

    def _add_call(self, call: Any) -> None:
        """A piece of a call. It belongs to the last one of its number, where servers give numbers and mean them: some
        leave them out, and some give 0 to all. A name comes with the first piece only, or with all."""
        place, identity, name = _get(call, "index"), _text(call, "id"), _text(call, "function", "name")
        found = next((one for one in reversed(self._calls) if place is None or one.place == place), None)
        if found is not None and name:
            other = identity != found.id if identity else place is None
            found = None if other and found.name else found
        elif found is not None and place is None and identity and identity != found.id:
            found = None
        if found is None:
            found = _Unfinished(len(self._calls) if place is None else place)
            self._calls.append(found)
        found.id = found.id or identity
        found.name += "" if name == found.name else name
        given = _get(call, "function", "arguments")
        found.arguments += given if isinstance(given, str) else "" if given is None else _json(given)


def usage(counted: Any) -> Usage:
    """The tokens that an answer tells; none when it does not."""
    found = getattr(counted, "usage", None)

    def number(*path: str) -> int:
        value = _get(found, *path)
        return value if isinstance(value, int) else 0

    return Usage(
        input=number("prompt_tokens"),
        output=number("completion_tokens"),
        cached=number("prompt_tokens_details", "cached_tokens"),
        reasoning=number("completion_tokens_details", "reasoning_tokens"),
        written=number("prompt_tokens_details", "cache_write_tokens"),
    )


def _message(message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"role": message.role}
    if message.name and _NAME.fullmatch(message.name):
        made["name"] = message.name
    if message.role == "user" and any(isinstance(part, Image) for part in message.parts):
        made["content"] = [_part(part) for part in message.parts]
    else:
        made["content"] = message.text
    if message.tool_calls:
        made["content"] = message.text or None
        made["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": call.malformed or _json(call.arguments),
                },
            }
            for call in message.tool_calls
        ]
    return made


def _part(part: Text | Image) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": {"url": part.data_url}}


def _shown(pictures: list[Image]) -> list[dict[str, Any]]:
    if not pictures:
        return []
    parts: list[Text | Image] = [Text("Pictures returned by the tools above:"), *pictures]
    return [{"role": "user", "content": [_part(part) for part in parts]}]


def _reply(answer: Any, text: str, calls: list[ToolCall], refusal: str, finish: str | None, counted: Any) -> Reply:
    if finish == "error":
        raise NoAnswer(f"the model stopped with an error after {text[-40:]!r}")
    ended = _FINISHES.get(finish or "", "other")
    if refusal or ended == "refusal":
        text, calls, ended = refusal or text, [], "refusal"
    elif calls and ended in ("stop", "other"):  # some servers say "stop" all the same
        ended = "tool_calls"
    return Reply(assistant(text, calls), usage(counted), model=str(getattr(answer, "model", None) or ""), finish=ended)


def _call(answer: Any, number: int, identity: Any, name: Any, arguments: Any) -> ToolCall:
    if not identity:  # results are tied to calls by it, so it must be there and differ from those of other answers
        identity = f"call_{getattr(answer, 'id', None) or 'x'}_{number}"
    return tool_call(str(identity), str(name or ""), {} if arguments is None else arguments)


def _content(content: Any) -> tuple[str, str]:
    """Text and thoughts. Content is a text, or a list of parts where a model thinks aloud."""
    if content is None or isinstance(content, str):
        return content or "", ""
    text, thoughts = "", ""
    for part in cast("list[Any]", content) if isinstance(content, list) else []:
        if isinstance(part, str):
            text += part
        elif _get(part, "type") == "text":
            text += str(_get(part, "text") or "")
        elif _get(part, "type") == "thinking":
            inner = _get(part, "thinking")
            thoughts += inner if isinstance(inner, str) else _content(inner)[0]
    return text, thoughts


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _list(found: Any, name: str) -> list[Any]:
    value = getattr(found, name, None)
    return cast("list[Any]", value) if isinstance(value, list) else []


def _text(found: Any, *path: str) -> str:
    value = _get(found, *path)
    return value if isinstance(value, str) else ""


def _get(found: Any, *path: str) -> Any:
    """A field of an SDK's object or of a plain dict, None where there is none."""
    for name in path:
        found = cast("Mapping[str, Any]", found).get(name) if isinstance(found, Mapping) else getattr(found, name, None)
    return found
