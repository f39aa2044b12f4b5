"""Code versions: a run keeps the notebook functions it started with; data and live counters stay shared."""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import weakref
from typing import Any

import pytest

from agnt5.execution.code import pin, set_source_provider, snapshot
from cells import Notebook


class Component:
    """As a decorator makes one: holds a function, is called by name."""

    def __init__(self, fn: Any) -> None:
        functools.update_wrapper(self, fn, updated=())
        self.fn = fn


@pytest.fixture
def notebook() -> Notebook:
    return Notebook(Component=Component)


def test_a_redefined_helper_does_not_reach_a_run_in_flight(notebook: Notebook) -> None:
    notebook.cell("def helper(): return 'old'\ndef flow(): return helper()")
    pinned = pin(notebook["flow"])
    notebook.cell("def helper(): return 'new'")
    assert pinned() == "old"
    assert notebook["flow"]() == "new"
    assert pin(notebook["flow"])() == "new"


def test_nothing_changed_is_the_same_version(notebook: Notebook) -> None:
    notebook.cell("LIMIT = 3\ndef helper(): return LIMIT\ndef flow(): return helper()")
    first = pin(notebook["flow"])
    assert pin(notebook["flow"]) is first
    notebook.cell("unrelated = 1")
    assert pin(notebook["flow"]) is first
    notebook.cell("LIMIT = 4")
    second = pin(notebook["flow"])
    assert second is not first
    assert (first(), second()) == (3, 4)


def test_helpers_are_reached_through_everything(notebook: Notebook) -> None:
    notebook.cell(
        """
def leaf(): return "old"
def middle(): return leaf()
component = Component(leaf)
def make():
    inner = leaf
    def closed(): return inner()
    return closed
closed = make()
def default(helper=leaf, *, keyword=leaf): return helper(), keyword()
def in_comprehension(): return [leaf() for _ in range(2)]
def nested():
    def deep(): return leaf()
    return deep()
def flow(): return middle(), component.fn(), closed(), default(), in_comprehension(), nested()
"""
    )
    pinned = pin(notebook["flow"])
    expected = pinned()
    notebook.cell("def leaf(): return 'new'\ncomponent = Component(leaf)")
    assert pinned() == expected == ("old", "old", "old", ("old", "old"), ["old", "old"], "old")


def test_a_component_is_pinned_as_a_component(notebook: Notebook) -> None:
    notebook.cell("def helper(): return 'old'\n@Component\ndef flow(): return helper()")
    original = notebook["flow"]
    pinned = pin(original)
    notebook.cell("def helper(): return 'new'")
    assert type(pinned) is Component
    assert pinned.__name__ == "flow"
    assert pinned.__wrapped__ is pinned.fn
    assert (pinned.fn(), original.fn()) == ("old", "new")
    assert pin(original).fn() == "new"


def test_components_called_by_a_flow_are_pinned_with_it(notebook: Notebook) -> None:
    notebook.cell(
        "def helper(): return 'old'\n@Component\ndef step(): return helper()\ndef flow(call): return call(step)"
    )
    pinned = pin(notebook["flow"])
    notebook.cell("def helper(): return 'new'\n@Component\ndef step(): return 'newest'")
    assert pinned(lambda step: step.fn()) == "old"


def test_recursion_meets_its_own_version(notebook: Notebook) -> None:
    notebook.cell(
        "def even(n): return True if n == 0 else odd(n - 1)\ndef odd(n): return False if n == 0 else even(n - 1)"
    )
    pinned = pin(notebook["even"])
    notebook.cell("def odd(n): return 'new'\ndef even(n): return 'new'")
    assert pinned(10) is True


def test_data_is_shared_by_reference(notebook: Notebook) -> None:
    notebook.cell("seen = []\ndef flow():\n    seen.append(1)\n    return seen")
    pinned = pin(notebook["flow"])
    assert pinned() is notebook["seen"]
    notebook.cell("seen = ['another']")
    assert pinned() == [1, 1]


def test_globals_that_code_rebinds_stay_alive(notebook: Notebook) -> None:
    notebook.cell(
        "n = 0\ndef count():\n    global n\n    n += 1\n    return n\ndef flow():\n    count()\n    return n, count()"
    )
    pinned = pin(notebook["flow"])
    assert pinned() == (1, 2)
    assert notebook["n"] == 2
    assert pin(notebook["flow"]) is pinned, "a counter is no new version"


def test_cells_that_code_rebinds_stay_alive(notebook: Notebook) -> None:
    notebook.cell(
        """
def make():
    handler = lambda: "first"
    def swap():
        nonlocal handler
        handler = lambda: "second"
    def flow():
        swap()
        return handler()
    return flow
flow = make()
"""
    )
    assert pin(notebook["flow"])() == "second"


def test_names_defined_later_are_found(notebook: Notebook) -> None:
    notebook.cell("def flow(): return later()")
    pinned = pin(notebook["flow"])
    with pytest.raises(NameError, match="later"):
        pinned()
    notebook.cell("def later(): return 'here'")
    assert pinned() == "here"
    assert pin(notebook["flow"]) is not pinned


def test_builtins_annotations_and_coroutines_work(notebook: Notebook) -> None:
    notebook.cell(
        "async def helper(x: int) -> int: return len(str(x))\n"
        "async def flow(x: int = 10) -> int:\n    'doc'\n    import math\n    return await helper(x) + math.floor(1.5)"
    )
    pinned = pin(notebook["flow"])
    assert asyncio.run(pinned()) == 3
    assert asyncio.iscoroutinefunction(pinned)
    assert pinned.__doc__ == "doc"
    assert pinned.__annotations__ == {"x": int, "return": int}
    assert pinned.__qualname__ == "flow"


def test_a_decorator_of_a_library_is_seen_through(notebook: Notebook) -> None:
    notebook.names["cached"] = _library_decorator
    notebook.cell("def helper(): return 'old'\n@cached\ndef step(): return helper()\ndef flow(): return step()")
    pinned = pin(notebook["flow"])
    notebook.cell("def helper(): return 'new'")
    assert pinned() == "old"
    assert pin(notebook["flow"])() == "new"


def _library_decorator(fn: Any) -> Any:
    @functools.wraps(fn)
    def wrapper() -> Any:
        return fn()

    return wrapper


def test_wraps_does_not_hand_on_a_version(notebook: Notebook) -> None:
    notebook.cell("def inner(): return 'inner'")
    pin(notebook["inner"])
    notebook.names["wraps"] = functools.wraps
    notebook.cell("@wraps(inner)\ndef outer(): return 'outer'")
    assert pin(notebook["outer"])() == "outer"


def test_code_of_modules_is_not_pinned() -> None:
    assert pin(_library_decorator) is _library_decorator
    assert pin(len) is len
    assert pin(asyncio.sleep) is asyncio.sleep


def test_versions_are_forgotten_with_their_function(notebook: Notebook) -> None:
    class Data:
        pass

    data = Data()
    notebook.names["data"] = data
    notebook.cell("def flow(): return data")
    pin(notebook["flow"])
    snapshot(notebook["flow"])
    gone = weakref.ref(data)
    notebook.cell("def flow(): return 1\ndata = None")
    del data
    gc.collect()
    assert gone() is None


# snapshots


def sources(component: Any) -> dict[str, str | None]:
    records = json.loads(snapshot(component).source_json)
    return {record["name"]: record["source"] for record in records if "source" in record}


def constants(component: Any) -> dict[str, str]:
    records = json.loads(snapshot(component).source_json)
    return {record["name"]: record["value"] for record in records if "value" in record}


def test_a_snapshot_holds_the_source_of_what_is_reached(notebook: Notebook) -> None:
    notebook.cell("def helper(): return 'old'\n", with_source=True)
    notebook.cell("@Component\ndef flow(): return helper()\n", with_source=True)
    first = snapshot(notebook["flow"])
    assert len(first.digest) == 16
    assert sources(notebook["flow"]) == {
        "flow": "@Component\ndef flow(): return helper()\n",
        "helper": "def helper(): return 'old'\n",
    }
    assert snapshot(notebook["flow"]) is first
    notebook.cell("def helper(): return 'new'\n", with_source=True)
    second = snapshot(notebook["flow"])
    assert second.digest != first.digest
    notebook.cell("def helper(): return 'old'\n", with_source=True)
    assert snapshot(notebook["flow"]).digest == first.digest


def test_a_snapshot_holds_the_constants_that_are_read(notebook: Notebook) -> None:
    notebook.cell(
        "PROMPT, LIMITS, RATIO = 'Be brief.', (1, True), 0.5\n"
        "TABLE, LIST, NOTHING, counted = {}, [], None, 0\n"
        "KEY, LONG = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc', 'x' * 20_000\n"
        "def counts():\n    global counted\n    counted += 1\n"
        "def helper(): return LIMITS, RATIO, KEY, LONG, __name__\n"
        "def flow(): return PROMPT, TABLE, LIST, NOTHING, counted, helper, counts\n"
    )
    first = snapshot(notebook["flow"])
    assert constants(notebook["flow"]) == {"PROMPT": '"Be brief."', "LIMITS": '{"~tuple":[1,true]}', "RATIO": "0.5"}
    notebook.cell("PROMPT = 'Be kind.'")
    assert constants(notebook["flow"])["PROMPT"] == '"Be kind."'
    assert snapshot(notebook["flow"]).digest != first.digest
    notebook.cell("PROMPT = 'Be brief.'")
    assert snapshot(notebook["flow"]).digest == first.digest


def test_what_may_be_a_credential_is_no_constant(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_DATABASE", "kept to itself")
    monkeypatch.setenv("LANGUAGE_HERE", "en")
    notebook.cell(
        "import os\n"
        "DATABASE, PLACES = os.environ['MY_DATABASE'], ('here', os.environ['MY_DATABASE'].encode())\n"
        "API_KEY, password, DATABASE_URL = 'hunter2', 'hunter3', 'postgres://ada:hunter4@db'\n"
        "MAX_TOKENS, LANGUAGE = 500, os.environ['LANGUAGE_HERE']\n"
        "def flow(): return DATABASE, PLACES, API_KEY, password, DATABASE_URL, MAX_TOKENS, LANGUAGE\n"
    )
    assert constants(notebook["flow"]) == {"MAX_TOKENS": "500", "LANGUAGE": '"en"'}


def test_without_source_the_bytecode_tells_versions_apart(notebook: Notebook) -> None:
    notebook.cell("def flow(): return 1 in {'b', 'a'}")
    first = snapshot(notebook["flow"])
    assert sources(notebook["flow"]) == {"flow": None}
    notebook.cell("\n\ndef flow(): return 1 in {'b', 'a'}")
    assert snapshot(notebook["flow"]).digest == first.digest
    notebook.cell("def flow(): return 2 in {'b', 'a'}")
    assert snapshot(notebook["flow"]).digest != first.digest


def test_a_provider_is_asked_first(notebook: Notebook) -> None:
    notebook.cell("def flow(): return 1\n", with_source=True)
    assert sources(notebook["flow"]) == {"flow": "def flow(): return 1\n"}
    set_source_provider(lambda function: f"%%time\n{function.__name__}")
    try:
        assert sources(notebook["flow"]) == {"flow": "%%time\nflow"}
    finally:
        set_source_provider(None)
    assert sources(notebook["flow"]) == {"flow": "def flow(): return 1\n"}


def test_a_snapshot_stays_inside_the_users_package() -> None:
    found = sources(_uses_others)
    assert set(found) == {"_uses_others", "_library_decorator"}
    assert snapshot(len) == (b"", b"")


def _uses_others() -> Any:
    return json.dumps(functools.reduce(_library_decorator, []))
