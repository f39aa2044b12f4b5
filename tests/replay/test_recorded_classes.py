"""A class of the user's belongs to the code of a run as its functions do: an edit of it is told, refused and undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from agnt5 import ConfigurationError, Context, DivergenceError, flow
from agnt5.execution.classsource import text_of_class
from agnt5.execution.code import snapshot
from agnt5.replay.source import functions_in
from cells import Notebook

CELL = '''
class Planner:
    """Asks twice."""
    words = ["one", "two"]

    async def ask(self, ctx):
        return [await ctx.call(echo, word) for word in self.words]
'''
FLOW = """
def echo(word): return word

@flow(name="{name}")
async def plans(ctx):
    return await Planner().ask(ctx)
"""


@pytest.fixture
def notebook(request: pytest.FixtureRequest) -> Notebook:
    notebook = Notebook(sources=True, __name__="cells_of_planners", flow=flow)
    notebook.cell(CELL)
    notebook.cell(FLOW.format(name=f"plans of {request.node.name}"))
    return notebook


def recorded(component: Any) -> dict[str, str | None]:
    return {one["name"]: one["source"] for one in functions_in(snapshot(component).source_json)}


def test_a_class_in_a_cell_is_recorded_whole_and_its_methods_not_once_more(notebook: Notebook) -> None:
    told = recorded(notebook["plans"])
    assert list(told) == ["plans", "Planner", "echo"]
    assert told["Planner"] == CELL.lstrip("\n")


def test_a_fork_over_an_edited_method_is_refused_before_it_is_made(notebook: Notebook) -> None:
    run = notebook["plans"].start()
    assert run.result() == ["one", "two"]
    notebook.cell(CELL.replace("(echo, word)", "(echo, word + '!')"))
    with pytest.raises(DivergenceError, match="No fork was made") as refused:
        run.fork(at=4)
    assert refused.value.seq == 1
    assert run.forks == []
    assert run.fork(at=1).result() == ["one!", "two!"]


def test_the_edit_of_a_method_is_in_the_diff_and_in_the_reasons_of_a_rerun(notebook: Notebook) -> None:
    run = notebook["plans"].start()
    run.result()
    notebook.cell(CELL.replace('["one", "two"]', '["one", "three"]'))
    again = run.rerun()
    assert again.result() == ["one", "three"]
    assert '-    words = ["one", "two"]' in run.diff(again).code
    assert "arguments changed" in again.reused.executed[0].reason


def test_recorded_code_goes_on_with_the_class_as_it_was(notebook: Notebook) -> None:
    run = notebook["plans"].start()
    run.result()
    notebook.cell(CELL.replace('"two"', '"three", "four"'))
    assert run.replay().run_to_end().divergence is not None
    assert run.replay(code="recorded").run_to_end().outcome == "completed: ['one', 'two']"
    assert run.fork(at=2, code="recorded").result() == ["one", "two"]
    assert notebook["Planner"].words == ["one", "three", "four"]


@dataclass
class Parcel:
    """Values of it come out of a journal, and out of this module."""

    weight: int

    def price(self) -> int:
        return self.weight * RATE


RATE = 2
HEAVY = Parcel(20)
seen: list[Any] = []


def packed(weight: int) -> Parcel:
    return Parcel(weight)


@flow
async def sends_parcels(ctx: Context) -> None:
    parcel = await ctx.call(packed, 3)
    seen.append((parcel.price(), isinstance(parcel, Parcel), isinstance(HEAVY, Parcel)))


def test_what_comes_out_of_a_journal_is_of_the_class_that_the_recorded_code_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = sends_parcels.start()
    run.result()
    assert run.replay(code="recorded").run_to_end().divergence is None
    assert seen == [(6, True, True)] * 2, "nothing changed, and the class is the one of today"
    monkeypatch.setitem(globals(), "RATE", 3)
    run.replay().run_to_end()
    run.replay(code="recorded").run_to_end()
    run.replay().run_to_end()
    assert seen[2:] == [(9, True, True), (6, True, False), (9, True, True)], "what a module made is of its class"


def test_a_key_in_a_class_that_changed_keeps_recorded_code_from_running(notebook: Notebook) -> None:
    keyed = CELL.replace("words =", 'greeting = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"\n    words =')
    notebook.cell(keyed)
    run = notebook["plans"].start()
    assert run.result() == ["one", "two"]
    assert "abcdefgh" not in str(recorded(notebook["plans"])["Planner"])
    assert run.replay(code="recorded").run_to_end().divergence is None, "the class is the same today"
    notebook.cell(CELL)
    with pytest.raises(ConfigurationError, match="Planner had a credential in it"):
        run.replay(code="recorded")


@pytest.mark.parametrize(
    "line",
    ['password = "hunter2!"', "db_url: str = str('hunter2!')", 'a, key = 1, b"hunter2!"'],
    ids=["plain", "annotated", "bytes"],
)
def test_a_class_that_may_hold_a_credential_under_some_name_is_recorded_without_text(
    line: str, notebook: Notebook
) -> None:
    notebook.cell(CELL.replace("words =", f"{line}\n    words ="))
    run = notebook["plans"].start()
    assert run.result() == ["one", "two"]
    assert recorded(notebook["plans"])["Planner"] is None
    assert b"hunter2" not in run.journal.stored[0].code
    assert run.replay(code="recorded").run_to_end().divergence is None
    notebook.cell(CELL.replace("(echo, word)", "(echo, word + '!')").replace("words =", f"{line}\n    words ="))
    with pytest.raises(DivergenceError, match="No fork was made"):
        run.fork(at=4)


def test_a_class_whose_text_cannot_be_read_alone_is_recorded_without_it(notebook: Notebook) -> None:
    words = "['' '''\none''']"
    notebook.cell(
        f"if True:\n    class Planner:\n        words = {words}\n        async def ask(self, ctx): return self.words"
    )
    assert recorded(notebook["plans"])["Planner"] is None
    assert notebook["plans"].start().result() == ["\none"]


class Outer:
    class Inner:
        def twice(self) -> int:
            return 2

    def once(self) -> int:
        return 1


def made(base: type) -> type:
    class Local(base):
        def three(self) -> int:
            return 3

    return Local


def test_the_text_of_a_class_is_found_wherever_it_stands() -> None:
    notebook = Notebook(sources=True)
    notebook.cell("if True:\n    class Deep:\n        def one(self): return 1\n")
    notebook.cell("class Twice:\n    a = 1\nclass Twice:\n    def two(self): return 2\n")
    for cls, text in [
        (Outer.Inner, "    class Inner:\n        def twice(self) -> int:\n            return 2\n"),
        (made(Outer), "    class Local(base):\n        def three(self) -> int:\n            return 3\n"),
        (notebook["Deep"], "    class Deep:\n        def one(self): return 1\n"),
        (notebook["Twice"], "class Twice:\n    def two(self): return 2\n"),
        (type("Typed", (), {}), None),
        (ConfigurationError, None),
    ]:
        found = text_of_class(cls).text
        if cls is ConfigurationError:
            assert found is not None
            assert found.startswith("class ConfigurationError(")
        else:
            assert found == text
