"""`agnt5 runs` and `agnt5 show`: what they list, how a run is named, how errors read."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from calling import Call


def test_runs_lists_newest_first(dead: Path, cli: Call) -> None:
    code, out, _ = cli("runs")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["ID", "COMPONENT", "STATUS", "CREATED", "TOOK", "NOTE"]
    assert [line.split()[0] for line in lines[1:]] == ["r_askmore", "r_asking", "r_failed", "r_doubled"]


def test_runs_as_json(dead: Path, cli: Call) -> None:
    listed = json.loads(cli("runs", "--json").out)
    assert [(row["id"], row["status"]) for row in listed[2:]] == [("r_failed", "failed"), ("r_doubled", "completed")]
    assert listed[0]["store"] == "default"
    assert listed[3]["ended"] >= listed[3]["created"]


def test_filters(dead: Path, cli: Call) -> None:
    assert [row["id"] for row in json.loads(cli("runs", "--json", "--component", "doubler").out)] == ["r_doubled"]
    assert [row["id"] for row in json.loads(cli("runs", "--json", "--status", "failed").out)] == ["r_failed"]
    assert [row["id"] for row in json.loads(cli("runs", "--json", "--limit", "1").out)] == ["r_askmore"]
    assert len(json.loads(cli("runs", "--json", "--since", "1h").out)) == 4
    assert "no runs in" in cli("runs", "--component", "nothing").out
    left = ("runs", "--json", "--status", "interrupted")
    assert [row["id"] for row in json.loads(cli(*left).out)] == ["r_askmore", "r_asking"]
    assert [row["id"] for row in json.loads(cli(*left, "--limit", "1").out)] == ["r_askmore"]
    assert [row["id"] for row in json.loads(cli(*left, "--component", "doubler").out)] == []


def test_show_by_prefix_and_by_position(dead: Path, cli: Call) -> None:
    shown = cli("show", "r_dou").out
    assert "r_doubled" in shown
    assert "double" in shown
    assert json.loads(cli("show", "-4", "--json").out)["id"] == "r_doubled"
    assert json.loads(cli("show", "--json", "-1").out)["id"] == "r_askmore"


def test_the_last_run_is_one_that_no_other_called(app: Path, cli: Call) -> None:
    (app.parent / "nested.py").write_text(
        "from agnt5 import flow\n"
        "@flow\nasync def inner(ctx): return 1\n"
        "@flow\nasync def outer(ctx): return await ctx.call(inner)\n"
        "if __name__ == '__main__': outer.start(run_id='r_outer').result()\n"
    )
    subprocess.run([sys.executable, "nested.py"], cwd=app.parent, check=True)
    assert json.loads(cli("show", "-1", "--json").out)["id"] == "r_outer"
    assert "there is no run -2" in cli("show", "-2").err
    child, root = json.loads(cli("runs", "--json").out)
    assert (root["id"], root["caller"], child["caller"], child["parent"]) == ("r_outer", None, "r_outer", None)
    assert cli("runs").out.count("called by r") == 1
    assert [row["id"] for row in json.loads(cli("runs", "--roots", "--json").out)] == ["r_outer"]


def test_show_as_json_has_the_entries(dead: Path, cli: Call) -> None:
    shown = json.loads(cli("show", "r_doubled", "--json").out)
    assert "double" in {entry["name"] for entry in shown["entries"]}


def test_recorded_escape_sequences_stay_inert(dead: Path, cli: Call) -> None:
    shown = cli("show", "r_failed").out
    assert "boom" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["show", "r_none"], 1, "no run starts with 'r_none'"),
        (["show", "r_ask"], 1, "fits several runs (r_ask"),
        (["show", "-9"], 1, "there is no run -9"),
        (["show"], 2, "Missing argument 'ID'"),
        (["shwo", "r_1"], 2, "No such command 'shwo'"),
        (["runs", "--since", "soon"], 2, "is no age"),
        (["runs", "--store", "elsewhere"], 1, "there is no store 'elsewhere'"),
    ],
)
def test_an_error_is_one_line_and_a_code(dead: Path, cli: Call, arguments: list[str], code: int, message: str) -> None:
    answer = cli(*arguments)
    assert answer.code == code
    assert answer.out == ""
    assert message in answer.err
    assert answer.err.count("\n") == 1


def test_an_empty_home_is_no_error(app: Path, cli: Call) -> None:
    assert cli("runs") == (0, f"no runs in {app.parent / '.agnt5'}\n", "")


def test_reading_works_beside_a_busy_owner(busy: Path, cli: Call) -> None:
    assert "r_asking" in cli("runs").out
    assert "waiting" in cli("show", "r_asking").out


def test_a_store_that_cannot_be_read_does_not_hide_the_others(dead: Path, cli: Call) -> None:
    home = dead.parent / ".agnt5"
    (home / "broken").mkdir()
    (home / "broken" / "journal.db").write_bytes(b"no database at all" * 1000)
    listed = cli("runs", "--json")
    assert listed.code == 0
    assert len(json.loads(listed.out)) == 4
    assert "left out: the store " in listed.err
    assert "broken is damaged" in listed.err
    assert cli("show", "r_doubled").code == 0
    assert cli("diff", "r_doubled", "r_failed").err.count("left out") == 1, (
        "said once, however many runs are looked for"
    )
    named = cli("runs", "--store", "broken")
    assert named.code == 1
    assert "is damaged" in named.err

    checked = cli("check", "--app", str(dead))
    assert "doubler: 1 of 1 recorded run replays" in checked.out
    assert "not checked: the store" in checked.err
    assert checked.code == 1, "what was not checked is not known to replay"
    told = json.loads(cli("check", "--app", str(dead), "--json").out)
    assert (told["default"]["ok"], told["broken"]["ok"]) == (True, False)
    assert "is damaged" in told["broken"]["error"]


def test_one_id_in_two_stores_is_told_apart_by_the_store(dead: Path, cli: Call) -> None:
    home = dead.parent / ".agnt5"
    (home / "copy").mkdir()
    shutil.copy(home / "default" / "journal.db", home / "copy")
    shutil.copy(home / "default" / "journal.db-wal", home / "copy")
    assert "name the store with --store" in cli("show", "r_doubled").err
    assert cli("show", "r_doubled", "--store", "copy").code == 0
