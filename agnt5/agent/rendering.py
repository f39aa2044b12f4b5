"""What a model reads of a value that a tool gave: text as it is, pictures as parts, everything else as JSON.

A replay renders the recorded value again, so the same value has to give the same text in every process. It must never
raise: the tool has done its work, and a model that is told of a failure does it a second time.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any, cast

import msgspec

from agnt5.llm.sendable import whole
from agnt5.llm.types import Image, Part, Text

LONGEST = 200_000
"""Characters of a tool's result that a model is shown."""

_DEEPEST = 60
# Where an object lies in memory is another place in the next process.
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")

_encode = msgspec.json.Encoder().encode


def rendered(value: Any) -> str | tuple[Part, ...]:
    """The content of the message that answers a call."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _cut(str.__str__(value))
    if isinstance(value, bytes | bytearray):
        return _cut(_bytes(value))
    if isinstance(value, Text | Image):
        return (value,)
    if isinstance(value, list | tuple):
        items = cast("Sequence[Any]", value)
        if any(isinstance(one, Image) for one in items) or (items and all(isinstance(one, Text) for one in items)):
            return tuple(_part(one) for one in items)
    return _cut(as_json(value))


def as_json(value: Any) -> str:
    """Any value as JSON on one line: keys as text, sets sorted, what JSON has no form for as a text of it."""
    return _encode(_plain(value, 0)).decode()


def text_of(content: str | tuple[Part, ...]) -> str:
    """The content in words."""
    if isinstance(content, str):
        return content
    return "".join(part.text if isinstance(part, Text) else "[image]" for part in content)


def error_text(error: BaseException) -> str:
    """What a model reads of what a tool raised, the members of a group too."""
    line = f"{type(error).__name__}: {error}"
    if isinstance(error, BaseExceptionGroup):
        members = cast("BaseExceptionGroup[BaseException]", error).exceptions
        line = "\n- ".join([line, *(error_text(one).replace("\n", "\n  ") for one in members)])
    return _cut(line)


def _part(value: Any) -> Part:
    if isinstance(value, Text | Image):
        return value
    found = rendered(value)
    return Text(found if isinstance(found, str) else text_of(found))


def _plain(value: Any, depth: int) -> Any:
    """The value in the types that JSON has."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, enum.Enum):
        return _plain(value.value, depth + 1)
    if isinstance(value, str):
        return whole(str.__str__(value))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, int):
        return int(value)
    if isinstance(value, bytes | bytearray):
        return _bytes(value)
    if isinstance(value, PurePath):
        return whole(str(value))
    if depth >= _DEEPEST:
        return "..."
    try:
        return _plain_inside(value, depth + 1)
    except Exception:  # whatever a class of the user's does when it is asked for its own form
        return f"<{type(value).__name__}>"


def _plain_inside(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value).items()
        return {_key(key, depth): _plain(inner, depth) for key, inner in pairs}
    if isinstance(value, AbstractSet):
        return sorted((_plain(one, depth) for one in cast("AbstractSet[Any]", value)), key=_encode)
    if isinstance(value, Sequence):
        return [_plain(one, depth) for one in cast("Sequence[Any]", value)]
    if is_dataclass(value) and not isinstance(value, type):
        shown = ((field.name, getattr(value, field.name, None)) for field in fields(value))
        return {name: _plain(inner, depth) for name, inner in shown}
    found = _own_form(value)
    if found is not value:
        return _plain(found, depth)
    try:
        return msgspec.to_builtins(value)  # dates, times, UUIDs, decimals
    except (TypeError, ValueError, msgspec.MsgspecError):
        moment = getattr(value, "isoformat", None)  # of pandas
        if callable(moment):
            return moment()
        return whole(_ADDRESS.sub("", repr(value)))


def _own_form(value: Any) -> Any:
    """What pydantic, pandas and numpy make of their own for JSON; the value itself when it is none of theirs."""
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json")
    columns = getattr(value, "columns", None)
    if columns is not None and callable(getattr(value, "to_dict", None)):
        return _rows(value)
    if type(value).__name__ in ("NaTType", "NAType"):
        return None
    for name in ("to_dict", "tolist"):
        plain = getattr(value, name, None)
        if callable(plain):
            return plain()
    return value


def _rows(frame: Any) -> list[dict[str, Any]]:
    """A DataFrame as its rows, the index among the columns where it is more than a count."""
    names = [_key(name, 0) for name in frame.columns]
    rows = [dict(zip(names, row, strict=True)) for row in frame.itertuples(index=False, name=None)]
    if type(frame.index).__name__ == "RangeIndex":
        return rows
    label = _key(frame.index.name, 0) if frame.index.name is not None else "index"
    return [{label: place, **row} for place, row in zip(frame.index.tolist(), rows, strict=True)]


def _key(key: Any, depth: int) -> str:
    if isinstance(key, str):
        return whole(str.__str__(key))
    found = _plain(key, depth)
    return found if isinstance(found, str) else _encode(found).decode()


def _bytes(value: bytes | bytearray) -> str:
    """Text where the bytes are text, else base64."""
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        return msgspec.to_builtins(bytes(value))


def _cut(text: str) -> str:
    text = whole(text)
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n[{len(text) - LONGEST:,} more characters were cut]"
