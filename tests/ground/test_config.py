"""Where a setting comes from, and what happens to a wrong one."""

from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agnt5 import config
from agnt5.config import configure, find_home, settings, store_directory
from agnt5.errors import ConfigurationError
from agnt5.notebook import safe_name


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    import os

    for name in [name for name in os.environ if name.startswith("AGNT5_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.chdir(tmp_path)
    config.reset()
    yield
    config.reset()


class Shell:
    def __init__(self, **namespace: Any) -> None:
        self.user_ns = namespace


def in_notebook(monkeypatch: pytest.MonkeyPatch, **namespace: Any) -> None:
    module = types.ModuleType("IPython")
    module.get_ipython = lambda: Shell(**namespace)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", module)


def test_the_defaults(tmp_path: Path) -> None:
    found = settings()
    assert found.home == tmp_path / ".agnt5"
    assert (found.store, found.runtime, found.model) == ("default", None, None)
    assert (found.durability, found.recover, found.redact, found.max_concurrency) == ("full", "auto", "mask", 1000)
    assert found.store_directory == tmp_path / ".agnt5" / "default"
    assert not found.home.exists()  # looking creates nothing


def test_explicit_wins_over_environment_over_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNT5_MODEL", "a/b")
    assert settings().model == "a/b"
    assert configure(model="c/d").model == "c/d"
    assert configure(store="mine").model == "c/d"  # earlier calls are kept
    assert configure(model=None).model == "a/b"
    monkeypatch.delenv("AGNT5_MODEL")
    assert settings().model is None
    assert settings().store == "mine"


def test_every_variable_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = {
        "AGNT5_HOME": str(tmp_path / "h"),
        "AGNT5_STORE": "s",
        "AGNT5_RUNTIME_ENDPOINT": "http://localhost:8081",
        "AGNT5_MODEL": "p/m",
        "AGNT5_LOG_LEVEL": "debug",
        "AGNT5_SERVICE_NAME": "svc",
        "AGNT5_SERVICE_VERSION": "1.2",
        "AGNT5_DEV_MODE": "true",
        "AGNT5_HOT_RELOAD": "1",
        "AGNT5_TRACE_ENABLED": "yes",
        "AGNT5_METRICS_ENABLED": "On",
        "AGNT5_TRACE_CONTENT": "1",
        "AGNT5_DURABILITY": "process",
        "AGNT5_RECOVER": "ask",
        "AGNT5_MAX_CONCURRENCY": "7",
        "AGNT5_REDACT": "refuse",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert settings() == config.Settings(
        home=tmp_path / "h",
        store="s",
        runtime="http://localhost:8081",
        model="p/m",
        log_level="DEBUG",
        service_name="svc",
        service_version="1.2",
        dev_mode=True,
        hot_reload=True,
        trace_enabled=True,
        metrics_enabled=True,
        trace_content=True,
        durability="process",
        recover="ask",
        max_concurrency=7,
        redact="refuse",
    )


def test_an_empty_variable_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNT5_DURABILITY", "")
    monkeypatch.setenv("AGNT5_HOME", "")
    assert settings().durability == "full"
    assert settings().home.name == ".agnt5"


def test_home_is_the_nearest_one_upward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".agnt5").mkdir()
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert find_home() == tmp_path / ".agnt5"
    (tmp_path / "a" / ".agnt5").mkdir()
    assert find_home() == tmp_path / "a" / ".agnt5"
    monkeypatch.setenv("AGNT5_HOME", "elsewhere")
    assert find_home() == inner / "elsewhere"
    assert find_home("given") == inner / "given"
    assert configure(home=tmp_path / "set").home == tmp_path / "set"
    assert find_home("~/x") == Path.home() / "x"


def test_a_file_called_like_a_home_is_none(tmp_path: Path) -> None:
    (tmp_path / ".agnt5").write_text("")
    assert find_home() == tmp_path / ".agnt5"


def test_in_a_notebook_the_store_is_named_after_it_and_runs_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "/somewhere/work/My analysis (2).ipynb")
    assert settings().store == "default"  # a script started from a notebook inherits the variable
    in_notebook(monkeypatch)
    assert settings().store == "My-analysis-2"
    assert settings().recover == "ask"
    in_notebook(monkeypatch, __vsc_ipynb_file__="c:\\work\\Other.ipynb")
    assert settings().store == "Other"
    monkeypatch.setenv("AGNT5_STORE", "chosen")
    monkeypatch.setenv("AGNT5_RECOVER", "auto")
    assert (settings().store, settings().recover) == ("chosen", "auto")


def test_in_plain_ipython_the_store_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    in_notebook(monkeypatch)
    assert (settings().store, settings().recover) == ("default", "ask")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b/c.ipynb", "c"),
        ("../../.ipynb", None),
        ("..", None),
        ("", None),
        ("Übung 1.ipynb", "bung-1"),
        ("日本.ipynb", "notebook-c7b7cdcc"),
        ("x" * 300 + ".ipynb", "x" * 80),
        ("a;rm -rf.ipynb", "a-rm-rf"),
    ],
)
def test_names_of_notebooks_are_made_fit_for_directories(path: str, name: str | None) -> None:
    assert safe_name(path) == name
    if name is not None:
        assert store_directory(Path("/h"), name) == Path("/h") / name


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("AGNT5_DURABILITY", "most", "full, process"),
        ("AGNT5_RECOVER", "never", "auto, ask"),
        ("AGNT5_REDACT", "no", "mask, refuse"),
        ("AGNT5_LOG_LEVEL", "loud", "DEBUG, INFO"),
        ("AGNT5_MAX_CONCURRENCY", "many", "whole number"),
        ("AGNT5_MAX_CONCURRENCY", "0", "whole number"),
        ("AGNT5_DEV_MODE", "perhaps", "true, false"),
        ("AGNT5_STORE", "../x", "letters, digits"),
        ("AGNT5_RUNTIME_ENDPOINT", "localhost", "http://localhost:8081"),
        ("AGNT5_MODEL", "gpt-5", "provider/name"),
        ("AGNT5_MODEL", "openai/", "provider/name"),
    ],
)
def test_a_bad_variable_is_named_with_what_it_may_be(
    variable: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=f"^{variable} must .*{allowed}") as caught:
        settings()
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"durability": "none"},
        {"max_concurrency": 0},
        {"max_concurrency": True},
        {"store": ".hidden"},
        {"store": "a/b"},
        {"store": ""},
        {"home": 3},
        {"runtime": 1.5},
        {"model": 5},
        {"model": "gpt-5"},
        {"dev_mode": "x"},
    ],
    ids=str,
)
def test_a_bad_argument_changes_nothing(arguments: dict[str, Any]) -> None:
    before = settings()
    with pytest.raises(ConfigurationError, match=rf"^configure\({next(iter(arguments))}=\)"):
        configure(service_name="other", **arguments)
    assert settings() == before


def test_an_unknown_setting_lists_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match="no setting 'durable'.*durability"):
        configure(durable=True)


def test_a_runtime_may_be_an_address_a_config_or_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    given = types.SimpleNamespace(runtime_endpoint="http://r:1")
    assert configure(runtime=given).runtime is given
    monkeypatch.setenv("AGNT5_RUNTIME_ENDPOINT", "http://localhost:8081")
    assert configure(runtime="embedded").runtime is None
    assert configure(runtime=None).runtime == "http://localhost:8081"


def test_once_a_runtime_is_open_its_settings_stay() -> None:
    configure(store="first")
    release = config.hold("a runtime is open on the store first")
    with pytest.raises(ConfigurationError, match="store, durability because a runtime is open on the store first"):
        configure(store="second", durability="process", model="x/y")
    assert settings().model is None
    assert configure(store="first", model="x/y").model == "x/y"  # the same value is no change
    release()
    release()
    assert configure(store="second").store == "second"


def test_asking_imports_nothing_heavy() -> None:
    program = "import sys, agnt5.config as c; c.settings(); print('IPython' in sys.modules, 'msgspec' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).split()[0] == "False"
