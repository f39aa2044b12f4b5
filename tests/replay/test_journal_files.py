"""Journal files: what is saved is loaded, elsewhere too, and a stranger's file is only data."""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agnt5
from agnt5 import ConfigurationError, Context, Journal, Status, StoreCorrupt, StoreTooNew, flow, load_journal
from replay.corpus import CORPUS, executed, fetch
from replay.playing import record


@dataclass
class Trap:
    """A class whose making would be noticed."""

    made = 0
    word: str

    def __setattr__(self, name: str, value: Any) -> None:
        Trap.made += 1
        object.__setattr__(self, name, value)


def seen(journal: Journal) -> list[tuple[Any, ...]]:
    return [
        (one.seq, one.path, one.kind, one.started, one.ended, one.due, one.attempts, one.error, one.logs)
        for one in journal
    ]


@pytest.mark.parametrize("name", CORPUS)
async def test_what_is_saved_is_loaded(name: str, tmp_path: Path) -> None:
    run = await record(CORPUS[name])
    path = run.journal.save(tmp_path / "run.agnt5")
    assert path == tmp_path / "run.agnt5"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    loaded = load_journal(path)
    assert seen(loaded) == seen(run.journal)
    assert (loaded.run_id, loaded.status, loaded.component) == (run.id, run.status, run.component)
    assert len(str(loaded).splitlines()) == len(str(run.journal).splitlines())
    assert os.listdir(tmp_path) == ["run.agnt5"], "nothing is left beside it"


@pytest.mark.parametrize("name", CORPUS)
async def test_a_loaded_journal_replays_on_the_caller_s_word(name: str, tmp_path: Path) -> None:
    run = await record(CORPUS[name])
    loaded = load_journal(run.journal.save(tmp_path / "run.agnt5"))
    executed.clear()
    with run.replay() as own, loaded.replay(code=CORPUS[name].component) as replay:
        assert len(replay) == len(own)
        assert replay.run_to_end().state == own.run_to_end().state
        assert replay.source == own.source
        assert [one.locals for one in replay.frames] == [one.locals for one in own.frames]
    assert set(executed) <= {"finally"}


@flow
async def reads_two(ctx: Context) -> list[str]:
    one = await ctx.call(fetch, "a")
    return [one, await ctx.call(fetch, one)]


async def test_a_loaded_journal_runs_no_code_by_itself(tmp_path: Path) -> None:
    run = reads_two.start()
    await run
    loaded = load_journal(run.journal.save(tmp_path / "run.agnt5"))
    replay = loaded.replay().step()
    assert replay.frames == ()
    assert replay.entry is not None
    assert replay.entry.output == "<a>"
    assert "trust=True" in replay.source, "it says what to do to see frames"
    trusted = loaded.replay(trust=True).step()
    assert trusted.divergence is None
    assert trusted.locals["one"] == "'<a>'"


async def test_no_class_is_made_of_what_a_file_holds(tmp_path: Path) -> None:
    async def gives(trap: Trap) -> Trap:
        return trap

    async def fails(trap: Trap) -> None:
        raise OSError(trap)

    @flow
    async def traps(ctx: Context, trap: Trap) -> None:
        await ctx.call(gives, trap)
        try:
            await ctx.call(fails, trap)
        except OSError as error:
            await ctx.state.set("error", error)

    run = traps.start(Trap("word"))
    await run
    path = run.journal.save(tmp_path / "run.agnt5")
    Trap.made = 0
    loaded = load_journal(path)
    shown = [repr(loaded.input), *(repr((one.input, one.output, one.error)) for one in loaded)]
    assert Trap.made == 0
    assert "Trap" in shown[0]
    assert "word" in shown[1], "what it held can be read all the same"
    assert not any(isinstance(one.input, OSError) for one in loaded)
    assert run.journal.input.args[0] == Trap("word"), "a journal of one's own store gives values"


async def test_damage_and_other_files_are_told(tmp_path: Path) -> None:
    run = await record(CORPUS["in_sequence"])
    path = run.journal.save(tmp_path / "run.agnt5")
    whole = path.read_bytes()

    path.write_bytes(whole[:-10])
    with pytest.raises(StoreCorrupt, match="its checksum does not match") as damaged:
        load_journal(path)
    assert str(path) in str(damaged.value)
    path.write_bytes(whole[:6] + b"\x63" + whole[7:])
    with pytest.raises(StoreTooNew, match="format version 99"):
        load_journal(path)
    path.write_bytes(b"SQLite format 3\x00")
    with pytest.raises(StoreCorrupt, match="no journal file of agnt5"):
        load_journal(path)
    with pytest.raises(ConfigurationError, match="no file"):
        load_journal(tmp_path / "nothing")
    with pytest.raises(ConfigurationError, match="no ordinary file"):
        load_journal(tmp_path)


async def test_links_are_not_followed(tmp_path: Path) -> None:
    run = await record(CORPUS["in_sequence"])
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "link").symlink_to(victim)
    with pytest.raises(ConfigurationError, match="symbolic link"):
        run.journal.save(tmp_path / "link")
    assert victim.read_text() == "precious"
    with pytest.raises(ConfigurationError, match="symbolic link"):
        load_journal(tmp_path / "link")
    with pytest.raises(ConfigurationError, match="no directory"):
        run.journal.save(tmp_path / "missing" / "run.agnt5")


async def test_only_an_older_journal_file_is_replaced(tmp_path: Path) -> None:
    first, second = await record(CORPUS["in_sequence"]), await record(CORPUS["gathered"])
    path = tmp_path / "run.agnt5"
    path.touch()  # as `mktemp` makes one
    first.journal.save(path)
    second.journal.save(path)
    assert load_journal(path).run_id == second.id
    other = tmp_path / "thesis.txt"
    other.write_text("precious")
    with pytest.raises(ConfigurationError, match=r"thesis.txt' is there already and is no journal file"):
        first.journal.save(other)
    assert other.read_text() == "precious"


async def test_an_interrupted_save_leaves_the_older_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await record(CORPUS["in_sequence"])
    path = run.journal.save(tmp_path / "run.agnt5")
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        run.journal.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["run.agnt5"]


async def test_a_running_run_is_saved_as_far_as_it_is(tmp_path: Path) -> None:
    @flow
    async def waits(ctx: Context) -> str:
        first = await ctx.call(fetch, "a")
        return first + await ctx.wait_for_event("go on")

    run = waits.start()
    while len(run.journal) < 2:
        await asyncio.sleep(0.01)
    loaded = load_journal(run.journal.save(tmp_path / "run.agnt5"))
    assert loaded.status in (Status.RUNNING, Status.WAITING)
    assert loaded.replay(code=waits).run_to_end().locals["first"] == "'<a>'"
    agnt5.send_event("go on", "!")
    await run


async def test_a_fork_is_saved_whole(tmp_path: Path) -> None:
    run = await record(CORPUS["in_sequence"])
    fork = run.fork(at=3, outputs={"fetch#2": "<other>"})
    await fork
    loaded = load_journal(fork.journal.save(tmp_path / "fork.agnt5"))
    run.delete()
    assert seen(loaded) == seen(fork.journal)
    assert loaded.find("fetch#2").given


async def test_bytes_of_any_kind_are_data_or_an_error(tmp_path: Path) -> None:
    run = await record(CORPUS["in_sequence"])
    path = run.journal.save(tmp_path / "run.agnt5")
    whole = path.read_bytes()

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(whole) - 1), st.binary(max_size=12), st.booleans())
    def check(at: int, put: bytes, cut: bool) -> None:
        changed = whole[:at] + put + (b"" if cut else whole[at + len(put) :])
        path.write_bytes(changed)
        try:
            assert seen(load_journal(path)) == seen(run.journal), "only the same bytes pass"
            assert changed == whole
        except (StoreCorrupt, StoreTooNew):
            assert changed != whole

    check()


async def test_a_loaded_journal_that_diverges_advises_what_can_be_done_with_it(tmp_path: Path) -> None:
    @flow(name="brews")
    async def brews(ctx: Context) -> str:
        return await ctx.call(str.upper, "tea")

    @flow(name="brews")
    async def otherwise(ctx: Context) -> str:
        return await ctx.call(str.lower, "tea")

    run = brews.start()
    await run
    loaded = load_journal(run.journal.save(tmp_path / "run.agnt5"))
    told = str(loaded.replay(otherwise).run_to_end().divergence)
    assert "journal.replay(trust=True)" in told
    assert "run.fork" not in told
    assert "run.fork" in str(run.replay(otherwise).run_to_end().divergence)
