"""A hundred thousand runs that sleep until the same moment: little memory, bounded batches, none forgotten."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from scenarios.conftest import SLEEPERS, Start


def test_a_hundred_thousand_sleepers_need_little_memory_and_wake_together(
    sleepers: subprocess.Popen[str], start_sleepers: Start
) -> None:
    said = _said(sleepers)
    if "too early" in said:  # a slow machine needs longer to put them all to bed
        said = _said(start_sleepers(8))
    assert said["completed"] == SLEEPERS
    assert said["late enough"]
    assert said["entries"] == [4], "started, a sleep, its end, the end"
    assert said["megabytes"] < 500
    assert said["live asleep"] == 0, "who sleeps is not in memory"
    assert said["most live"] < 5_000, "delivered in bounded batches"


def _said(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate()
    assert process.returncode == 0, err
    return json.loads(out)
