"""Which run a person means: a variable that holds one, `_` or `-1` for the last, or the beginning of an id.

It only looks; what is not found is a one-line error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

import agnt5

from .usage import meant

if TYPE_CHECKING:
    from agnt5 import Journal, Run

_BACK = re.compile(r"-[1-9]\d{0,5}")


def find_run(word: str, names: dict[str, Any]) -> Run:
    """UsageError when no run is meant by this."""
    found = find(word, names)
    if isinstance(found, agnt5.Journal):
        raise UsageError(f"%agnt5: {word!r} is a loaded journal, which cannot do this; runs of this store can")
    return found


def find(word: str, names: dict[str, Any]) -> Run | Journal:
    """A run, or a journal that a variable holds."""
    if _BACK.fullmatch(word):
        return _back(int(word[1:]))
    if word.isidentifier() and word in names:
        value = names[word]
        if isinstance(value, agnt5.Run | agnt5.Journal):
            return value
        identity = getattr(value, "run_id", None)  # an answer, a replay
        if isinstance(identity, str):
            return agnt5.get_run(identity)
    if word == "_":
        return _back(1)
    return agnt5.get_run(word)


def journal_of(word: str, names: dict[str, Any]) -> Journal:
    found = find(word, names)
    return found if isinstance(found, agnt5.Journal) else found.journal


def _back(count: int) -> Run:
    # What a person means by the last run is one that a person started, not what that one called.
    runs = agnt5.runs(roots=True, limit=count)
    if len(runs) < count:
        here = f"only {len(runs)} runs here" if len(runs) > 1 else "only one run here" if runs else "no runs yet"
        raise UsageError(f"%agnt5: there {'is' if len(runs) == 1 else 'are'} {here}")
    return runs[-1]


def find_target(name: str, names: dict[str, Any]) -> Any:
    """What can be started by this name: a variable that holds a component, agent or workflow, or a component."""
    held = names.get(name)
    if held is not None and not isinstance(held, type) and hasattr(held, "__agnt5_component__"):
        return held
    known = {one.name: one for one in agnt5.components()}
    if name in known:
        return known[name]
    raise UsageError(f"%agnt5: nothing called {name!r} can be run here{meant(name, known)} (see %agnt5 components)")
