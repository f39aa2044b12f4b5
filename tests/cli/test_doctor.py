"""`agnt5 doctor` and `--help`: what a person reads first when something is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from agnt5.cli import doctor
from calling import Call


def test_doctor_names_versions_stores_and_platforms(dead: Path, cli: Call) -> None:
    answer = cli("doctor")
    assert answer.code == 0, answer.err
    for words in ("python", "agnt5", "core", "sqlite", "Linux", "Darwin", "Windows"):
        assert words in answer.out
    for words in ("store default", "nobody", "all is well"):
        assert words in answer.out


def test_doctor_as_json_names_the_living_owner(busy: Path, cli: Call) -> None:
    report = json.loads(cli("doctor", "--json").out)
    assert report["problems"] == []
    assert report["stores"][0]["owner"]["pid"] > 0
    assert report["versions"]["sqlite"].startswith("3.")


def test_a_damaged_store_is_a_problem(dead: Path, cli: Call) -> None:
    store = Path(json.loads(cli("doctor", "--json").out)["stores"][0]["directory"])
    for path in store.glob("journal.db-*"):
        path.unlink()
    (store / "journal.db").write_bytes(b"this is no database" * 1000)
    answer = cli("doctor")
    assert answer.code == 1
    assert "problem" in answer.out
    assert "checks failed" in answer.err


def test_file_system_of_a_directory(tmp_path: Path) -> None:
    if sys.platform == "linux":
        assert doctor.file_system(tmp_path)
        assert doctor.file_system(Path("/proc")) == "proc"


def test_help_and_version_in_a_process_of_their_own() -> None:
    command = [sys.executable, "-m", "agnt5.cli", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for command in ("runs", "show", "event", "cancel", "pause", "resume", "prune", "doctor"):
        assert f"  {command} " in shown
    assert "Exit codes" in shown
