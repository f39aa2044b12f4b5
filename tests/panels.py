"""Panels spoken to as their views do, without a browser."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from agnt5_jupyter.display.panel import Message, Panel


class Said(list[Message]):
    """What a panel has sent."""

    def told(self, word: str) -> list[Message]:
        return [one for one in self if one.fields.get("tell") == word]


def listening(panel: Panel) -> Said:
    said = Said()
    panel.say = said.append  # type: ignore[method-assign]
    return said


def ask(panel: Panel, said: Said, **message: Any) -> Message:
    panel._hear(panel, {**message, "id": "v1"}, [])
    answer = said.pop()
    assert answer.fields["answer"] == "v1"
    return answer


def until(happened: Callable[[], Any]) -> None:
    """Wait for a fact; the test's own limit is generous and fails with the fact."""
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
