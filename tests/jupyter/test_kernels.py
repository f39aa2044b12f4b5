"""`%agnt5` in real kernels of several ipykernels: one kernel a version, and every check on each.

They are told apart because they send a step's output, late output and messages in different ways.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scenarios.ipykernels import VERSIONS, equipped
from scenarios.kernel import Kernel

DEFINE = """
%load_ext agnt5
import asyncio, pathlib, time, agnt5
from agnt5 import flow, function, Agent, tool
from agnt5.llm.scripted import ScriptedLLM
def note(word):
    with open("ledger", "a") as file:
        file.write(word + "\\n")
    return word
def speak(word, seconds=0.0):
    time.sleep(seconds)
    print(word)
    return word
async def slowly(word, seconds):
    await asyncio.sleep(seconds)
    print(word)
    return word
"""
WORK = """
@flow
async def work(ctx, seconds, word="done"):
    await ctx.call(note, "first")
    await ctx.call(speak, "middle", seconds)
    return await ctx.call(note, word)
"""


@pytest.fixture(scope="module", params=VERSIONS)
def kernel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    home = tmp_path_factory.mktemp(f"kernel-{request.param}")
    started = Kernel(home, equipped(request.param))
    assert started.run("import ipykernel; print(ipykernel.__version__)") == f"{request.param}\n"
    assert started.run(DEFINE) == ""
    assert started.run(WORK) == ""
    yield started
    started.close()


def ledger(kernel: Kernel) -> list[str]:
    """What the steps did since the last look."""
    text = kernel.run("print(pathlib.Path('ledger').read_text()); pathlib.Path('ledger').unlink()")
    return text.split()


def test_a_run_returns_at_once_is_shown_kept_and_awaited(kernel: Kernel) -> None:
    begun = kernel.begin("%agnt5 run work 0.3 word='end' --as mine")
    shown = kernel.answer(begun)
    assert "work" in shown
    assert shown.count("component") == 1, "the cell shows the run once, though the magic also returns it"
    assert kernel.run("await mine") == "'end'"
    assert kernel.wait_for(begun, "middle"), "what the step printed belongs to the cell that started the run"
    assert kernel.run("%agnt5 run work 0 --wait").count("completed in") == 1
    assert kernel.run("await (%agnt5 run work 0)").startswith("SyntaxError"), "IPython has no magic in expressions"
    assert ledger(kernel) == ["first", "end", "first", "done"]


def test_the_body_of_a_cell_is_the_input(kernel: Kernel) -> None:
    kernel.run("@flow\nasync def echo(ctx, *args):\n    return list(args)")
    assert "[{'a': [True, None]}]" in kernel.run('%%agnt5 run echo --wait\n{"a": [true, null]}')
    assert "[(1, 2), {3}]" in kernel.run("%%agnt5 run echo --wait\n((1, 2), {3})")
    assert kernel.run("%%agnt5 run echo\nnot a value").strip() == (
        "UsageError: %%agnt5 run: the body is JSON or a Python literal (a text in quotes)"
    )


def test_prints_of_steps_land_in_the_cell_that_started_them(kernel: Kernel) -> None:
    kernel.run(
        """
        @flow
        async def talks(ctx, who):
            await ctx.call(speak, f"thread of {who}", 0.4)
            await ctx.call(slowly, f"task of {who}", 0.1)
        """
    )
    first = kernel.begin("%agnt5 run talks 'one' --as one")
    second = kernel.begin("%agnt5 run talks 'two' --as two")
    third = kernel.begin("print('third'); await one; await two")
    assert "of" not in kernel.answer(third).replace("third", "")
    for cell, who, other in ((first, "one", "two"), (second, "two", "one")):
        assert "thread of " + who in kernel.wait_for(cell, f"task of {who}")
        assert f"of {other}" not in kernel.shown(cell)


def test_an_interrupt_ends_the_wait_and_not_the_run(kernel: Kernel) -> None:
    waiting = kernel.begin("%agnt5 run work 1.5 --as kept --wait")
    assert "KeyboardInterrupt" in kernel.answer(waiting, interrupt_at="component")
    assert kernel.run("await kept") == "'done'"
    paused = kernel.begin("later = work.start(1.5)\nprint('waiting', flush=True)\nlater.result()")
    assert "KeyboardInterrupt" in kernel.answer(paused, interrupt_at="waiting")
    assert kernel.run("later.pause('lunch')") == ""
    assert "lunch" in kernel.run("%agnt5 show later\n%agnt5 watch later")
    assert "later" not in kernel.run("%agnt5 resume later --wait")
    assert kernel.run("await later") == "'done'"
    assert sorted(ledger(kernel)) == ["done", "done", "first", "first"]


def test_a_wait_that_would_hang_for_ever_says_for_whom(kernel: Kernel) -> None:
    kernel.run("@flow\nasync def paid(ctx):\n    return await ctx.wait_for_event('payment')")
    for wait in ("run.result()", "await run"):
        blocked = kernel.begin(f"run = paid.start()\n{wait}")
        shown = kernel.answer(blocked, interrupt_at="%agnt5 event payment --to")
        assert "waits for the event 'payment'" in shown
        assert "KeyboardInterrupt" in shown or "CancelledError" in shown
        assert "sent payment" in kernel.run("%agnt5 event payment {'euros': 5} --to run")
        assert kernel.run("await run") == "{'euros': 5}"


def test_an_agent_is_a_cell_and_its_tool_calls_wait_for_a_word(kernel: Kernel) -> None:
    kernel.run(
        """
        from agnt5.llm import ToolCall
        topic = "files"
        @tool
        def delete(path: str) -> str:
            "Delete a file."
            return note("deleted " + path)
        wants = ToolCall("c1", "delete", {"path": "a.txt"})
        """
    )
    assert "agent keeper" in kernel.run("%%agnt5 agent keeper --tools delete --hitl\nYou look after {topic}.")
    assert kernel.run("keeper.instructions") == "'You look after files.'"
    kernel.run("keeper.model = ScriptedLLM([[wants], 'deleted it', [wants], 'as you wish'])")
    blocked = kernel.begin("%agnt5 run keeper 'tidy up' --as tidying --wait")
    assert "keeper wants delete(path='a.txt')" in kernel.answer(blocked, interrupt_at="%agnt5 approve")
    assert "approved delete" in kernel.run("%agnt5 approve tidying --set path='b.txt'")
    assert kernel.run("str(await tidying)") == "'deleted it'"
    assert ledger(kernel) == ["deleted", "b.txt"]
    kernel.run("%agnt5 run keeper 'again' --as tidying")
    kernel.run("while not tidying.approvals: await asyncio.sleep(0.02)")
    assert "denied delete" in kernel.run("%agnt5 deny tidying --reason 'not mine'")
    assert kernel.run("str(await tidying)") == "'as you wish'"
    assert kernel.run("pathlib.Path('ledger').exists()") == "False"


def test_a_cell_that_changes_a_flow_tells_which_runs_still_replay(kernel: Kernel) -> None:
    cell = "@flow\nasync def orders(ctx):\n    return [await ctx.call(note, word) for word in {words!r}]"
    assert kernel.run(cell.format(words=["a", "b"])) == ""
    kernel.run("runs = [orders.start() for _ in range(3)]\nfor run in runs: await run")
    same = kernel.begin(cell.format(words=["a", "b"]))
    kernel.answer(same)
    changed = kernel.begin(cell.format(words=["a", "c"]))
    assert kernel.answer(changed) in ("", kernel.shown(changed))
    shown = kernel.wait_for(changed, "\n")
    assert shown.startswith("orders changed: 0 of 3 recorded runs replay, ")
    assert shown.endswith(" diverges at note#2 (entry 3), 2 more diverge\n")
    assert kernel.shown(same) == ""
    fixed = kernel.begin(cell.format(words=["a", "b"]))
    kernel.answer(fixed)
    assert kernel.wait_for(fixed, "\n") == "orders changed: 3 of 3 recorded runs replay\n"
    assert len(ledger(kernel)) == 6, "no step body ran in a check"


def test_the_tab_key(kernel: Kernel) -> None:
    kernel.run("tabbed = work.start(0, run_id='tabbed-1'); await tabbed")
    assert {"rerun", "resume"} <= set(kernel.complete("%agnt5 re")) <= {"rerun", "replay", "resume"}
    assert "work" in kernel.complete("%agnt5 run wo")
    assert "work" in kernel.complete("mine = %agnt5 run wo")
    assert kernel.complete("%agnt5 runs --st") == ["--status"]
    assert kernel.complete("%agnt5 runs --status fa") == ["failed"]
    assert kernel.complete("%agnt5 show tabbed-") == ["tabbed-1"]
    assert {"note", "note#2", "speak"} <= set(kernel.complete("%agnt5 fork tabbed-1 --at "))
    assert "outputs" in kernel.complete("%agnt5 config out")
    assert ledger(kernel)


def test_functions_below_a_cell_magic_have_their_source(kernel: Kernel) -> None:
    kernel.run("%%time\n@flow\nasync def timed(ctx, n):\n    n += 1\n    return await ctx.call(note, str(n))")
    kernel.run("run = timed.start(1); await run")
    assert "→    4     return await ctx.call(note, str(n))" in kernel.run("%agnt5 replay run --recorded")
    assert ledger(kernel) == ["2"]


@pytest.mark.parametrize("module", ["nest_asyncio2", "nest_asyncio"])
def test_it_works_when_the_loop_was_patched(kernel: Kernel, module: str) -> None:
    """The last test of its kernel: nothing takes a patch away again."""
    assert kernel.run(f"import {module}; {module}.apply()") == ""
    assert "'patched'" in kernel.run("%agnt5 run work 0 'patched' --wait")
    assert kernel.run("await work.run(0, 'awaited')").endswith("'awaited'")
    assert kernel.run("asyncio.get_event_loop().run_until_complete(work.run(0, 'nested'))").endswith("'nested'")
    assert kernel.run("work.run_sync(0, 'blocked')").endswith("'blocked'")
    assert ledger(kernel) == ["first", "patched", "first", "awaited", "first", "nested", "first", "blocked"]
