"""Runs turned into tests: they run in a process of their own, pass, and fail when the flow's code has changed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

import agnt5
from agnt5 import Agent, ConfigurationError, Context, DivergenceError, Run, flow, function
from agnt5.llm import ScriptedLLM, create
from agnt5.testing import assert_replays, load_app, write_test
from calling import Call
from cli.conftest import app, cli  # noqa: F401  (fixtures)

ROOT = Path(__file__).parents[2]


def run_pytest(test: Path, **environment: str) -> tuple[int, str]:
    """Exit code and output, in a fresh process that stands in the project's directory."""
    plugin = [] if entry_points(group="pytest11", name="agnt5") else ["-p", "agnt5.testing.plugin"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", *plugin, str(test)]
    known = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    known.pop("AGNT5_MODEL", None)
    answer = subprocess.run(command, capture_output=True, text=True, env=known, cwd=test.parents[1], timeout=60)
    return answer.returncode, answer.stdout + answer.stderr


def passes(test: Path) -> bool:
    code, told = run_pytest(test)
    assert code == 0, told
    return "1 passed" in told


MODULE = """
from agnt5 import Context, flow

def price(item: str) -> int:
    print("priced", item)
    return len(item)

@flow(name="bill of items")
async def bill(ctx: Context, items: list[str]) -> int:
    return sum([await ctx.call(price, item) for item in items])
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's directory with a package, which is on the path and in which one works."""
    package = tmp_path / "shop_of_tests"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "bills.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("shop_of_tests")]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def recorded(project: Path) -> Run:
    run = import_module("shop_of_tests.bills").bill.start(["tea", "pot"], run_id="r_bill")
    assert run.result() == 6
    return run


def test_a_component_of_a_module_is_imported_from_there(project: Path) -> None:
    run = recorded(project)
    made = write_test(run.journal)
    assert made.test == Path("tests/test_bill_of_items.py")
    assert str(made).endswith("run it with: pytest tests/test_bill_of_items.py")
    text = made.test.read_text()
    assert "sys.path.insert(0, str(HERE.parent))  # where shop_of_tests.bills lies" in text
    assert "from shop_of_tests.bills import bill  # noqa: E402" in text
    assert str(project) not in text, "a project may be moved"
    assert oct(made.journal.stat().st_mode & 0o777) == "0o600"
    moved = project / "moved"
    (project / "tests").rename(moved)
    test = moved / made.test.name
    assert passes(test)
    module = project / "shop_of_tests/bills.py"
    module.write_text(MODULE.replace("for item in items", "for item in reversed(items)"))
    code, told = run_pytest(test)
    assert code == 1
    assert "DivergenceError: at entry 1: recorded was step \"price\" with ('tea')" in told
    assert "flowreplay.py" not in told, "the test's own line is what is shown"
    module.write_text(MODULE.replace("return len(item)", "return 0"))
    assert passes(test), "results are the journal's"


SCRIPT = """
from dataclasses import dataclass
from agnt5 import Context, flow

@dataclass
class Order:
    item: str

def price(order: Order) -> int:
    return len(order.item)

@flow
async def ordered(ctx: Context, order: Order) -> int:
    return await ctx.call(price, order)

if __name__ == "__main__":
    ordered.start(Order("tea"), run_id="r_ordered").result()
"""


def test_the_command_line_writes_tests_of_scripts_with_their_classes(app: Path, cli: Call) -> None:  # noqa: F811
    script = app.with_name("ordering.py")
    script.write_text(SCRIPT)
    subprocess.run([sys.executable, script], check=True, timeout=60)
    assert "name the code to test with --app" in cli("test", "-1").err
    answer = cli("test", "-1", "--app", "ordering.py", "--to", "checks/")
    assert answer.code == 0, answer.err
    test = app.with_name("checks") / "test_ordered.py"
    assert "checks/test_ordered.py" in answer.out
    assert "from ordering import ordered" in test.read_text()
    assert passes(test)
    again = cli("test", "-1", "--app", "ordering.py", "--to", "checks")
    assert (again.code, again.err.count("\n")) == (1, 1)
    assert "'checks/test_ordered.py' is there already" in again.err
    assert cli("test", "-1", "--app", "ordering.py", "--to", "checks", "--force", "--json").code == 0
    script.write_text(SCRIPT.replace("ctx.call(price, order)", 'ctx.call(price, order, name="cost")'))
    code, told = run_pytest(test)
    assert code == 1
    assert 'recorded was step "price"' in told
    assert 'the code asked for step "cost"' in told
    refused = cli("test", "-1", "--app", "ordering.py", "--to", "other/")
    assert "The code of now does not replay r_ordered, so a test of it would fail from the start" in refused.err
    assert not app.with_name("other").exists()


# What is replayed


async def test_a_journal_and_its_file_replay_as_the_run_does(tmp_path: Path) -> None:
    def twice(n: int) -> int:
        return 2 * n

    @flow(name="kept")
    async def kept(ctx: Context) -> int:
        return await ctx.call(twice, await ctx.call(twice, 1))

    @flow(name="kept")
    async def other(ctx: Context) -> int:
        return await ctx.call(twice, 1)

    run = kept.start()
    await run
    file = run.journal.save(tmp_path / "kept.agnt5")
    for what in (run, run.id, run.journal, file, agnt5.load_journal(file)):
        assert_replays(what, kept)
        with pytest.raises(DivergenceError, match="at entry 3"):
            assert_replays(what, other)
        with pytest.raises(DivergenceError):
            assert_replays(what)  # the one that was defined last
    with pytest.raises(ConfigurationError, match="is no component"):
        assert_replays(run, len)


async def test_agents_replay_and_are_asked_with_the_default_of_then(tmp_path: Path) -> None:
    bot = Agent("bot", "Be kind.", llm=ScriptedLLM(["hello"]))
    run = bot.start("hi")
    await run
    assert_replays(run.journal, bot)


@flow
async def signs(ctx: Context) -> Any:
    return await ctx.wait_for_event("signed")


@function
def adds(n: int) -> int:
    return n + 1


async def settled(run: Run, status: str) -> Run:
    while (now := run.status) != status:  # read once: it moves on between two reads
        assert not now.terminal, f"{run.id} ended: {now}"
        await asyncio.sleep(0.01)
    return run


async def test_what_can_be_no_test_is_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def refused(run: Run, says: str, **how: Any) -> None:
        with pytest.raises(ConfigurationError, match=says) as raised:
            write_test(run.journal, **how)
        assert "\n" not in str(raised.value)
        assert sorted(tmp_path.iterdir()) == []

    added = adds.start(1)
    await added
    refused(added, "adds is no flow")

    async def waits() -> None:
        await asyncio.Event().wait()

    @flow
    async def inner(ctx: Context) -> None:
        await ctx.call(waits)

    run = inner.start()
    await settled(run, "running")
    refused(run, "is running: its journal is still being written")
    run.cancel()
    await settled(run, "cancelled")
    refused(run, "define it at the top level of a module")

    waiting = await settled(signs.start(), "waiting")
    refused(waiting, r"a file that ends in \.py", to="test_signs.txt")
    (tmp_path / "elsewhere").touch()
    (tmp_path / "test_signs.py").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="no ordinary file"):
        write_test(waiting.journal, "test_signs.py", force=True)


async def test_a_run_that_waits_is_tested_as_far_as_it_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = await settled(signs.start(), "waiting")
    made = write_test(run.journal, "test_signs.py")
    assert_replays(made.journal, signs)
    run.cancel()


# Code of scripts


def test_a_file_is_loaded_as_main_without_what_it_does_as_a_script(tmp_path: Path) -> None:
    main = sys.modules["__main__"]
    script = tmp_path / "some script.py"
    script.write_text(SCRIPT + '\nif "__main__" == __name__:\n    raise SystemExit\nelse:\n    LOADED = __name__\n')
    load_app(script, as_main=True)
    loaded: Any = sys.modules["__main__"]
    assert loaded is not main
    assert loaded.LOADED == "__main__"
    assert loaded.Order.__module__ == "__main__"
    with pytest.raises(ConfigurationError, match="there is no such file"):
        load_app(tmp_path / "none.py", as_main=True)


def test_what_a_test_loads_ends_with_it() -> None:
    assert "LOADED" not in vars(sys.modules["__main__"])
    assert not any("some script" in str(getattr(module, "__file__", "")) for module in [sys.modules["__main__"]])


AGENT = """
from agnt5 import Agent

clerk = Agent("clerk", "Be kind.", max_tokens=5)
"""


def test_an_agent_is_asked_with_the_model_that_was_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pretends(ScriptedLLM):
        """A model of a provider, as far as a journal can tell."""

        provider = "openai"

    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(create._known, "openai/of-tests", Pretends(["hello"], model="of-tests"))
    monkeypatch.setenv("AGNT5_MODEL", "openai/of-tests")
    (tmp_path / "clerks_of_tests.py").write_text(AGENT)
    load_app(tmp_path / "clerks_of_tests.py")
    run = sys.modules["clerks_of_tests"].clerk.start("hi")
    assert str(run.result()) == "hello"
    made = write_test(run.journal)
    assert 'monkeypatch.setenv("AGNT5_MODEL", "openai/of-tests")  # the default then' in made.test.read_text()
    assert passes(tmp_path / made.test)
    (tmp_path / "clerks_of_tests.py").write_text(AGENT.replace("kind", "brief"))
    code, told = run_pytest(tmp_path / made.test)
    assert code == 1
    assert 'recorded was step "chat"' in told
