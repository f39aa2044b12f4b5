"""Finds stores and runs: which home, which stores lie in it, and which run a person means by a prefix or by -1.

It only reads. A store that cannot be read is reported with its name, and does not hide the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import config
from ..errors import AGNT5Error, RunNotFound

if TYPE_CHECKING:
    from .._core import Reader, RunRow

# The name belongs to the core; that the file exists is all that is asked here.
DATABASE = "journal.db"

STATUSES = ("pending", "running", "waiting", "paused", "completed", "failed", "cancelled")


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

    def find(self, identity: str) -> tuple[Path, RunRow]:
        """The store and the run that `identity` means: a whole id, a unique prefix, or -N for the N-th newest.

        Raises RunNotFound when there is none, or when a prefix fits several runs.
        """
        stores = self.stores()
        if identity.startswith("-") and identity[1:].isdecimal():
            return self._newest(stores, int(identity[1:]))
        found: list[tuple[Path, RunRow]] = []
        for directory in stores:
            with_prefix = open_reader(directory).runs(id_prefix=identity, limit=6)
            exact = [row for row in with_prefix if row.id == identity]
            if exact:
                return directory, exact[0]
            found += [(directory, row) for row in with_prefix]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(row.id for _, row in found[:6])
            raise RunNotFound(f"{identity!r} fits several runs ({ids}): give more of the id")
        raise RunNotFound(f"no run starts with {identity!r} in {self.root()} (`agnt5 runs` lists them)")

    def _newest(self, stores: list[Path], position: int) -> tuple[Path, RunRow]:
        rows = [(d, row) for d in stores for row in open_reader(d).runs(limit=max(position, 1))]
        rows.sort(key=lambda pair: (-pair[1].created, -pair[1].num))
        if not 1 <= position <= len(rows):
            raise RunNotFound(f"there is no run -{position}: {len(rows)} found in {self.root()}")
        return rows[position - 1]


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
