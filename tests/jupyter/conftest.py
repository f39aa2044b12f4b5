"""A shell with the extension loaded, in this process."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import agnt5

Magic = Callable[..., Any]


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "agnt5_jupyter")
    yield shell
    shell.run_line_magic("unload_ext", "agnt5_jupyter")
    InteractiveShell.clear_instance()
    # At exit each shell would collect all garbage of this process, a second or two for each of these tests.
    atexit.unregister(shell.atexit_operations)
    agnt5.configure(outputs=None, model=None)


@pytest.fixture
def cell(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Run a cell and get what it showed; an error that is no mistake in words is raised."""

    def run(text: str) -> str:
        capsys.readouterr()
        result = shell.run_cell(text)
        shown = capsys.readouterr()
        if "UsageError" not in shown.err:
            result.raise_error()
        return shown.out + shown.err

    return run
