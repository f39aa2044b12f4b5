"""A run's journal as people read it: one entry per command, with what became of it.

It is folded from the stored entries and is a picture of the moment; reading it never runs code.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from agnt5 import tables
from agnt5.codec import decode_call, outline, read_failure
from agnt5.conversation import answer_of, conversation, message_line, question_of, said
from agnt5.entry import Arguments, Entry, arguments, edited_bytes, edited_text
from agnt5.fold import Fold
from agnt5.secret import mask
from agnt5.types import Status

if TYPE_CHECKING:
    from agnt5 import _core
    from agnt5.codec import Failure
    from agnt5.component import Component
    from agnt5.llm.types import Message
    from agnt5.replay.diff import Diff
    from agnt5.replay.replay import Replay

_WIDEST = 40


class Facts(NamedTuple):
    """What is known of a run beside its entries. Times are microseconds since 1970 (UTC), 0 for "not yet"."""

    status: Status
    created: int
    started: int
    ended: int
    reason: str
    tags: str
    version: str = ""  # of the package that saved it; empty when it was read from a store


class Journal(Sequence[Entry]):
    """The entries of one run, in order of their commands. `str(journal)` is a table."""

    # What the store or a file holds, completions and marks included: replays and comparisons read these.
    stored: list[_core.Entry]
    recording: _core.Recording

    def __init__(self, run_id: str, facts: Facts, entries: list[Entry], *, loaded: bool = False) -> None:
        self.run_id = run_id
        self.facts = facts
        # Whether it came from a file: then it is only data.
        self.loaded = loaded
        self.warnings: list[str] = []
        self.logs: list[tuple[str, datetime, str]] = []
        self.by_seq: dict[int, Entry] = {}
        self._entries = entries

    @classmethod
    def read(cls, reader: _core.Reader, row: _core.RunRow) -> Journal:
        """Fold what is stored of this run."""
        status = Status.from_code(row.status)
        facts = Facts(status, row.created, row.started, row.ended, row.reason, row.tags)
        return cls.of(reader.recording(row.id), facts)

    @classmethod
    def of(cls, recording: _core.Recording, facts: Facts, *, loaded: bool = False) -> Journal:
        """One entry per command out of the stored ones."""
        stored = recording.entries()
        fold = Fold(data_only=loaded)
        fold.add(stored)
        journal = cls(stored[0].run_id, facts, fold.entries, loaded=loaded)
        journal.stored = stored
        journal.recording = recording
        journal.by_seq = fold.by_seq
        journal.warnings = fold.warnings
        journal.logs = fold.logs
        return journal

    @property
    def component(self) -> str:
        """The component whose run this is."""
        return self.stored[0].component

    @property
    def status(self) -> Status:
        """Of its run, when it was read or saved."""
        return self.facts.status

    @property
    def input(self) -> Arguments:
        """The arguments its run was started with."""
        return arguments(self.stored[0].input, data_only=self.loaded)

    @property
    def input_json(self) -> str:
        """Those arguments as JSON that a person may edit and `input_from_json` reads: [positional, {name: value}]."""
        return edited_text(self.stored[0].input)

    def input_from_json(self, text: str) -> Arguments:
        """What such a text stands for; what `run.fork(input=...)` takes. SerializationError when it stands for none."""
        args, kwargs = decode_call(edited_bytes(text), classes=not self.loaded)
        return Arguments(tuple(args), kwargs)

    @property
    def failure(self) -> Failure | None:
        """How its run failed: class, message, traceback, cause. None when it did not, or not yet."""
        return read_failure(self._end()) if self.status is Status.FAILED else None

    def outline(self, path: Sequence[int] = (), **shown: int) -> dict[str, Any] | None:
        """The result of its run as a tree for people (see `agnt5.outline`); None when it has none."""
        return outline(self._end(), path, **shown) if self.status is Status.COMPLETED else None

    def _end(self) -> bytes:
        """The payload that its run ended with, b"" before."""
        return next((one.payload for one in reversed(self.stored) if one.body == "ended"), b"")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to one file that `agnt5.load_journal` reads, here or elsewhere."""
        from agnt5.journalfile import save

        return save(self, path)

    def replay(
        self, code: Component[..., Any] | Callable[..., Any] | str | None = None, *, trust: bool = False
    ) -> Replay:
        """Step through it; see `Run.replay`. A loaded journal runs no code unless `code` is given, or `trust` says to
        run the code that it brings."""
        from agnt5.replay.replay import replay_of

        return replay_of(self, code, trust)

    def diff(self, other: Journal) -> Diff:
        """Compare it, as the old one, with another; see `Run.diff`."""
        from agnt5.replay.diff import Diff

        return Diff(self, other)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def find(self, path: str) -> Entry:
        """The entry with this path. KeyError when there is none."""
        for entry in self._entries:
            if entry.path == path:
                return entry
        raise KeyError(path)

    @property
    def chats(self) -> list[Entry]:
        """The questions to models, in order."""
        return [entry for entry in self._entries if question_of(entry) is not None]

    def conversation(self, entry: Entry | int) -> list[Message]:
        """All messages of a question to a model (an entry or its seq), with the answer if it has come.

        A question records only what is new; this puts it together with what came before. ConfigurationError when the
        entry is no question, KeyError when there is no such seq.
        """
        return conversation(self, self.by_seq[entry] if isinstance(entry, int) else entry)

    def to_pandas(self) -> Any:
        """A DataFrame with a row per entry; `input` and `output` hold the values themselves. Needs pandas
        (`pip install agnt5[data]`)."""
        return tables.frame(tables.ENTRIES, map(tables.entry_row, self._entries))

    def to_arrow(self) -> Any:
        """An Arrow table with a row per entry: `input` and `output` are the JSON text that is recorded, `meta` is JSON,
        times are UTC. Needs pyarrow (`pip install agnt5[data]`)."""
        return tables.arrow_table(tables.ENTRIES, map(tables.recorded_row, self._entries))

    def __str__(self) -> str:
        heads = ("seq", "kind", "path", "input", "output", "tries", "took")
        rows = [heads, *(_cells(entry) for entry in self._entries)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
        lines = [
            "  ".join(
                cell.rjust(width) if column in (0, 5, 6) else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join(lines + [f"warning: {short(text, 120)}" for text in self.warnings])

    def __repr__(self) -> str:
        return f"<Journal of {self.run_id}: {len(self)} entries>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self) if cycle else str(self))


def _cells(entry: Entry) -> tuple[str, ...]:
    lasted = "" if entry.ended is None else took(entry.ended - entry.started)
    asked, output = _asked(entry), entry.output
    if entry.error:
        came = f"! {entry.error}"
    elif entry.ended is None:
        came = "..."
    else:
        answer = answer_of(entry) if question_of(entry) is not None else None
        came = said(answer) if answer is not None else "" if output is None else repr(output)
    if entry.unclaimed:
        came = f"unclaimed {came}"
    tries = str(entry.attempts) if entry.kind in ("step", "call") else ""
    path = "  " * entry.depth + (entry.path or entry.name)
    return (str(entry.seq), entry.kind, short(path), short(asked), short(came), tries, lasted)


def _asked(entry: Entry) -> str:
    question = question_of(entry)
    if question is not None and question["messages"]:
        return message_line(question["messages"][-1])
    given = entry.input
    return "" if given is None else str(given) if isinstance(given, Arguments) else repr(given)


# Messages of a conversation that are told before an entry.
_BEFORE = 8


def told_until(journal: Journal, entry: Entry | None, seq: int) -> list[str]:
    """What a person sees of a run that has no source to show, after the answer `seq` of `entry`: what was said to and
    by a model until then, and what was asked and answered since, or in this entry."""
    asked = [one for one in journal.chats if one.scope == 0 and 0 < one.answered <= seq]
    lines: list[str] = []
    if asked:
        messages = [message_line(one) for one in journal.conversation(asked[-1])]
        if len(messages) > _BEFORE:
            lines.append(f"  ... {len(messages) - _BEFORE} more before")
        lines += [f"  {short(line, 120)}" for line in messages[-_BEFORE:]]
    since = asked[-1].answered if asked else seq - 1
    for one in journal:
        if since < one.answered <= seq and (one.scope == 0 or one is entry):
            _, kind, path, given, came, *_ = _cells(one)
            lines.append(f"  {kind} {path.strip()} {given} → {came}")
    return lines


def took(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def inert(text: str) -> str:
    """With nothing in it that a terminal would obey; ends of lines and tabs stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


def short(text: str, widest: int = _WIDEST) -> str:
    """On one line, without credentials, and with nothing in it that a terminal would obey."""
    flat = "".join(c if c.isprintable() else repr(c)[1:-1] for c in mask(text[: widest * 4]))
    return flat if len(flat) <= widest else flat[: widest - 1] + "…"
