"""Every example is a program that ends well and prints what its text promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

EXPECTED = {
    "first_flow": [r"^coat$", r"fetch", r"describe"],
    "parallel": [r"^514$"],
    "counter_object": [r"^30\n35\n1$"],
    "approval": [r"^spring issue: published \(Ada\)$"],
    "retries": [r"worked at attempt 3", r"the backup answered", r"^primary was tried 2 times$"],
    "word_atlas": [r"process \d+ ended with -9", r"recorded, resuming", r"Executed again: 0\.", r"read zipfile"],
}


def run_example(name: str, home: Path) -> str:
    environment = os.environ | {"AGNT5_HOME": str(home), "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(
        [sys.executable, str(ROOT / f"examples/{name}.py")],
        capture_output=True,
        text=True,
        env=environment,
        cwd=home,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_every_example_is_listed() -> None:
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_example(name: str, tmp_path: Path) -> None:
    printed = run_example(name, tmp_path)
    for pattern in EXPECTED[name]:
        assert re.search(pattern, printed, re.MULTILINE), f"{pattern!r} is not in:\n{printed}"


def test_the_shop_of_agents_workflows_and_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGNT5_MODEL", raising=False)
    printed = run_example("agnt5-python-bench/main", tmp_path)
    for line in (
        "order A-200 is sent, with a candle; 160.00 euros were paid",
        "a person agrees: refund {'order': 'A-100', 'amount': 40}",
        "A-100 was: unknown, reserved, sent, refunded",
        "only a technician may replace. Bo will come.",
    ):
        assert line in printed, printed
    folders = ROOT / "examples/agnt5-python-bench"
    for name in ("agents/customer_service", "agents/technical_support", "workflows/order_processing"):
        assert (folders / f"{name}.py").is_file()
    for name in ("workflows/issue_resolution", "objects/customer_session", "objects/order_tracker"):
        assert (folders / f"{name}.py").is_file()
