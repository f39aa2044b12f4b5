"""What goes to a model and what comes back, in one form for every provider.

Values only, all frozen: they are recorded in journals as they are. Nothing here may know a provider or talk to one.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeAlias, cast

from agnt5.errors import ConfigurationError

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
Finish: TypeAlias = Literal["stop", "length", "tool_calls", "refusal", "other"]

ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool")


class _Brief:
    """A repr of what is set: most fields are empty most of the time."""

    __slots__ = ()

    def __repr__(self) -> str:
        cls: Any = type(self)
        held = ((field, getattr(self, field.name)) for field in fields(cls))
        shown = (f"{field.name}={value!r}" for field, value in held if value and value != field.default)
        return f"{cls.__name__}({', '.join(shown)})"


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text among other parts of a message."""

    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in a message: its bytes, or an address that the provider fetches. A `data:` address becomes bytes."""

    data: bytes = b""
    url: str = ""
    media_type: str = "image/png"

    def __post_init__(self) -> None:
        if not isinstance(self.data, bytes) or not isinstance(self.url, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                f"An Image has data=, which is bytes, or url=, which is a text; not {type(self.data).__name__} and "
                f"{type(self.url).__name__}."
            )
        if bool(self.data) == bool(self.url):
            raise ConfigurationError("An Image has either data= (bytes) or url=, and not both.")
        if self.url.startswith("data:"):
            kind, data = _inline(self.url)
            for name, value in (("data", data), ("media_type", kind or self.media_type), ("url", "")):
                object.__setattr__(self, name, value)

    @property
    def data_url(self) -> str:
        """The address, or the bytes as a `data:` address."""
        return self.url or f"data:{self.media_type};base64,{base64.b64encode(self.data).decode()}"


def _inline(address: str) -> tuple[str, bytes]:
    """Media type and bytes of a `data:` address."""
    head, comma, body = address.removeprefix("data:").partition(",")
    kind, _, coding = head.partition(";")
    try:
        data = base64.b64decode(body, validate=True) if comma and coding.endswith("base64") else b""
    except ValueError:
        data = b""
    if not data:
        raise ConfigurationError(f"The address of an Image is no base64 data: {address[:60]!r}.")
    return kind, data


Part: TypeAlias = Text | Image


@dataclass(frozen=True, slots=True, repr=False)
class ToolCall(_Brief):
    """A tool that the model wants called. `id` ties the result to it."""

    id: str
    name: str
    arguments: dict[str, Any]
    malformed: str = ""
    """What the model wrote when its arguments are no JSON object; `arguments` is empty then."""


@dataclass(frozen=True, slots=True, repr=False)
class Message(_Brief):
    """One turn of a conversation. A "tool" message answers the call named by `tool_call_id`."""

    role: Role
    content: str | tuple[Part, ...] = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""
    failed: bool = False
    """Of a "tool" message: the content tells an error."""
    vendor: dict[str, Any] = field(default_factory=dict[str, Any])
    """What its provider wants back unchanged in the next request, such as signatures of thoughts; by provider name."""

    @property
    def text(self) -> str:
        """The text of all parts."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, Text))

    @property
    def parts(self) -> tuple[Part, ...]:
        """The content as parts; none when it is empty."""
        if isinstance(self.content, str):
            return (Text(self.content),) if self.content else ()
        return self.content


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it. `parameters` is a JSON schema of type "object"."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True, repr=False)
class Usage(_Brief):
    """Tokens of one request, or of several added up.

    `cached` and `written` are parts of `input`: read from the provider's cache, and put into it. `reasoning` is part of
    `output`.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0
    written: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cached + other.cached,
            self.reasoning + other.reasoning,
            self.written + other.written,
        )


@dataclass(frozen=True, slots=True, repr=False)
class Reply(_Brief):
    """What a model answered. `str(reply)` is its text."""

    message: Message
    usage: Usage = Usage()
    model: str = ""
    """The model that answered, as its provider names it."""
    provider: str = ""
    finish: Finish = "stop"
    cost: float | None = None
    """US dollars by the table of prices, None when the model is not in it."""
    output: Any = None
    """The validated value, when a `response_format` was asked for."""

    @property
    def text(self) -> str:
        return self.message.text

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return self.message.tool_calls

    def __str__(self) -> str:
        return self.text


def as_reply(given: Any) -> Reply:
    """A reply from what a person puts in a model's place: a Reply, a message, a text, or calls of tools."""
    if isinstance(given, Reply):
        return given
    if isinstance(given, Mapping) and "tool" in given:
        fields = cast("Mapping[str, Any]", given)
        given = [tool_call(str(fields.get("id", "call_1")), str(fields["tool"]), fields.get("arguments", {}))]
    elif isinstance(given, ToolCall):
        given = [given]
    if isinstance(given, str):
        return Reply(Message("assistant", given))
    if isinstance(given, list) and given and all(isinstance(one, ToolCall) for one in cast("list[Any]", given)):
        return Reply(Message("assistant", "", tuple(cast("list[ToolCall]", given))), finish="tool_calls")
    if isinstance(given, Message | Mapping):
        message = as_message(cast("Any", given), "the answer")
        if message.role == "assistant":
            return Reply(message, finish="tool_calls" if message.tool_calls else "stop")
    raise ConfigurationError(
        f"In place of a model's answer give a text, a ToolCall or a list of them, a dict with `tool` and `arguments`, "
        f"an assistant's Message, or a Reply; not {given!r}."
    )


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer while it is streamed: text, or text of the model's thoughts."""

    text: str = ""
    thought: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model, as adapters get it. `schema` is the JSON schema the answer must follow, if any."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    schema: dict[str, Any] | None = None
    schema_name: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    timeout: float | None = None
    """Seconds for the whole answer."""
    idempotency_key: str = ""
    """The same for every attempt at this request; providers that take one get it."""
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    """Parameters that only one provider knows; passed on as they are."""

    @property
    def system(self) -> str:
        """All system messages as one text, for providers that keep it apart."""
        return "\n\n".join(message.text for message in self.messages if message.role == "system")

    @property
    def turns(self) -> tuple[Message, ...]:
        """The messages that are not system messages."""
        return tuple(message for message in self.messages if message.role != "system")


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors of texts, in order, and what they cost."""

    vectors: list[list[float]]
    usage: Usage = Usage()
    model: str = ""
    provider: str = ""
    cost: float | None = None


Said: TypeAlias = "str | Message | Reply | Mapping[str, Any]"
"""A message as people write it: a text of the user, a Message, a model's Reply, or a dict with `role` and `content`."""

Conversation: TypeAlias = "Said | Iterable[Said]"
"""What people write for messages: one, or a list of them."""


def as_messages(given: Conversation) -> tuple[Message, ...]:
    """Messages from what people write. ConfigurationError names what is wrong, and where."""
    if isinstance(given, str | Message | Reply | Mapping):
        given = [cast("Said", given)]
    if not isinstance(given, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"messages must be a text, a message or a list of them, not {type(given).__name__}.")
    found = tuple(as_message(one, f"messages[{number}]") for number, one in enumerate(given))
    if not found:
        raise ConfigurationError("messages is empty: a model needs at least one message to answer.")
    return found


def as_message(given: Any, where: str = "message") -> Message:
    if isinstance(given, Message):
        return _checked(given, where)
    if isinstance(given, Reply):
        return given.message
    if isinstance(given, str):
        return Message("user", str.__str__(given))  # an agent's Answer is its text here
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{where} must be a text, a Message or a dict, not {type(given).__name__}.")
    # The SDKs' own messages, as dicts, name all the fields that they do not have.
    items = cast("Mapping[str, Any]", given).items()
    fields = {name: value for name, value in items if name == "role" or value not in (None, [], {})}
    role = fields.pop("role", "user")
    if role == "developer":
        role = "system"
    if role not in ROLES:
        raise ConfigurationError(f"{where}: role must be one of {', '.join(ROLES)}, not {role!r}.")
    content = fields.pop("content", "")
    calls = fields.pop("tool_calls", None) or ()
    made = Message(
        role,
        as_content(content, f"{where}.content"),
        tuple(_tool_call(call, f"{where}.tool_calls[{number}]") for number, call in enumerate(calls)),
        tool_call_id=str(fields.pop("tool_call_id", "")),
        name=str(fields.pop("name", "")),
        failed=bool(fields.pop("failed", False)),
        vendor=dict(fields.pop("vendor", {})),
    )
    if fields:
        raise ConfigurationError(f"{where} has unknown fields: {', '.join(sorted(fields))}.")
    return made


def _checked(message: Message, where: str) -> Message:
    """A Message that somebody made, the very object where it is as it should be."""
    if message.role not in ROLES:
        raise ConfigurationError(f"{where}: role must be one of {', '.join(ROLES)}, not {message.role!r}.")
    content = as_content(message.content, f"{where}.content")
    same = type(content) is type(message.content) and content == message.content
    return message if same else replace(message, content=content)


def as_content(given: Any, where: str = "content") -> str | tuple[Part, ...]:
    """Text, or parts from a list of texts, Text, Image, and dicts of the common chat form."""
    if given is None:
        return ""
    if isinstance(given, str):
        return str.__str__(given)
    if isinstance(given, Text | Image):
        return (given,)
    if not isinstance(given, Sequence):
        raise ConfigurationError(f"{where} must be a text or a list of parts, not {type(given).__name__}.")
    items = cast("Sequence[Any]", given)
    return tuple(_part(item, f"{where}[{number}]") for number, item in enumerate(items))


def _part(given: Any, where: str) -> Part:
    if isinstance(given, Text | Image):
        return given
    if isinstance(given, str):
        return Text(given)
    if isinstance(given, Mapping):
        fields = cast("Mapping[str, Any]", given)
        if fields.get("type") == "text" and isinstance(fields.get("text"), str):
            return Text(fields["text"])
        if fields.get("type") == "image_url":
            address = fields.get("image_url")
            if isinstance(address, Mapping):
                address = cast("Mapping[str, Any]", address).get("url")
            if isinstance(address, str):
                return Image(url=address)
    raise ConfigurationError(
        f"{where} must be a text, Text(...), Image(...), or a dict of type 'text' or 'image_url', not {given!r}."
    )


def _tool_call(given: Any, where: str) -> ToolCall:
    if isinstance(given, ToolCall):
        return given
    if isinstance(given, Mapping):
        fields = cast("Mapping[str, Any]", given)
        inner = cast("Mapping[str, Any]", fields.get("function", fields))
        arguments: Any = inner.get("arguments") or {}
        if isinstance(inner.get("name"), str):
            made = tool_call(str(fields.get("id") or ""), inner["name"], arguments)
            if not made.malformed:
                return made
    raise ConfigurationError(f"{where} must be a ToolCall, or a dict with id, name and arguments, not {given!r}.")


def tool_call(identity: str, name: str, arguments: Any) -> ToolCall:
    """A call from what a model sent: a dict, or its JSON as text."""
    if isinstance(arguments, str):
        import msgspec

        text = arguments.strip()
        try:
            arguments = msgspec.json.decode(text) if text else {}
        except (msgspec.DecodeError, RecursionError):  # a model may write brackets without end
            return ToolCall(identity, name, {}, malformed=arguments)
    if not isinstance(arguments, Mapping):
        return ToolCall(identity, name, {}, malformed=str(arguments))
    return ToolCall(identity, name, dict(cast("Mapping[str, Any]", arguments)))
