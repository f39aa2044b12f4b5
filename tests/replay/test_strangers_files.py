"""Journal files with right checksums and wrong contents: refused in a sentence, or readable as data to the end."""

from __future__ import annotations

import contextlib
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agnt5
from agnt5 import Context, Journal, StoreCorrupt, StoreTooNew, flow, load_journal
from replay.corpus import CORPUS, executed
from replay.crafting import CHANGES, sealed, taken_apart
from replay.playing import record

NAMES = ("everything_at_once", "object_calls", "events", "keeps_state", "some_fail", "retries", "values_of_classes")


FACTS = ("input", "output", "error", "started", "ended", "due", "attempts", "logs", "meta", "failed_tries", "path")


def looked_at(journal: Journal, other: Journal, component: Any) -> None:
    """All that a person may do with a journal."""
    str(journal)
    for entry in journal:
        for fact in (*FACTS, "digest", "fingerprint", "reused", "given", "child_id"):
            getattr(entry, fact)
    for fact in ("input", "component", "status", "warnings", "logs"):
        getattr(journal, fact)
    journal.to_pandas()
    for diff in (journal.diff(other), other.diff(journal)):
        str(diff)
        diff.to_dict()
    for code in (None, component):
        with journal.replay(code) as replay:
            str(replay.run_to_end())
            str(replay.reset())
            for fact in ("frames", "locals", "state", "changed", "outcome", "entry"):
                getattr(replay, fact)


@pytest.mark.parametrize("name", NAMES)
async def test_contents_of_any_kind_are_data_or_an_error(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = await record(CORPUS[name])
    fork = run.fork(at=len(run.journal.stored) // 2, inflight="reuse")
    with contextlib.suppress(agnt5.RunFailed):
        await fork
    path = run.journal.save(tmp_path / "run.agnt5")
    files = [path.read_bytes(), fork.journal.save(path).read_bytes()]
    whole = load_journal(path)
    head, pages = taken_apart(files[1])
    assert taken_apart(sealed(head, pages)) == (head, pages)
    executed.clear()
    capfd.readouterr()
    number, byte = st.integers(0, 1 << 16), st.integers(0, 255)
    change = st.tuples(st.sampled_from(CHANGES), number, number, byte)

    @settings(max_examples=120, suppress_health_check=list(HealthCheck))
    @given(st.booleans(), st.lists(change, min_size=1, max_size=4))
    def check(of_fork: bool, changes: list[Any]) -> None:
        head, pages = taken_apart(files[of_fork])
        for how, which, at, to in changes:
            page = pages[which % len(pages)]
            place = which % len(page)
            page[place] = how(page[place], at, to) or b"\0"
        path.write_bytes(sealed(head, pages))
        try:
            journal = load_journal(path)
        except (StoreCorrupt, StoreTooNew):
            return
        looked_at(journal, whole, CORPUS[name].component)

    check()
    assert set(executed) <= {"finally"}
    assert capfd.readouterr() == ("", "")


async def test_a_head_of_any_kind_is_data_or_an_error(tmp_path: Path) -> None:
    run = await record(CORPUS["in_sequence"])
    path = run.journal.save(tmp_path / "run.agnt5")
    whole, (head, pages) = load_journal(path), taken_apart(path.read_bytes())

    bytes_to_try = cycle((0, 69, 128, 255))
    for how in CHANGES:
        for at in range(len(head)):
            path.write_bytes(sealed(how(head, at, next(bytes_to_try)), pages))
            with contextlib.suppress(StoreCorrupt, StoreTooNew):
                looked_at(load_journal(path), whole, CORPUS["in_sequence"].component)


async def test_nothing_in_a_file_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    red = "\x1b[31mred\x1b]0;mine\x07\u202e"

    @flow(name="paints")
    async def paints(ctx: Context, colour: str) -> str:
        await ctx.state.set(red + "state", colour)
        first = await ctx.call(str.upper, colour, name=red)
        return await ctx.call(str.lower, first)

    run = paints.start(red)
    await run
    fork = run.fork(outputs={red: red})
    await fork
    rerun = run.rerun(always=[red])
    await rerun
    loaded = load_journal(run.journal.save(tmp_path / "run.agnt5"))

    @flow(name="paints")
    async def otherwise(ctx: Context, colour: str) -> str:
        return await ctx.call(str.lower, colour, name=red + "other")

    walks = [loaded.replay().run_to_end(), run.replay(code=paints).step(), run.replay(code=otherwise)]
    shown = [
        *(text for one in (loaded, run.diff(fork), rerun.reused, *walks) for text in (str(one), repr(one))),
        *(str(walk.divergence) for walk in walks),
        walks[0].outcome,
        str(run.plan_fork(outputs={red: 1})),
        str(agnt5.check(otherwise)),
    ]
    printer = Printer()
    for one in (loaded, run.diff(fork), rerun.reused, walks[0], run.plan_fork(at=1), agnt5.check(otherwise)):
        one._repr_pretty_(printer, False)
    for text in [*shown, *printer.texts]:
        assert all(character.isprintable() or character in "\n\t" for character in text), ascii(text)
    assert printer.texts[0] == str(loaded), "what a cell shows is what print shows"


class Printer:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def text(self, text: str) -> None:
        self.texts.append(text)
