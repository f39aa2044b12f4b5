"""The side-effect file: what the world outside of the store saw, one line per fact.

Lines are appended with a single `write`, so a SIGKILL leaves each whole or absent: the page cache outlives the process.
The ledger must never be read by the code under test.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple


class Fact(NamedTuple):
    """`word`: body, durable, started, sent, result, hit. The rest depends on it; see `program` and `trap`."""

    word: str
    rest: list[Any]


class Ledger:
    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, word: str, *rest: Any) -> None:
        os.write(self._fd, (json.dumps([word, *rest]) + "\n").encode())


def facts(path: Path, offset: int = 0) -> tuple[list[Fact], int]:
    """What was noted since `offset`, and the offset of the end."""
    if not path.exists():
        return [], 0
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read()
    return [Fact(line[0], line[1:]) for line in map(json.loads, data.splitlines())], offset + len(data)
