"""The floor: SQLite with a write-ahead log and full durability, through Python's own sqlite3, 200-byte rows."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from types import TracebackType

ROW = b"x" * 200


class Floor:
    def __init__(self, directory: Path) -> None:
        self._db = sqlite3.connect(directory / "floor.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, bytes BLOB)")

    def rows_per_second(self, commits: int, rows_per_commit: int) -> float:
        execute = self._db.execute
        started = time.perf_counter()
        for _ in range(commits):
            execute("BEGIN")
            for _ in range(rows_per_commit):
                execute("INSERT INTO rows (bytes) VALUES (?)", (ROW,))
            execute("COMMIT")
        return commits * rows_per_commit / (time.perf_counter() - started)

    def __enter__(self) -> Floor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()
