"""A run that lives in two processes is one trace, made once; each process measures what it ran."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

PROGRAM = [sys.executable, str(Path(__file__).with_name("program.py"))]


def test_a_killed_run_is_one_trace_without_doubles(tmp_path: Path) -> None:
    environment = os.environ | {"AGNT5_HOME": str(tmp_path / "home")}
    first = subprocess.Popen([*PROGRAM, "begin"], stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path)
    assert first.stdout is not None
    try:
        begun = json.loads(first.stdout.readline())
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
        first.stdout.close()
    assert begun["early"] == [], "spans are made when a run ends"
    second = subprocess.run(
        [*PROGRAM, "resume"], capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120
    )
    assert second.returncode == 0, second.stderr
    told = json.loads(second.stdout)
    assert told["result"] == "answer"
    spans = told["spans"]
    assert sorted(span["name"] for span in spans) == ["asking", "chat script", "chat script", "note", "wait_for_event"]
    assert {span["trace"] for span in spans} == {begun["trace"]}, "the caller's trace, of the process that was killed"
    root = next(span for span in spans if span["name"] == "asking")
    assert root["parent"] == begun["id"]
    assert all(span["parent"] == root["id"] for span in spans if span is not root)
    assert told["metrics"]["gen_ai.client.operation.duration"] == [1], "only the chat that ran here is measured here"
