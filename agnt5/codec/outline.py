"""Recorded bytes as a tree for people: what a foldable view shows, a level at a time.

Like `preview` it builds no instance and looks no class up, shows no credentials, and never fails. Control characters of
text become visible, but for line ends and tabs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from agnt5.codec.plain import MARK, dump, load
from agnt5.codec.preview import CALL, render
from agnt5.secret import mask

LINE = 160
"""Characters of the line that stands for a folded value."""
TEXT = 4_000
"""Characters of a text that are shown at first."""
_LARGEST = 32_000_000
"""Bytes beyond which a value is not parsed."""
_ROWS, _COLUMNS = 30, 16

Child = tuple[str, Any]


def outline(
    data: bytes, path: Sequence[int] = (), *, start: int = 0, count: int = 100, levels: int = 2
) -> dict[str, Any]:
    """The node at `path` (places of children, from the root), with children from `start` on, `levels` deep.

    A node is JSON: `kind` (null, bool, number, text, bytes, list, map, object, table, error, other), `line` (the value
    in a line), and where they apply `type`, `size` (number of children, or of characters of a text), `text`, `table`
    (`columns`, `rows` of text, `shape`) and `children`: [name, node] each. A text's `start` counts characters.
    """
    if len(data) > _LARGEST:
        return {"kind": "other", "line": f"{len(data):,} bytes: too large to be shown", "type": ""}
    try:
        node = load(data)
        for place in path:
            node = next(islice(_children(node)[1], place, None))[1]
    except Exception as error:
        return {"kind": "other", "line": f"unreadable: {len(data):,} bytes ({type(error).__name__})", "type": ""}
    return _node(node, start, count, levels)


def outline_of(value: Any, path: Sequence[int] = (), **shown: int) -> dict[str, Any]:
    """The same for a value that `agnt5.codec` can record, as it would be recorded; its text for any other."""
    from agnt5.codec.coding import encode
    from agnt5.errors import SerializationError

    try:
        return outline(encode(value), path, **shown)
    except SerializationError:
        return outline(dump(repr(value)), path, **shown)


def outline_call(data: bytes, path: Sequence[int] = (), **shown: int) -> dict[str, Any]:
    """The same for the recorded arguments of a call: its children are the arguments."""
    try:
        args, kwargs = load(data)
        named = {CALL: [[*args], {**kwargs}]}
        return outline(dump(named), path, **shown)
    except Exception:
        return outline(data, path, **shown)


def _node(node: Any, start: int, count: int, levels: int) -> dict[str, Any]:
    try:
        return _shown(node, start, count, levels)
    except Exception as error:  # a payload that does not have the shape its tag promises
        return {"kind": "other", "line": f"damaged ({type(error).__name__}): {render(node, LINE)}", "type": ""}


def _shown(node: Any, start: int, count: int, levels: int) -> dict[str, Any]:
    if type(node) is str:
        return _text(node, start)
    if node is None or type(node) in (bool, int, float):
        kind = "null" if node is None else "bool" if type(node) is bool else "number"
        return {"kind": kind, "line": render(node, LINE)}
    kind, children, size = _children(node)
    name = _type_of(node)
    found: dict[str, Any] = {"kind": kind, "line": render(node, LINE), "type": name}
    if name in ("dataframe", "series", "ndarray"):
        found["table"] = _table(node)
        found["kind"] = "table" if found["table"] else "other"
        return found
    if kind in ("list", "map", "object", "error"):
        found["size"] = size
        if levels > 0:
            inner = islice(children, start, start + count)
            found["children"] = [[_named(name), _node(one, 0, min(count, 50), levels - 1)] for name, one in inner]
            found["start"] = start
    return found


def _text(text: str, start: int) -> dict[str, Any]:
    safe = visible(text)
    found: dict[str, Any] = {"kind": "text", "line": _line(safe), "size": len(safe)}
    if len(safe) > 60 or "\n" in safe or start:
        found["text"] = safe[start : start + TEXT]
        found["start"] = start
    return found


def visible(text: str) -> str:
    """Text as it may be shown: credentials masked, control characters as escapes, line ends and tabs kept."""
    text = mask(text)
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" or c.isprintable() else repr(c)[1:-1] for c in text.replace("\r\n", "\n"))


def _line(safe: str) -> str:
    flat = repr(safe[: LINE + 1])
    return flat if len(flat) <= LINE else flat[: LINE - 1] + "…"


def _named(name: str) -> str:
    return _line(visible(name))[1:-1]


def _type_of(node: Any) -> str:
    if type(node) is not dict or len(node) != 1:
        return ""
    ((tag, payload),) = node.items()
    if tag[:1] != MARK:
        return ""
    if tag in ("~dataclass", "~model", "~namedtuple", "~enum", "~state", "~type"):
        return _named(str(payload[0]).rpartition(":")[2])
    if tag == "~error":
        return _named(str(payload["type"]).rpartition(":")[2])
    return "arguments" if tag == CALL else _named(tag[1:])


def _children(node: Any) -> tuple[str, Iterable[Child], int]:
    """Kind, children and how many, of what has some; kind "other" and none of the rest."""
    if type(node) is list:
        return "list", ((str(place), one) for place, one in enumerate(node)), len(node)
    if type(node) is not dict:
        return "other", (), 0
    if len(node) == 1 and next(iter(node))[:1] == MARK:
        ((tag, payload),) = node.items()
        return _tagged(tag, payload)
    return "map", node.items(), len(node)


def _tagged(tag: str, payload: Any) -> tuple[str, Iterable[Child], int]:
    if tag == CALL:
        args, kwargs = payload
        return (
            "object",
            [*((str(place), one) for place, one in enumerate(args)), *kwargs.items()],
            len(args) + len(kwargs),
        )
    if tag in ("~tuple", "~set", "~frozenset"):
        return _children(payload)
    if tag == "~deque":
        return _children(payload[1])
    if tag == "~namedtuple":
        return _children(payload[1])
    if tag in ("~dict", "~ordereddict", "~counter", "~defaultdict"):
        pairs = payload[1] if tag == "~defaultdict" else payload
        return "map", ((render(key, 60), one) for key, one in pairs), len(pairs)
    if tag in ("~dataclass", "~model"):
        return "object", payload[1].items(), len(payload[1])
    if tag == "~state":
        held, fields = payload[1], payload[2]
        inner = [*([("value", held)] if held is not None else []), *fields.items()]
        return "object", inner, len(inner)
    if tag == "~type":
        kind, inner, size = _children(payload[1])
        return ("object", [("value", payload[1])], 1) if kind == "other" else ("object", inner, size)
    if tag == "~error":
        inner = [(name, payload[name]) for name in ("message", "args", "traceback", "cause") if payload.get(name)]
        return "error", inner, len(inner)
    return ("bytes" if tag in ("~bytes", "~bytearray") else "other"), (), 0


def _table(node: Any) -> dict[str, Any] | None:
    """The first rows and columns; None where the library that reads them is missing, or the record is damaged."""
    from agnt5.codec.coding import decode

    try:
        value = decode(dump(node), classes=False)
        if hasattr(value, "to_frame"):
            value = value.to_frame()
        return _array_table(value) if hasattr(value, "dtype") else _frame_table(value)
    except Exception:
        return None


def _frame_table(frame: Any) -> dict[str, Any]:
    head = frame.iloc[:_ROWS, :_COLUMNS]
    columns = ["", *(_cell(name) for name in head.columns)]
    rows = [[_cell(label), *(_cell(one) for one in row)] for label, row in zip(head.index, head.values, strict=True)]
    return {"columns": columns, "rows": rows, "shape": [*frame.shape], "types": ["", *map(str, head.dtypes)]}


def _array_table(array: Any) -> dict[str, Any]:
    flat = array.reshape(-1, 1) if array.ndim < 2 else array.reshape(array.shape[0], -1)
    head = flat[:_ROWS, :_COLUMNS]
    columns = ["", *map(str, range(head.shape[1]))]
    rows = [[str(place), *(_cell(one) for one in row)] for place, row in enumerate(head.tolist())]
    return {"columns": columns, "rows": rows, "shape": [*array.shape], "types": [str(array.dtype)]}


def _cell(value: Any) -> str:
    text = f"{value:.6g}" if type(value) is float else str(value)
    return _line(visible(text[:400]))[1:-1]
