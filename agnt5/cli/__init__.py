"""The command line, `agnt5`: it reads stores directly and sends writes to their owner, however busy that is.

Nothing heavy is imported before a command needs it, and nothing here holds logic that the library lacks.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 it failed, 2 it was called wrongly, 130 interrupted."""
    from .app import run

    return run(arguments)


__all__ = ["main"]
