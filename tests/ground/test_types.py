"""The statuses of a run, and that they agree with the core's numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agnt5.types import Status


def test_statuses_are_words() -> None:
    assert [str(status) for status in Status] == [
        "pending",
        "running",
        "waiting",
        "paused",
        "completed",
        "failed",
        "cancelled",
    ]
    assert Status.WAITING == "waiting"
    assert {status for status in Status if status.terminal} == {"completed", "failed", "cancelled"}


def test_codes_are_those_of_the_core() -> None:
    source = (Path(__file__).parents[2] / "core/journal/src/status.rs").read_text(encoding="utf-8")
    numbers = {name.lower(): int(code) for name, code in re.findall(r"^\s+(\w+) = (\d+),", source, re.MULTILINE)}
    assert numbers == {str(status): status.code for status in Status}
    assert all(Status.from_code(code) == name for name, code in numbers.items())
    for wrong in (-1, 99):
        with pytest.raises(ValueError, match="no status"):
            Status.from_code(wrong)
