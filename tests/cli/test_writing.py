"""`event`, `cancel`, `pause`, `resume`, `prune`: through a busy owner's socket, and without an owner."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from calling import Call
from owning import owner


def status(cli: Call, run_id: str) -> str:
    return json.loads(cli("show", run_id, "--json").out)["status"]


def reaches(cli: Call, run_id: str, wanted: str) -> bool:
    deadline = time.monotonic() + 30
    while status(cli, run_id) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    return status(cli, run_id) == wanted


def test_a_busy_owner_takes_events_and_cancels(busy: Path, cli: Call) -> None:
    assert cli("event", "go", '{"ok": true}').code == 0
    assert reaches(cli, "r_asking", "completed")
    assert cli("cancel", "r_askmore").out == "asked r_askmore to stop\n"
    assert reaches(cli, "r_askmore", "cancelled")
    assert cli("cancel", "r_askmore").out == "r_askmore had ended already\n"


def test_an_event_for_a_dead_owner_is_kept_until_the_run_resumes(dead: Path, cli: Call) -> None:
    assert cli("event", "go", "42", "--run", "r_asking").code == 0
    assert cli("event", "other", "plain words").code == 0
    answer = cli("resume", "--app", str(dead))
    assert answer.code == 0, answer.err
    assert "r_asking completed: 'go: 42'" in answer.out
    assert "r_askmore completed: 'other: plain words'" in answer.out


def test_json_for_programs(busy: Path, cli: Call) -> None:
    sent = json.loads(cli("event", "go", "1", "--event-id", "e1", "--json").out)
    assert (sent["sent"], sent["event_id"]) == (True, "e1")
    assert json.loads(cli("pause", "r_askmore", "--json").out) == {"run": "r_askmore", "paused": True}
    resumed = json.loads(cli("resume", "r_askmore", "--json").out)
    assert resumed == [{"run": "r_askmore", "driven": "owner", "result": None, "error": None}]
    assert json.loads(cli("cancel", "r_askmore", "--json").out) == {"run": "r_askmore", "asked": True}


def test_resuming_here_tells_results_as_json(dead: Path, cli: Call) -> None:
    cli("event", "go", "1")
    cli("event", "other", "2")
    resumed = json.loads(cli("resume", "--app", str(dead), "--json").out)
    assert {one["run"]: one["result"] for one in resumed} == {"r_asking": "go: 1", "r_askmore": "other: 2"}


def test_resume_without_an_owner_needs_the_code(dead: Path, cli: Call) -> None:
    answer = cli("resume", "r_asking")
    assert answer.code == 1
    assert "name the code with --app" in answer.err


def test_the_same_event_id_is_dropped(dead: Path, cli: Call) -> None:
    assert "sent go" in cli("event", "go", "1", "--event-id", "e1").out
    assert "was sent before" in cli("event", "go", "1", "--event-id", "e1").out


def test_pause_keeps_a_run_from_going_on(busy: Path, cli: Call) -> None:
    assert cli("pause", "r_asking").code == 0
    assert reaches(cli, "r_asking", "paused")
    assert cli("resume", "r_asking").out == "r_asking goes on in the store's owner\n"
    assert reaches(cli, "r_asking", "waiting")


def test_prune_deletes_ended_runs_only(dead: Path, cli: Call) -> None:
    assert json.loads(cli("prune", "--older", "1d", "--json").out) == {"default": 0}
    assert cli("prune", "--older", "0s").out == "default: deleted 2 runs\n"
    assert {row["id"] for row in json.loads(cli("runs", "--json").out)} == {"r_asking", "r_askmore"}


def test_an_event_needs_one_store(app: Path, cli: Call) -> None:
    answer = cli("event", "go")
    assert answer.code == 1
    assert "there is no store" in answer.err


def test_resume_waits_for_what_another_process_drives(app: Path, cli: Call) -> None:
    (app.parent / "go").touch()
    with owner(app.parent) as other:
        threading.Timer(0.5, other.define).start()
        answer = cli("resume", "r_works", "--wait")
        assert (answer.code, answer.out) == (0, "r_works completed: 3\n"), answer.err
        assert "waiting for r_works, which the store's owner drives" in answer.err
        assert cli("resume", "--wait").out == "no interrupted runs\n"


def test_resume_that_waits_tells_errors_and_json(app: Path, cli: Call) -> None:
    with owner(app.parent) as other:
        other.define()
        threading.Timer(0.5, other.kill).start()
        answer = cli("resume", "-1", "--wait", "--json")
        assert answer.code == 1
        (told,) = json.loads(answer.out)
        assert (told["driven"], told["result"]) == ("owner", None)
        assert "was interrupted: its process went away" in told["error"]
