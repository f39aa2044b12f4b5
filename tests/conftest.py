"""What every test of this repository shares: the pytest plugin of the package, and the list of what a run left out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import agnt5.testing.plugin
import killed
import spread

# No test is timed, and none depends on what an earlier run found.
settings.register_profile("agnt5", deadline=None, database=None)
settings.load_profile("agnt5")

_left_out: set[str] = set()


def pytest_configure(config: pytest.Config) -> None:
    # Installed, the plugin came in by its entry point; with the sources on PYTHONPATH it has not.
    if not config.pluginmanager.is_registered(agnt5.testing.plugin):
        config.pluginmanager.register(agnt5.testing.plugin, "agnt5")
    config.pluginmanager.register(killed)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=spread.place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> spread.ByFile:
    return spread.ByFile(config, log)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _left_out.add(f"{report.nodeid} ({reason})")


def pytest_deselected(items: list[pytest.Item]) -> None:
    _left_out.update(f"{item.nodeid} (deselected)" for item in items)


def pytest_sessionfinish() -> None:
    """scripts/test.sh prints this file's lines as its last line."""
    if path := os.environ.get("AGNT5_LEFT_OUT"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in sorted(_left_out))
