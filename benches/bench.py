"""What every benchmark gets: a directory on the disk that is measured, with an AGNT5 home of its own in it."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import agnt5
from agnt5 import config
from agnt5.log import logger
from agnt5.runtime import close_runtime, get_runtime

ROUNDS = 5


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory below the working directory, so that it lies on a real disk and not in memory."""
    above = Path(".benchmarks")
    above.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(dir=above)).resolve()
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@contextmanager
def home(directory: Path, **settings: object) -> Iterator[Path]:
    """An open runtime on a home in `directory`; yields the home. Closed at the end, its files stay."""
    place = directory / "home"
    agnt5.configure(home=place, **settings)
    logger.setLevel(logging.ERROR)  # long journals are the subject here, not a mistake
    try:
        get_runtime()
        yield place
    finally:
        close_runtime()
        config.reset()


def journal_bytes(place: Path) -> tuple[int, int]:
    """Bytes of all journal entries in a home that is closed, and in how many rows they were committed."""
    db = sqlite3.connect(place / "default" / "journal.db")
    try:
        return db.execute("SELECT sum(length(bytes)), count(*) FROM segments").fetchone()
    finally:
        db.close()


def median_ratio(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """Of rounds of (value, floor): the one whose ratio is the median. Noise hits both, the ratio stands."""
    ordered = sorted(pairs, key=lambda pair: pair[0] / pair[1])
    return ordered[len(ordered) // 2]
