"""How a session is spread over processes, when pytest-xdist is asked for some: `scripts/test.sh` does.

A file's tests stay together, since they share kernels and programs; all browser tests are one unit, since they share a
server and a browser. The longest units come first: who begins with them is not waited for at the end.
"""

from __future__ import annotations

from pathlib import PurePath

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

LONGEST = (
    *("browser", "crash/test_kills.py", "replay/test_strangers_files.py", "scenarios/test_waiting_together.py"),
    *("agents/test_kills.py", "jupyter/test_kernels.py", "scenarios/test_python_versions.py", "agents/test_mcp.py"),
    *("scenarios/test_load.py", "durable/test_crashes.py", "flowloop/test_ending.py", "notebooks/test_stories.py"),
    *("llm/test_clients.py", "notebooks/test_ways_in.py", "flowloop/test_across_processes.py"),
)


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


def unit(nodeid: str) -> str:
    path = PurePath(nodeid.split("::", 1)[0])
    return str(path.parent if path.parent.name == "browser" else path)


def place(item: pytest.Item) -> int:
    """Where the item's unit belongs in the order of a session."""
    found = unit(item.nodeid).removeprefix("tests/")
    return LONGEST.index(found) if found in LONGEST else len(LONGEST)
