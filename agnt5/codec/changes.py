"""What differs between two recorded values, as people read it.

It compares the recorded trees: no class is looked up and no `__eq__` of anyone runs.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from agnt5.codec.plain import MARK, dump, load
from agnt5.codec.preview import preview, render
from agnt5.secret import mask

# Changes told per value, and characters of each text.
MOST = 200
_LONGEST = 200
# Characters of a long text that are shown before the first that differs.
_BEFORE = 30
# Items beyond which the middles of two lists are compared place by place.
_ALIGNED = 2_000
_DEEPEST = 40

# Tags of instances: [class, fields].
_INSTANCES = frozenset({"~dataclass", "~model", "~state", "~type"})
# Tags of lists: the payload is one.
_LISTS = frozenset({"~tuple", "~set", "~frozenset"})


class Change(NamedTuple):
    """One place in a value. `old` and `new` are short texts, None where there is nothing; `lines` is a unified diff of
    texts of several lines, else empty."""

    path: str
    old: str | None
    new: str | None
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.lines:
            return "\n".join([f"{self.path}:", *(f"  {line}" for line in self.lines)])
        if self.old is None:
            return f"{self.path}: + {self.new}"
        if self.new is None:
            return f"{self.path}: - {self.old}"
        return f"{self.path}: {self.old} → {self.new}"


def changes(old: bytes, new: bytes, name: str) -> list[Change]:
    """What differs between two recorded values; `name` begins every path. Bytes that cannot be read are shown whole."""
    if old == new:
        return []
    if not old or not new:
        return [Change(name, preview(old, _LONGEST) if old else None, preview(new, _LONGEST) if new else None)]
    try:
        trees = load(old), load(new)
    except Exception:
        return [Change(name, preview(old, _LONGEST), preview(new, _LONGEST))]
    found: list[Change] = []
    for change in _compared(*trees, name, 0):
        if len(found) == MOST:
            found.append(Change(name, "...", "... and more"))
            break
        found.append(change)
    return found


def argument_changes(old: bytes, new: bytes) -> list[Change]:
    """The same for the arguments of two calls."""
    if old == new:
        return []
    try:
        (args, kwargs), (more_args, more_kwargs) = load(old), load(new)
    except Exception:
        return changes(old, new, "input")
    found = [*_lists(args, more_args, "input", 0), *_fields(kwargs, more_kwargs, "input", 0)]
    return found[:MOST]


_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')


def with_ids(payload: bytes, ids: Mapping[str, str]) -> bytes:
    """A recorded value in which texts that are ids of one run are those of another. Ids inside of longer texts stay."""
    if not payload or not ids:
        return payload
    known = {dump(old): dump(new) for old, new in ids.items()}
    return _TEXT.sub(lambda found: known.get(found[0], found[0]), payload)


def _compared(old: Any, new: Any, path: str, depth: int) -> Iterator[Change]:
    if type(old) is type(new) and dump(old) == dump(new):  # == takes 1 for True
        return
    if type(old) is str and type(new) is str:
        yield text_change(old, new, path)
        return
    if depth < _DEEPEST and type(old) is type(new):
        if type(old) is list:
            yield from _lists(old, new, path, depth + 1)
            return
        if type(old) is dict:
            tag = _tag(old)
            if tag is None and _tag(new) is None:
                yield from _items(old, new, path, depth + 1)
                return
            if tag is not None and tag == _tag(new):
                inner = _tagged(tag, old[tag], new[tag], path, depth + 1)
                if inner is not None:
                    yield from inner
                    return
    shown = render(old, _LONGEST), render(new, _LONGEST)
    yield Change(path, shown[0], f"{shown[1]} of other content" if shown[0] == shown[1] else shown[1])


def _tagged(tag: str, old: Any, new: Any, path: str, depth: int) -> Iterator[Change] | None:
    """Within two values of one kind; None when they are compared as wholes."""
    if tag in _LISTS and type(old) is list and type(new) is list:
        return _lists(old, new, path, depth)
    if tag in _INSTANCES and type(old) is list and type(new) is list and dump(old[:-1]) == dump(new[:-1]):
        fields = old[-1], new[-1]
        if all(type(one) is dict for one in fields):
            return _fields(*fields, path, depth)
    return None


def _fields(old: dict[str, Any], new: dict[str, Any], path: str, depth: int) -> Iterator[Change]:
    return _members(old, new, depth, lambda name: f"{path}.{name}")


def _items(old: dict[str, Any], new: dict[str, Any], path: str, depth: int) -> Iterator[Change]:
    return _members(old, new, depth, lambda key: f"{path}[{key!r}]")


def _members(old: dict[str, Any], new: dict[str, Any], depth: int, place: Any) -> Iterator[Change]:
    for key in [*old, *(key for key in new if key not in old)]:
        if key not in new:
            yield Change(place(key), render(old[key], _LONGEST), None)
        elif key not in old:
            yield Change(place(key), None, render(new[key], _LONGEST))
        else:
            yield from _compared(old[key], new[key], place(key), depth)


def _lists(old: list[Any], new: list[Any], path: str, depth: int) -> Iterator[Change]:
    for kind, first, last, start, end in _blocks(old, new):
        same = min(last - first, end - start) if kind == "replace" else 0
        for step in range(same):
            yield from _compared(old[first + step], new[start + step], f"{path}[{start + step}]", depth)
        for index in range(first + same, last):
            yield Change(f"{path}[{index}]", render(old[index], _LONGEST), None)
        for index in range(start + same, end):
            yield Change(f"{path}[{index}]", None, render(new[index], _LONGEST))


def _blocks(old: list[Any], new: list[Any]) -> list[tuple[str, int, int, int, int]]:
    texts = [dump(one) for one in old], [dump(one) for one in new]
    head = 0
    while head < min(len(old), len(new)) and texts[0][head] == texts[1][head]:
        head += 1
    if max(len(old), len(new)) - head > _ALIGNED:
        return [("replace", head, len(old), head, len(new))]
    rest = [one[head:] for one in texts]
    blocks = difflib.SequenceMatcher(None, *rest, autojunk=False).get_opcodes()
    return [(kind, a + head, b + head, c + head, d + head) for kind, a, b, c, d in blocks if kind != "equal"]


def text_change(old: str, new: str, path: str) -> Change:
    """What differs between two texts: line by line where they have several."""
    shown = render(old, _LONGEST), render(new, _LONGEST)
    old, new = mask(old), mask(new)  # before anything is cut: part of a credential is not recognised
    if "\n" in old or "\n" in new:
        lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2)
        kept = tuple(line for number, line in enumerate(lines) if 2 <= number < MOST)
        if kept:  # not when only ends of lines differ
            return Change(path, *shown, kept)
    return Change(path, *(_parted(old, new) if shown[0][-1] == shown[1][-1] == "…" else shown))


def _parted(old: str, new: str) -> tuple[str, str]:
    """Two long texts from a little before where they part."""
    shorter = min(len(old), len(new))
    parts = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    start = max(parts - _BEFORE, 0)
    first, second = (render(one[start:], _LONGEST) for one in (old, new))
    return (f"…{first}", f"…{second}") if start else (first, second)


def _tag(node: dict[str, Any]) -> str | None:
    if len(node) != 1:
        return None
    (key,) = node
    return key if key[:1] == MARK else None
