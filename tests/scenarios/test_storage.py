"""Disks that are full or damaged, stores that somebody else owns or changes: what a program with runs sees of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

import agnt5
from agnt5 import Context, flow
from agnt5.runtime import close_runtime, get_runtime
from scenarios.processes import lines, play


def test_a_full_disk_stops_runs_and_room_brings_them_back(tmp_path: Path) -> None:
    said = lines(
        play(
            tmp_path,
            """
            import resource
            def limit(size):
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            def big(n):
                print("body", n)
                return os.urandom(200_000)
            @flow
            async def fills(ctx: Context):
                return [len(await ctx.call(big, n)) for n in range(5)]
            agnt5.runs()
            limit(600_000)
            run = fills.start(run_id="f1")
            try:
                run.result(20)
            except agnt5.StoreFull as error:
                print(type(error).__name__, error)
            print(run.status)
            done = len([entry for entry in run.journal if entry.ended])
            limit(resource.RLIM_INFINITY)
            for _ in range(10):
                try:
                    result = run.result(20)
                    break
                except agnt5.StoreFull:
                    continue  # an attempt that began before there was room
            print(done, result)
            """,
        )
    )
    full = next(line for line in said if line.startswith("StoreFull"))
    assert str(tmp_path / ".agnt5" / "default") in full
    assert "bytes" in full
    done, result = said[-1].split(" ", 1)
    assert result == str([200_000] * 5)
    # Only the step whose result found no room was executed a second time.
    again = [line for line in set(said) if said.count(line) > 1]
    assert again == [f"body {done}"]


def test_a_newer_store_is_refused_and_the_versions_are_named() -> None:
    directory = Path(get_runtime().directory)
    close_runtime()
    with sqlite3.connect(directory / "journal.db") as db:
        ours = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute("PRAGMA user_version = 999")
    with pytest.raises(agnt5.StoreTooNew, match=f"999.*{ours}"):
        get_runtime()


def test_a_damaged_store_takes_no_more_and_what_is_whole_can_be_read(tmp_path: Path) -> None:
    body = """
        def big(n):
            return os.urandom(3000)
        @flow
        async def fills(ctx: Context):
            return sum([len(await ctx.call(big, n)) for n in range(300)])
        @flow
        async def small(ctx: Context):
            return 1
        """
    assert lines(play(tmp_path, f'{body}\n        print(fills.start(run_id="f1").result(60))')) == ["900000"]
    database = tmp_path / ".agnt5" / "default" / "journal.db"
    with sqlite3.connect(database) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with database.open("r+b") as file:
        pages = file.seek(0, 2) // 4096
        for page in range(pages * 3 // 10, pages * 7 // 10):
            file.seek(page * 4096)
            file.write(b"\xaa" * 512)
    said = lines(
        play(
            tmp_path,
            f"""{body}
        print([run.id for run in agnt5.runs()])
        for what in (lambda: len(agnt5.get_run("f1").journal), lambda: small.start().result(20)):
            try:
                print(what())
            except agnt5.StoreCorrupt as error:
                print("StoreCorrupt", "damaged" in str(error))
        print([run.id for run in agnt5.runs()])
        """,
        )
    )
    assert said[:2] == ["['f1']", "StoreCorrupt True"]
    assert "f1" in said[-1]


def test_a_second_owner_hears_who_the_first_is_and_reads(tmp_path: Path) -> None:
    said = lines(
        play(
            tmp_path,
            """
            import subprocess
            @flow
            async def waits(ctx: Context):
                return await ctx.wait_for_event("go")
            run = waits.start(run_id="w1")
            other = '''
            import agnt5
            from agnt5.runtime import get_runtime
            try:
                get_runtime()
            except agnt5.StoreLocked as error:
                print(error.pid, str(error.pid) in str(error), [run.id for run in agnt5.runs()])
            '''
            import textwrap
            print(os.getpid())
            subprocess.run([sys.executable, "-c", textwrap.dedent(other)], check=True)
            """,
            PYTHONUNBUFFERED="1",
        )
    )
    assert said[1] == f"{said[0]} True ['w1']"


def test_the_users_own_sqlite_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """Closing any descriptor of the file drops the process's POSIX locks; then another program tidies up."""
    said = lines(
        play(
            tmp_path,
            """
            import sqlite3, subprocess
            def one(n):
                return n
            @flow
            async def counts(ctx: Context, first):
                return [await ctx.call(one, n) for n in range(first, first + 5)]
            assert counts.start(0, run_id="c0").result(20)
            file = agnt5.settings().store_directory / "journal.db"
            acknowledged = ["c0"]
            for n in range(1, 6):
                sqlite3.connect(file).execute("select count(*) from runs").connection.close()
                open(file, "rb").close()
                tidy = f"import sqlite3; db = sqlite3.connect({str(file)!r}); db.execute('pragma wal_checkpoint')"
                subprocess.run([sys.executable, "-c", tidy], check=True)
                try:
                    counts.start(n, run_id=f"c{n}").result(20)
                    acknowledged.append(f"c{n}")
                except agnt5.StoreHijacked as error:
                    break
            print(*acknowledged)
            """,
        )
    )
    kept = lines(play(tmp_path, 'print(*(run.id for run in reversed(agnt5.runs(status="completed"))))'))
    assert set(said[0].split()) <= set(kept[0].split())


async def test_a_store_that_vanishes_acknowledges_nothing_more() -> None:
    @flow
    async def waits(ctx: Context) -> object:
        return await ctx.wait_for_event("go")

    waits.start()
    directory = Path(get_runtime().directory)
    directory.rename(directory.with_name("moved"))
    with pytest.raises(agnt5.StoreHijacked):
        agnt5.send_event("go", 1)
