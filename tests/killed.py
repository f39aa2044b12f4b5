"""Says at the end of a session how many processes were really killed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

KILLS = pytest.StashKey[Counter[str]]()


def _counter(config: pytest.Config) -> Counter[str]:
    return config.stash.setdefault(KILLS, Counter())


@pytest.fixture(scope="session")
def kills(pytestconfig: pytest.Config) -> Counter[str]:
    """Count a kill here, by its point."""
    return _counter(pytestconfig)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """One of several processes tells the first one its count."""
    told: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["kills"] = dict(_counter(session.config))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    _counter(node.config).update(getattr(node, "workeroutput", {}).get("kills", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counted = _counter(config)
    if counted:
        terminalreporter.write_line(f"{counted.total()} processes killed with SIGKILL at {len(counted)} named points")
