"""The order of an answer's blocks, and those that the common form of a message cannot say, such as signed thoughts.

They are kept in `Message.vendor` and woven with the message's own texts and calls when it is sent back, so that nothing
is recorded twice and an edited call is sent as edited. A kept item is the name of a place ("text", "call"), or a dict:
with the key "place" the fields to add to what comes there, without it a whole block.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

PLACE = "place"


def worth_keeping(items: list[Any]) -> list[Any]:
    """The items, or nothing when the message says all of them."""
    return items if any(isinstance(item, dict) for item in items) else []


def woven(items: Iterable[Any], texts: list[dict[str, Any]], calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Blocks in the order they came in. Those added since come last, those taken away are left out."""
    waiting = {"text": list(texts), "call": list(calls)}
    blocks: list[dict[str, Any]] = []
    for item in items:
        added = cast("dict[str, Any]", {PLACE: item} if isinstance(item, str) else dict(item))
        place = added.pop(PLACE, None)
        if place is None:
            blocks.append(added)
        elif waiting[place]:
            blocks.append({**waiting[place].pop(0), **added})
    return blocks + waiting["text"] + waiting["call"]
