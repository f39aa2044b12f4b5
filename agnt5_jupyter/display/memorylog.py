"""What a run did with memories up to a position, out of its journal alone: what it put there, what it read.

The memories themselves are not asked: they know only today.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .words import short

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agnt5 import Entry

_ITEMS = 60
_LINE = 140
_PUTS = frozenset({"store", "remember", "add", "learn"})
_DROPS = frozenset({"delete", "forget"})


class MemoryLog:
    """The finished operations of memories in a journal, in the order of their answers."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        found = [
            one for one in entries if one.name.startswith("memory.") and one.kind == "step" and one.state == "done"
        ]
        self._done = sorted(found, key=lambda one: one.answered)
        self._words: dict[int, tuple[list[Any], list[str], Any, str]] = {}

    def __len__(self) -> int:
        return len(self._done)

    def at(self, seq: int) -> dict[str, Any]:
        """Shelves with what lies there by this run's doing, and its reads, the newest first."""
        shelves: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        reads: list[dict[str, Any]] = []
        count = 0
        for entry in self._done:
            if entry.answered > seq:
                break
            count += 1
            self._take(entry, entry.answered == seq, shelves, reads)
        return {
            "count": count,
            "all": len(self._done),
            "shelves": [
                {
                    "kind": kind,
                    "namespace": short(namespace),
                    "size": len(items),
                    "items": list(items.values())[-_ITEMS:],
                }
                for (kind, namespace), items in shelves.items()
            ],
            "reads": reads[: -_ITEMS - 1 : -1],
        }

    def _take(
        self,
        entry: Entry,
        fresh: bool,
        shelves: dict[tuple[str, str], dict[str, dict[str, Any]]],
        reads: list[dict[str, Any]],
    ) -> None:
        _, kind, verb, *_ = [*entry.name.split("."), "", ""]
        args, lines, output, answer = self._read(entry)
        if not args or not isinstance(args[0], str):
            return
        items = shelves.setdefault((kind, args[0]), {})
        name = str(args[1]) if len(args) > 1 else ""
        if verb in _PUTS:
            key = output if kind in ("episodic", "semantic") and isinstance(output, str) else name
            items.pop(key, None)  # what was put last stands last
            shown = "" if kind == "semantic" else short(name)
            value = lines[1] if kind == "semantic" else lines[2] if len(lines) > 2 else ""
            items[key] = {"name": shown, "line": value, "seq": entry.seq, "fresh": fresh, "tried": None}
        elif verb == "reinforce":
            one = items.setdefault(name, {"name": short(name), "line": "", "seq": entry.seq, "tried": None})
            good, bad = one["tried"] or (0, 0)
            well = bool(args[2]) if len(args) > 2 else True
            one |= {"tried": (good + well, bad + (not well)), "fresh": fresh}
        elif verb in _DROPS:
            items.pop(name, None)
            for key in [key for key, one in items.items() if kind == "semantic" and one["line"] in lines[1:]]:
                del items[key]
        elif verb == "clear":
            items.clear()
        else:
            what = lines[1] if len(lines) > 1 and args[1] is not None else ""
            reads.append({"kind": kind, "verb": verb, "what": what, "line": answer, "seq": entry.seq, "fresh": fresh})
        if not items:
            del shelves[kind, args[0]]

    def _read(self, entry: Entry) -> tuple[list[Any], list[str], Any, str]:
        """Arguments, their lines, the answer and its line; decoded once."""
        known = self._words.get(entry.seq)
        if known is None:
            given = entry.input
            lines = [str(node.get("line", "")) for _, node in entry.outline("input", levels=1).get("children", [])]
            known = list(given.args), [short(line, _LINE) for line in lines], entry.output, entry.line("output", _LINE)
            self._words[entry.seq] = known
        return known
