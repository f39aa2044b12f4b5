"""Recorded bytes as a short line for people: `Order(id=1, items=[...])`.

It builds nothing, imports nothing, shows no control characters and no credentials, and stops when the line is full.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any

from agnt5.codec.plain import MARK, load
from agnt5.secret import mask

_PARSED = 1_000_000
"""Bytes beyond which a value is not parsed for one line."""
_DEEP = 30
CALL = "~call"
"""A tag that no record has: the arguments of a call, as they are shown."""
_MARGIN = 120
"""Characters made beyond the limit, so that a credential cut by it is still recognised."""


def preview(data: bytes, limit: int = 200) -> str:
    """At most `limit` characters that describe a recorded value. Never fails."""
    if len(data) > _PARSED:
        start = data[: limit + _MARGIN].decode("utf-8", "replace")
        return _cut(mask(_printable(start)), limit - 24).rstrip("…") + f"… ({len(data):,} bytes)"
    try:
        node = load(data)
    except Exception:
        return _cut(f"<unreadable: {len(data):,} bytes>", limit)
    return render(node, limit)


def preview_call(data: bytes, limit: int = 200) -> str:
    """The same for the recorded arguments of a call: `('a', size=1)`."""
    if len(data) > _PARSED:
        return preview(data, limit)
    try:
        args, kwargs = load(data)
        return render({CALL: [[*args], {**kwargs}]}, limit)
    except Exception:
        return preview(data, limit)


def render(node: Any, limit: int) -> str:
    """The same for a JSON tree with tags."""
    parts: list[str] = []
    room = limit + _MARGIN
    for piece in _pieces(node, 0):
        parts.append(piece)
        room -= len(piece)
        if room < 0:
            break
    return _cut(mask("".join(parts)), limit)


def _pieces(node: Any, depth: int) -> Iterator[str]:
    if depth > _DEEP:
        yield "…"
    elif type(node) is str:
        yield _text(node)
    elif type(node) is list:
        yield from _listed("[", node, "]", depth)
    elif type(node) is not dict:
        yield repr(node)
    elif len(node) == 1 and next(iter(node))[:1] == MARK:
        ((tag, payload),) = node.items()
        show = _SHOW.get(tag, _unknown)
        try:
            # A payload of the wrong shape fails at its first piece or not at all.
            yield from show(tag[1:], payload, depth + 1)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError):
            yield f"<damaged {_name(tag[1:])}>"
    else:
        yield from _mapped("{", node.items(), "}", depth, _text, ": ")


def _listed(start: str, nodes: list[Any], end: str, depth: int) -> Iterator[str]:
    yield start
    for index, item in enumerate(nodes):
        if index:
            yield ", "
        yield from _pieces(item, depth + 1)
    yield end


def _mapped(start: str, items: Any, end: str, depth: int, name: Callable[[str], str], link: str) -> Iterator[str]:
    yield start
    for index, (key, item) in enumerate(items):
        if index:
            yield ", "
        yield name(key) + link
        yield from _pieces(item, depth + 1)
    yield end


def _arguments(tag: str, payload: Any, depth: int) -> Iterator[str]:
    args, kwargs = payload
    yield "("
    for index, (name, item) in enumerate([*((None, item) for item in args), *kwargs.items()]):
        if index:
            yield ", "
        if name is not None:
            yield f"{_name(name)}="
        yield from _pieces(item, depth)
    yield ")"


def _tuple(tag: str, payload: Any, depth: int) -> Iterator[str]:
    return _listed("(", payload, ",)" if len(payload) == 1 else ")", depth)


def _set(tag: str, payload: Any, depth: int) -> Iterator[str]:
    return _listed("{", payload, "}", depth) if payload else iter(("set()",))


def _wrapped_list(tag: str, payload: Any, depth: int) -> Iterator[str]:
    items = payload[1] if tag == "deque" else payload
    return _listed(f"{tag}([", items, "])", depth)


def _pairs(tag: str, payload: Any, depth: int) -> Iterator[str]:
    pairs = payload[1] if tag == "defaultdict" else payload
    yield "{" if tag == "dict" else f"{tag}({{"
    for index, (key, item) in enumerate(pairs):
        if index:
            yield ", "
        yield from _pieces(key, depth + 1)
        yield ": "
        yield from _pieces(item, depth + 1)
    yield "}" if tag == "dict" else "})"


def _object(tag: str, payload: Any, depth: int) -> Iterator[str]:
    name, fields, *_ = payload
    return _mapped(f"{_name(name)}(", fields.items(), ")", depth, _name, "=")


def _state(tag: str, payload: Any, depth: int) -> Iterator[str]:
    name, held, fields = payload
    if held is None:
        return _object(tag, [name, fields], depth)
    return _call(tag, [name, held], depth)


def _call(tag: str, payload: Any, depth: int) -> Iterator[str]:
    name, form = payload
    yield f"{_name(name)}("
    yield from _pieces(form, depth + 1)
    yield ")"


def _namedtuple(tag: str, payload: Any, depth: int) -> Iterator[str]:
    return _listed(f"{_name(payload[0])}(", payload[1], ")", depth)


def _enum(tag: str, payload: Any, depth: int) -> Iterator[str]:
    name, member = payload
    yield f"{_name(name)}.{_printable(member)}" if type(member) is str else f"{_name(name)}({member!r})"


def _error(tag: str, payload: Any, depth: int) -> Iterator[str]:
    yield f"{_name(payload['type'])}({_text(payload['message'])})"


def _lost(tag: str, payload: Any, depth: int) -> Iterator[str]:
    yield f"<not recorded: {_printable(str(payload[1]))}>"


def _bytes(tag: str, payload: Any, depth: int) -> Iterator[str]:
    shown = repr(b64decode(payload[:400]))
    yield shown if tag == "bytes" else f"bytearray({shown})"


def _number(tag: str, payload: Any, depth: int) -> Iterator[str]:
    yield str(int(payload, 16)) if len(payload) < 60 else _printable(payload)


def _word(tag: str, payload: Any, depth: int) -> Iterator[str]:
    yield _printable(str(payload))


def _array(tag: str, payload: Any, depth: int) -> Iterator[str]:
    header = b64decode(payload[:400]).decode("latin-1")
    shape = re.search(r"'shape': (\([0-9, ]*\))", header)
    kind = re.search(r"'descr': '([^']*)'", header)
    yield f"{tag}({kind[1] if kind else '…'}, {shape[1] if shape else '…'})"


def _frame(tag: str, payload: Any, depth: int) -> Iterator[str]:
    rows, columns = payload[1]["shape"]
    yield f"DataFrame({rows!r} rows, {columns!r} columns)" if tag == "dataframe" else f"Series({rows!r} rows)"


def _moment(tag: str, payload: Any, depth: int) -> Iterator[str]:
    when, zone, *_ = payload
    yield _printable(str(when)) + ("" if zone is None else f" {_printable(str(zone))}")


def _unknown(tag: str, payload: Any, depth: int) -> Iterator[str]:
    yield f"{_name(tag)}("
    yield from _pieces(payload, depth + 1)
    yield ")"


_SHOW: dict[str, Callable[[str, Any, int], Iterator[str]]] = {
    CALL: _arguments,
    "~tuple": _tuple,
    "~set": _set,
    "~frozenset": _wrapped_list,
    "~deque": _wrapped_list,
    **dict.fromkeys(("~dict", "~ordereddict", "~counter", "~defaultdict"), _pairs),
    **dict.fromkeys(("~dataclass", "~model"), _object),
    "~state": _state,
    "~type": _call,
    "~namedtuple": _namedtuple,
    "~enum": _enum,
    "~error": _error,
    "~lost": _lost,
    **dict.fromkeys(("~bytes", "~bytearray"), _bytes),
    "~int": _number,
    **dict.fromkeys(("~float", "~decimal", "~date", "~uuid", "~pdmissing"), _word),
    **dict.fromkeys(("~datetime", "~time"), _moment),
    **dict.fromkeys(("~ndarray", "~npscalar"), _array),
    **dict.fromkeys(("~dataframe", "~series"), _frame),
}


def _text(text: str) -> str:
    # repr escapes control characters; a long text is cut first.
    return repr(text[:2_000]) if len(text) > 2_000 else repr(text)


def _name(name: Any) -> str:
    return _printable(str(name).rpartition(":")[2][:200])


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)[1:-1]


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"
