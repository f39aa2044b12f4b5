"""Finds stores and runs: which home, which stores lie in it, and which run a person means by a prefix or by -1.

It only reads. A store that cannot be read is reported on standard error, and does not hide the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from .. import config
from ..errors import AGNT5Error, RunNotFound, StoreError
from ..types import Status
from .text import shown

if TYPE_CHECKING:
    from .._core import Reader, RunRow

# The name belongs to the core; that the file exists is all that is asked here.
DATABASE = "journal.db"

STATUSES = tuple(map(str, Status))
MOST = 100_000  # runs looked through for interrupted ones


class Found(NamedTuple):
    """A run, the directory of its store, and whether a living process owns that store."""

    directory: Path
    row: RunRow
    owned: bool

    @property
    def interrupted(self) -> bool:
        """Nobody drives it, though it has neither ended nor been paused."""
        return Status.from_code(self.row.status).left_alone(marked=self.row.interrupted, owned=self.owned)


@dataclass(frozen=True, slots=True)
class Choice:
    """What --home and --store say; None leaves the choice to the environment and the defaults."""

    home: str | None = None
    store: str | None = None

    def root(self) -> Path:
        return config.find_home(self.home)

    def stores(self) -> list[Path]:
        """Directories of the stores meant: the one named, or all of the home, sorted by name."""
        root = self.root()
        if self.store is not None:
            directory = config.store_directory(root, self.store)
            if not is_store(directory):
                known = ", ".join(path.name for path in all_stores(root)) or "none"
                raise AGNT5Error(f"there is no store {self.store!r} in {root} (stores there: {known})")
            return [directory]
        return all_stores(root)

    def one_store(self) -> Path:
        """The store a write goes to when no run says it. An error names the stores when there are several."""
        stores = self.stores()
        if len(stores) == 1:
            return stores[0]
        if not stores:
            raise AGNT5Error(f"there is no store in {self.root()}: nothing has been run there yet (see --home)")
        names = ", ".join(path.name for path in stores)
        raise AGNT5Error(f"{self.root()} has several stores ({names}): name one with --store")

    def find(self, identity: str) -> Found:
        """The store and the run that `identity` means: a whole id, a unique prefix, or -N for the N-th newest of
        those that no other run called.

        Raises RunNotFound when there is none, or when a prefix fits several runs.
        """
        if identity.startswith("-") and identity[1:].isdecimal():
            return self._newest(int(identity[1:]))
        found = self.rows(id_prefix=identity, limit=6)
        exact = [run for run in found if run.row.id == identity]
        if len(exact) == 1 or len(found) == 1:
            return (exact or found)[0]
        if found:
            ids = ", ".join(f"{run.row.id} in {run.directory.name}" for run in found)
            more = "name the store with --store" if len(exact) > 1 else "give more of the id"
            raise RunNotFound(f"{identity!r} fits several runs ({ids}): {more}")
        raise RunNotFound(f"no run starts with {identity!r} in {self.root()} (`agnt5 runs` lists them)")

    def interrupted(self, limit: int = MOST, **filters: Any) -> list[Found]:
        """As `rows`, of those that nobody drives."""
        return [run for run in self.rows(limit=MOST, **filters) if run.interrupted][:limit]

    def rows(self, *, limit: int, **filters: Any) -> list[Found]:
        """Runs of the chosen stores, newest first; `filters` are the reader's. StoreError when none of the stores can
        be read, or the one that was named."""
        found: list[Found] = []
        unread: list[StoreError] = []
        stores = self.stores()
        for directory in stores:
            try:
                reader = open_reader(directory)
                owned = bool(reader.owner())
                found += [Found(directory, row, owned) for row in reader.runs(limit=limit, **filters)]
            except StoreError as error:
                unread.append(error)
        if unread and len(unread) == len(stores):
            raise unread[0]
        for error in unread:
            _say_left_out(error)
        found.sort(key=lambda run: (-run.row.created, -run.row.num))
        return found[:limit]

    def _newest(self, position: int) -> Found:
        found = self.rows(limit=max(position, 1), roots=True)
        if not 1 <= position <= len(found):
            raise RunNotFound(f"there is no run -{position}: {len(found)} found in {self.root()}")
        return found[position - 1]


def _say_left_out(error: StoreError) -> None:
    """Once in a command, which may look for several runs."""
    context = click.get_current_context(silent=True)
    said: set[str] = set() if context is None else context.find_root().meta.setdefault("agnt5.left_out", set())
    if str(error) not in said:
        said.add(str(error))
        click.echo(shown(f"agnt5: left out: {error}"), err=True)


def all_stores(root: Path) -> list[Path]:
    """Every store of a home."""
    return sorted(path for path in root.iterdir() if is_store(path)) if root.is_dir() else []


def is_store(directory: Path) -> bool:
    """Whether a store's database lies there."""
    return (directory / DATABASE).is_file()


def open_reader(directory: Path) -> Reader:
    """A reader of the store, whoever owns it."""
    from .._core import Reader

    return Reader.open(str(directory))
