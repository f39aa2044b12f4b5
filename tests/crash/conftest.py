"""Says at the end of a session how many processes were really killed."""

from __future__ import annotations

from collections import Counter

import pytest

KILLS = pytest.StashKey[Counter[str]]()


@pytest.fixture(scope="session")
def kills(pytestconfig: pytest.Config) -> Counter[str]:
    """Count a kill here, by its point."""
    return pytestconfig.stash.setdefault(KILLS, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counted = config.stash.get(KILLS, None)
    if counted:
        terminalreporter.write_line(f"{counted.total()} processes killed with SIGKILL at {len(counted)} named points")
