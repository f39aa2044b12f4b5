"""The guide to notebooks names verbs and flags that exist, and all of them."""

from __future__ import annotations

import re
from pathlib import Path

from agnt5_jupyter.verbs import verbs

GUIDE = (Path(__file__).parents[2] / "docs/guides/notebooks.md").read_text(encoding="utf-8")


def test_every_verb_is_told_of() -> None:
    text = GUIDE.replace("`, `", "`, `%agnt5 ")  # "`%agnt5 show ID`, `watch ID`"
    told = set(re.findall(r"%agnt5 ([a-z]+)", text)) | set(re.findall(r"; `?([a-z]+) ", text))
    assert set(verbs()) - told == set()


def test_every_flag_exists() -> None:
    known = {flag for verb in verbs().values() for flag in verb.parser().flags} | {"--help"}
    assert set(re.findall(r"--[a-z][a-z-]*", GUIDE)) - known == set()


def test_the_story_runs(shell, cell) -> None:  # type: ignore[no-untyped-def]
    define, run = re.findall(r"^```\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    cell(define)
    cell(run)
    assert shell.user_ns["tea"].result() == 90
