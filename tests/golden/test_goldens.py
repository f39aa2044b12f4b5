"""Stores and files of every format version from the first: they open, tell what they told, replay, and go on."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import agnt5
from agnt5 import Status
from agnt5.cli import main
from golden import flows
from golden.make import HOME, remember, told

ROOT = Path(__file__).parents[2]
STORES = sorted(HOME.glob("store-*.db"))
FILES = sorted(HOME.glob("file-*.agnt5"))


@pytest.fixture(params=STORES, ids=lambda path: path.stem)
def golden(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A copy of the store is this test's own; what its runs told when they were recorded."""
    directory = Path(os.environ["AGNT5_HOME"]) / "default"
    directory.mkdir(parents=True, mode=0o700)
    shutil.copyfile(request.param, directory / "journal.db")
    return json.loads(request.param.with_suffix(".json").read_text(encoding="utf-8"))


def constant(path: str, name: str) -> int:
    found = re.search(rf"{name}: \w+ = (\d+)", (ROOT / path).read_text(encoding="utf-8"))
    assert found is not None
    return int(found[1])


def newest_schema() -> int:
    migrations = re.search(
        r"MIGRATIONS: &\[&str\] = &\[([^\]]*)\]", (ROOT / "core/store/src/sqlite/schema.rs").read_text()
    )
    assert migrations is not None
    return len([one for one in migrations[1].split(",") if one.strip()])


def test_every_version_has_its_golden() -> None:
    newest = newest_schema()
    segments = constant("core/journal/src/segment.rs", "SEGMENT_VERSION")
    # Segments lie inside of stores: a new version of theirs has a store that holds it.
    wanted = {f"store-{number}" for number in range(1, newest + 1)}
    wanted |= {f"store-{newest}-segments-{number}" for number in range(2, segments + 1)}
    assert {path.stem for path in STORES} == wanted, "see golden/make.py"
    files = constant("core/journal/src/portable.rs", "PORTABLE_VERSION")
    assert {path.stem for path in FILES} == {f"file-{one}" for one in range(1, files + 1)}, "see golden/make.py"


def test_a_store_tells_what_it_told(golden: list[dict[str, Any]]) -> None:
    agnt5.configure(recover="ask")
    try:
        assert without_attempts(told()) == without_attempts(golden)
    finally:
        agnt5.config.reset()


def without_attempts(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A run that waited is interrupted by the end of its process, and waits again."""
    return [one | {"status": "waiting" if one["status"] in ("running", "pending") else one["status"]} for one in found]


def test_its_values_are_values_again(golden: list[dict[str, Any]]) -> None:
    assert agnt5.get_run("g_steps").result(10) == [flows.weigh("tea"), flows.weigh("pot")]
    assert agnt5.get_run("g_steps").tags == {"golden": "yes"}
    assert agnt5.get_run("g_fails").input.args == (flows.Parcel("vase", 2.5, ("glass",)),)
    assert agnt5.get_run("g_retries").journal[0].attempts == 3
    assert len(agnt5.get_run("g_nested").result(10)[3:]) == 1
    with pytest.raises(agnt5.RunFailed, match="this one failed"):
        agnt5.get_run("g_fails").result(10)


def test_its_flows_replay(golden: list[dict[str, Any]]) -> None:
    report = agnt5.check()
    assert report.ok, str(report)
    assert len(report) >= 9
    with agnt5.get_run("g_steps").replay() as replay:
        assert replay.goto(4).locals["ctx"]
        assert "Parcel(item='tea'" in replay.run_to_end().back().locals["parcels"]


def test_its_waiting_runs_go_on(golden: list[dict[str, Any]]) -> None:
    agnt5.send_event("go ada", "went")
    assert agnt5.get_run("g_waits").result(30) == "ADA went"
    paused = agnt5.get_run("g_paused")
    assert paused.status == Status.PAUSED
    paused.resume()
    agnt5.send_event("go bob", "too")
    assert paused.result(30) == "BOB too"


def test_its_runs_are_forked_and_rerun(golden: list[dict[str, Any]]) -> None:
    run = agnt5.get_run("g_steps")
    fork = run.fork(outputs={"weigh#2": flows.Parcel("jug", 9.0)})
    assert fork.result(30)[1] == flows.Parcel("jug", 9.0)
    assert run.rerun().result(30) == run.result(10)


async def test_its_memory_is_there_and_goes_on(golden: list[dict[str, Any]], request: pytest.FixtureRequest) -> None:
    memory = flows.memory()
    if request.node.callspec.id != "store-1" and request.node.callspec.id != "store-2":  # those had none
        assert await memory.working.keys() == ["key 0", "key 1", "key 2"]
        assert await memory.working.get("key 1") == flows.Parcel("cup", 0.5, ("1",))
        assert [one.data["n"] for one in await memory.episodic.recall(query="kirchgasse")] == [2, 1, 0]
        (fact,) = await memory.semantic.search("who is in Lyon", k=2)
        assert (fact.text, fact.data) == ("Ada lives in Lyon", {"since": 2019})
        assert fact.similarity is not None
        (procedure,) = await memory.procedural.recall("deliver a parcel")
        assert (procedure.steps, procedure.successes) == (["ring", "wait"], 1)
    await remember()
    assert (await memory.episodic.recall(query="kirchgasse", limit=1))[0].data["n"] == 2
    assert (await memory.procedural.reinforce("deliver", False)).failures == 1


def test_looking_at_an_old_store_brings_it_up_to_date(
    golden: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {one["id"] for one in listed} == {one["id"] for one in golden}
    with closing(sqlite3.connect(Path(os.environ["AGNT5_HOME"]) / "default" / "journal.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (newest_schema(),)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_tells_what_it_told(path: Path) -> None:
    journal = agnt5.load_journal(path)
    assert journal.component == "golden.nested"
    assert [one.path for one in journal][:3] == ["golden.collect", "golden.collect/weigh", "golden.collect/weigh#2"]
    with journal.replay(code=flows.nested) as replay:
        assert replay.run_to_end().divergence is None
        assert replay.at_end
