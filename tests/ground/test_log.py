"""Logging: once, to the current standard error, without credentials."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from agnt5.errors import ConfigurationError
from agnt5.log import logger, parse_level, setup_logging

KEY = "sk-proj-abcDEF1234567890abcdef"


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), logger.level
    yield
    root.handlers[:] = handlers
    logger.setLevel(level)


def test_lines_are_masked_and_never_doubled(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("info")
    setup_logging("info")
    logger.info("key %s", KEY)
    logger.debug("not shown")
    logging.getLogger("agnt5.child").warning("from below")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" ")[2] for line in lines] == ["INFO agnt5: key ********", "WARNING agnt5.child: from below"]


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("DEBUG", json=True)
    try:
        raise ValueError(KEY)
    except ValueError:
        logger.exception("failed", extra={"run_id": "r_1", "odd": object})
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["logger"], line["message"], line["run_id"]) == ("ERROR", "agnt5", "failed", "r_1")
    assert line["time"].endswith("+00:00")
    assert "ValueError: ********" in line["exception"]


def test_the_level_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNT5_LOG_LEVEL", "error")
    setup_logging()
    assert logger.level == logging.ERROR
    setup_logging(logging.DEBUG)
    assert logger.level == logging.DEBUG


def test_the_record_itself_is_untouched(caplog: pytest.LogCaptureFixture) -> None:
    setup_logging("info")
    logger.info("key %s", KEY)
    assert caplog.records[-1].getMessage() == f"key {KEY}"


def test_an_unknown_level_lists_those_there_are() -> None:
    assert parse_level("warning") == logging.WARNING
    with pytest.raises(ConfigurationError, match="DEBUG, INFO, WARNING, ERROR, CRITICAL"):
        setup_logging("loud")


def test_a_warning_is_seen_without_any_set_up(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().handlers[:] = []
    logger.info("not asked for")
    logger.warning("a body blocks the host loop")
    assert capsys.readouterr().err == "a body blocks the host loop\n"
