"""--app with a notebook: definitions are executed, everything that could start work is not."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agnt5.cli.usercode import load_app
from agnt5.errors import ConfigurationError


@pytest.fixture(autouse=True)
def main_module_restored() -> Iterator[None]:
    main, path = sys.modules["__main__"], list(sys.path)
    yield
    sys.modules["__main__"], sys.path[:] = main, path


def notebook(directory: Path, *cells: str) -> str:
    path = directory / "work.ipynb"
    written = [{"cell_type": "code", "source": cell.splitlines(keepends=True), "outputs": []} for cell in cells]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": written}))
    return str(path)


def loaded() -> dict[str, object]:
    return vars(sys.modules["__main__"])


def test_definitions_are_there_and_runs_are_not_started(tmp_path: Path) -> None:
    app = notebook(
        tmp_path,
        "%load_ext agnt5_jupyter\nfrom pathlib import Path",
        "LIMIT = 3\nplace = Path('x')",
        "def double(n):\n    return n * LIMIT",
        "started = double(2)\nprint('never')\nawaited = await double(3)",
        "%%bash\nrm -rf everything",
    )
    load_app(app)
    assert loaded()["double"](2) == 6  # type: ignore[operator]
    assert loaded()["place"] == Path("x")
    assert "started" not in loaded()
    assert "awaited" not in loaded()


def test_a_definition_that_needs_left_out_code_is_refused(tmp_path: Path) -> None:
    app = notebook(tmp_path, "rows = load()", "def count():\n    return len(rows)")
    with pytest.raises(ConfigurationError, match=r"'rows', which .*cell 1\] makes by running code"):
        load_app(app)


def test_a_local_name_is_not_a_missing_global(tmp_path: Path) -> None:
    app = notebook(tmp_path, "rows = load()", "def count():\n    rows = [1]\n    return len(rows)")
    load_app(app)
    assert loaded()["count"]() == 1  # type: ignore[operator]


def test_source_of_a_cell_is_found(tmp_path: Path) -> None:
    import inspect

    load_app(notebook(tmp_path, "def one():\n    return 1"))
    assert inspect.getsource(loaded()["one"]) == "def one():\n    return 1"  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "[]", '{"cells": 3}', "not json"])
def test_what_is_no_notebook_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="not a notebook"):
        load_app(str(path))


def test_files_and_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cli_app_module.py").write_text("VALUE = 4\nif __name__ == '__main__':\n    raise SystemExit('ran')\n")
    load_app(str(tmp_path / "cli_app_module.py"))
    assert sys.modules.pop("cli_app_module").VALUE == 4
    monkeypatch.chdir(tmp_path)
    load_app("cli_app_module")
    assert sys.modules.pop("cli_app_module").VALUE == 4


@pytest.mark.parametrize("app", ["no_such_module_here", "missing/file.py", "missing.ipynb"])
def test_missing_code_is_one_clear_error(app: str) -> None:
    with pytest.raises(ConfigurationError, match="there is no such (module|file)"):
        load_app(app)
