"""Journal files: one run in one file, to keep, to send, to load elsewhere.

A file may come from a stranger, so loading one makes data and nothing else: no class is looked up, no code runs,
nothing outside of the file is read. Saving never leaves half a file, and follows no symbolic link.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from agnt5.errors import ConfigurationError, StoreCorrupt
from agnt5.types import Status

if TYPE_CHECKING:
    from agnt5.journal import Journal

# A file larger than this is not read at all; decompressed, twice as much is allowed.
LARGEST = 1 << 30
# What such a file begins with, as `protos/agnt5/v1/journal.proto` says.
_MAGIC = b"AGNT5J"


def save(journal: Journal, path: str | os.PathLike[str]) -> Path:
    """Write a journal to a file, readable by its owner only, and return its path. An older journal file is replaced
    whole.

    ConfigurationError for a directory that does not exist, a symbolic link, what is no ordinary file, and a file of
    another kind, which nobody means to lose.
    """
    from agnt5 import __version__

    target = Path(path)
    _refuse_strange(target)
    _refuse_other(target)
    if not target.parent.is_dir():
        raise ConfigurationError(f"{str(target.parent)!r} is no directory; make it, or save elsewhere.")
    facts = journal.facts
    data = journal.recording.save(
        status=facts.status.code,
        created=facts.created,
        started=facts.started,
        ended=facts.ended,
        reason=facts.reason,
        tags=facts.tags,
        agnt5=__version__,
    )
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    return target


def load_journal(path: str | os.PathLike[str]) -> Journal:
    """Load a journal file that `journal.save` wrote, perhaps elsewhere. It is data only, wherever it comes from.

    StoreCorrupt when it is damaged, too large, or no journal file; StoreTooNew when a newer agnt5 wrote it.
    ConfigurationError for a symbolic link or what is no ordinary file.
    """
    from agnt5.execution.kinds import Recording
    from agnt5.journal import Facts, Journal

    source = Path(path)
    if not source.exists() and not source.is_symlink():
        raise ConfigurationError(f"There is no file {str(source)!r}.")
    _refuse_strange(source)
    handle = os.open(source, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(handle, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > LARGEST:
            raise StoreCorrupt(f"{str(source)!r} has {size} bytes; at most {LARGEST} are loaded.")
        data = file.read(LARGEST + 1)
    try:
        recording, (status, created, started, ended, reason, tags, version) = Recording.load(data)
    except Exception as error:
        error.args = (str(error).replace("this file", repr(str(source)), 1),)
        raise
    try:
        facts = Facts(Status.from_code(status), created, started, ended, reason, tags, version)
        return Journal.of(recording, facts, loaded=True)
    except ValueError as error:  # what is in it can be read, and makes no sense
        raise StoreCorrupt(f"{str(source)!r} cannot be loaded: {error}") from error


def _refuse_other(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except FileNotFoundError:
        return
    if start not in (b"", _MAGIC):
        raise ConfigurationError(f"{str(path)!r} is there already and is no journal file; save under another name.")


def _refuse_strange(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        what = "a symbolic link" if stat.S_ISLNK(mode) else "no ordinary file"
        raise ConfigurationError(f"{str(path)!r} is {what}; name the file itself.")
