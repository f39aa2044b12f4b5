"""Completion after `%agnt5`: verbs, flags, components, run ids, step names, settings.

It offers what a verb's own arguments say they take. It must never raise: a tab would print a traceback.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion
from IPython.core.error import UsageError

import agnt5

from .current import current as current_replay
from .display.remembered import answer
from .usage import Kind, Parser

if TYPE_CHECKING:
    from agnt5 import Journal

    from .verbs import Verb

_LINE = re.compile(r"%agnt5\s(?P<rest>[^\n]*)$")
_RUNS = 50


def matcher(shell: Any) -> Any:
    """What IPython asks at the tab key; where it has an answer, nobody else is asked."""

    def match(context: Any) -> Any:
        offered, fragment = offer(context.text_until_cursor, shell.user_ns)
        completions = [SimpleCompletion(text=word, type="agnt5") for word in offered]
        return {
            "completions": completions,
            "suppress": bool(completions),
            "ordered": True,
            "matched_fragment": fragment,
        }

    # What IPython's own decorator sets, which has no types.
    made: Any = match
    made.matcher_api_version = 2
    made.matcher_identifier = "agnt5"
    return made


def offer(text: str, names: dict[str, Any]) -> tuple[list[str], str]:
    """What the word at the end of the text may be, and as much of it as is there."""
    found = _LINE.search(text)
    if found is None:
        return [], ""
    words = found["rest"].split(" ")
    before, current = [word for word in words[:-1] if word], words[-1]
    if "=" in current:
        return [], ""  # a value
    try:
        offered = candidates(before, current, names)
    except (agnt5.AGNT5Error, UsageError):
        return [], ""  # the verb itself will say so
    current = current.rpartition(",")[2]  # in a list of tools, the last
    return [word for word in offered if word.startswith(current)], current


def candidates(before: list[str], current: str, names: dict[str, Any]) -> list[str]:
    """What the word at the cursor may be, the best first."""
    from .verbs import verbs

    if not before:
        return [*verbs(), "--help"]
    verb = verbs().get(before[0])
    if verb is None:
        return []
    parser = verb.parser()
    if current.startswith("-"):
        return [*parser.flags, "--help"]
    given, flag = _given(parser, before[1:])
    if flag is not None:
        action, kind = parser.flags[flag]
    else:
        places = parser.positions
        if not places:
            return []
        action, kind = places[min(len(given), len(places) - 1)]
    if action.choices:
        return [str(choice) for choice in action.choices]
    if kind == "step" and current[:1].isdecimal():
        return _numbers(verb, given, names)
    return [*_ENDS.get((verb.name, kind), ()), *_of(kind, given, names)]


def _given(parser: Parser, words: list[str]) -> tuple[list[str], str | None]:
    """The words that are no flags, and the flag whose value comes next."""
    given: list[str] = []
    waiting: str | None = None
    for word in words:
        if waiting is not None:
            waiting = None
        elif word in parser.flags:
            waiting = word if parser.flags[word][0].nargs != 0 else None
        elif not word.startswith("--"):
            given.append(word)
    return given, waiting


def _of(kind: Kind, given: list[str], names: dict[str, Any]) -> list[str]:
    if kind == "run":
        held = [name for name, value in names.items() if _plain(name) and isinstance(value, agnt5.Run | agnt5.Journal)]
        return [*held, *(run.id for run in agnt5.runs(limit=_RUNS))]
    if kind == "component":
        return [one.name for one in agnt5.components() if one.kind_name != "method"]
    if kind == "tool":
        held = [name for name, value in names.items() if _plain(name) and callable(value)]
        return [*held, *(one.name for one in agnt5.components() if one.kind_name != "method")]
    if kind == "memory":
        held = [name for name, value in names.items() if _plain(name) and isinstance(value, agnt5.Agent)]
        return [*held, *_namespaces()]
    if kind == "setting":
        return [field.name for field in dataclasses.fields(agnt5.Settings)]
    if kind == "step":
        return _steps(given, names)
    return []


# Places of a replay that are no entries.
_ENDS: dict[tuple[str, Kind], tuple[str, ...]] = {("goto", "step"): ("start", "end")}
# Verbs that take the number of an entry for its path.
_NUMBERED = ("goto", "replay", "fork")


def _steps(given: list[str], names: dict[str, Any]) -> list[str]:
    """Paths of the run that the line names, or of the one that is being replayed."""
    return list(dict.fromkeys(entry.path for entry in _journal(given, names) if entry.path))


def _numbers(verb: Verb, given: list[str], names: dict[str, Any]) -> list[str]:
    """The same entries by the numbers that the journal shows."""
    return [str(entry.seq) for entry in _journal(given, names)] if verb.name in _NUMBERED else []


def _journal(given: list[str], names: dict[str, Any]) -> Journal:
    from .finding import journal_of

    return journal_of(given[0], names) if given else current_replay().journal


def _namespaces() -> list[str]:
    from agnt5.memory import namespaces

    return list(dict.fromkeys(one.namespace for one in answer(namespaces)))


def _plain(name: str) -> bool:
    return not name.startswith("_")
