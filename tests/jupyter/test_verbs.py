"""What each verb does, in this process's shell and on a real engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pyarrow
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import agnt5
from agnt5 import Agent, Context, Run, flow
from agnt5.llm import ScriptedLLM

Cell = Callable[[str], str]


def price(item: str) -> int:
    return len(item) * 10


def ship(item: str, price: int) -> dict[str, Any]:
    print("shipping", item)
    return {"item": item, "price": price}


@flow
async def purchase(ctx: Context, item: str, *, gift: bool = False) -> dict[str, Any]:
    cost = await ctx.call(price, item)
    if gift:
        cost = 0
    await ctx.state.set("cost", cost)
    return await ctx.call(ship, item, cost)


@flow
async def waits(ctx: Context, name: str) -> Any:
    return await ctx.wait_for_event(name)


@flow
async def orders(ctx: Context, item: str) -> dict[str, Any]:
    return await ctx.call(purchase, item)


@pytest.fixture
def run(shell: InteractiveShell) -> Run:
    made = purchase.start("tea", run_id="r_tea")
    made.result()
    shell.user_ns["mine"] = made
    return made


def until(true: Callable[[], Any]) -> Any:
    while not (found := true()):
        time.sleep(0.01)
    return found


@pytest.mark.parametrize("word", ["mine", "r_t", "r_tea", "-1", "_"])
def test_a_run_is_meant_by_many_words(cell: Cell, run: Run, word: str) -> None:
    assert "r_tea" in cell(f"%agnt5 watch {word}")


def test_minus_two_is_the_one_before(cell: Cell, run: Run) -> None:
    purchase.start("milk", run_id="r_milk").result()
    assert "r_milk" in cell("%agnt5 watch -1")
    assert "r_tea" in cell("%agnt5 watch -2")
    assert "only 2 runs" in cell("%agnt5 watch -3")
    assert "Several runs begin with 'r_'" in cell("%agnt5 watch r_")


def test_the_last_run_is_the_one_that_a_person_started(shell: InteractiveShell, cell: Cell) -> None:
    outer = orders.start("tea", run_id="r_orders")
    outer.result()
    assert "r_orders" in cell("%agnt5 watch -1")
    assert "there is only one run here" in cell("%agnt5 watch -2")
    listed = cell("%agnt5 runs --as all")
    assert "called by r_orders" in listed
    child, root = shell.user_ns["all"]
    assert (root, root.caller, child.caller) == (outer, None, outer)
    assert "called by" not in cell("%agnt5 runs --roots --as roots")
    assert shell.user_ns["roots"] == agnt5.runs(roots=True) == [outer]
    assert list(agnt5.runs().to_pandas()["caller"].dropna()) == ["r_orders"]


def test_runs_are_filtered_and_returned(shell: InteractiveShell, cell: Cell, run: Run) -> None:
    waits.start("nothing")
    assert "waits" in cell("%agnt5 runs")
    assert "waits" not in cell("%agnt5 runs --component purchase --as found")
    assert shell.user_ns["found"] == [run]
    assert cell("%agnt5 runs --status failed").startswith("no runs yet\n")


def test_show_is_the_journal_with_its_values(cell: Cell, run: Run) -> None:
    shown = cell("%agnt5 show mine")
    assert "('tea')" in shown
    assert "{'item': 'tea', 'price': 30}" in shown


def test_a_cell_that_waits_for_a_paused_run_below_says_so(
    shell: InteractiveShell, cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agnt5.asking.PERIOD", 0.02)
    asks = ScriptedLLM([{"tool": "halted", "arguments": {"prompt": "?"}}])
    halted = Agent("halted", llm=ScriptedLLM(["-"]), max_iterations=1)
    halted.max_iterations = 0
    shell.user_ns["boss"] = Agent("halting", tools=[halted], llm=asks)
    told = cell("try: boss.run_sync('go', timeout=1)\nexcept TimeoutError: print('too long')")
    assert "which is paused: the agent 'halted' has used 0 of 0 turns" in told
    assert told.count("which is paused") == 1, "once for each wait"
    assert "too long" in told


def test_arguments_are_expressions(shell: InteractiveShell, cell: Cell) -> None:
    shell.user_ns["what"] = ["jam"]
    for line in ("what[0] gift=True", "what[0], gift = not False", "*what **{'gift': True}"):
        cell(f"%agnt5 run purchase {line} --as done")
        assert shell.user_ns["done"].result() == {"item": "jam", "price": 0}


def test_a_table_of_runs_and_of_a_journal(shell: InteractiveShell, cell: Cell, run: Run) -> None:
    cell("%agnt5 df --as table")
    table: Any = shell.user_ns["table"]
    assert isinstance(table, pandas.DataFrame)
    assert table.loc[0, ["id", "component", "status", "parent"]].tolist() == ["r_tea", "purchase", "completed", None]
    cell("entries = %agnt5 df mine")
    entries: Any = shell.user_ns["entries"]
    assert entries["path"].tolist() == [entry.path for entry in run.journal]
    assert entries["output"].tolist()[-1] == {"item": "tea", "price": 30}
    cell("arrow = %agnt5 df mine --arrow")
    arrow: Any = shell.user_ns["arrow"]
    assert isinstance(arrow, pyarrow.Table)
    assert arrow.column("output").to_pylist()[-1] == '{"item":"tea","price":30}'


def test_the_stepper(shell: InteractiveShell, cell: Cell, run: Run) -> None:
    assert "at the start: 0 of 2 answers" in cell("%agnt5 replay mine --as walk")
    assert "after entry 1, price: 1 of 2 answers" in cell("%agnt5 step")
    assert cell("%agnt5 eval cost * 2").strip().endswith("60")
    assert "at the start: 0 of 2" in cell("%agnt5 back 5")
    assert "after entry 4, ship" in cell("%agnt5 goto ship")
    assert "at the start" in cell("%agnt5 goto start")
    assert "after entry 4, ship" in cell("%agnt5 goto end")
    assert cell("%agnt5 break price").strip() == "breaks at price"
    cell("%agnt5 goto start")
    assert "after entry 1, price" in cell("%agnt5 continue")
    assert "there is no breakpoint at 'ship'" in cell("%agnt5 break ship --off")
    assert "no entry of r_tea has the name, path or kind 'prise'\nbreaks at price, prise" in cell("%agnt5 break prise")
    assert cell("%agnt5 break --off").strip() == "no breakpoints"
    assert "after entry 4, ship" in cell("%agnt5 continue")
    cell("values = %agnt5 trace cost")
    values: Any = shell.user_ns["values"]
    assert values["value"].tolist()[:2] == [None, 30]
    assert "no entry of r_tea has the path 'nowhere'" in cell("%agnt5 goto nowhere")
    for line, says in [
        ("eval nobody", "'nobody': NameError: name 'nobody' is not defined"),
        ("eval cost +", "'cost +' is no Python expression: invalid syntax"),
        ("trace nobody", "'nobody': NameError: The names in 'nobody' exist at none of the 3 positions."),
        ("trace 1 / 0", "'1 / 0': ZeroDivisionError: division by zero"),
    ]:
        cell("%agnt5 goto price")
        assert cell(f"%agnt5 {line}").strip() == f"UsageError: %agnt5: {says}"
    assert "after entry 1, price" in cell("%agnt5 replay mine --at price")
    assert shell.user_ns["walk"].run_id == "r_tea"


def test_goto_an_entry_that_has_no_answer_is_where_it_is_awaited(shell: InteractiveShell, cell: Cell) -> None:
    @flow
    async def waits(ctx: Context) -> str:
        await ctx.call(len, "tea")
        return await ctx.wait_for_event("word")

    shell.user_ns["open"] = waits.start(run_id="r_open")
    until(lambda: agnt5.get_run("r_open").status == "waiting")
    cell("%agnt5 replay open")
    assert "after entry 1, len: 1 of 1 answer" in cell("%agnt5 goto word")
    agnt5.get_run("r_open").cancel()


def test_a_fork_says_what_will_run_before_it_does(shell: InteractiveShell, cell: Cell, run: Run) -> None:
    told = cell("%agnt5 fork mine --set price=5 --dry-run")
    assert "runs again  step     ship" in told
    assert agnt5.runs() == [run]
    shown = cell("%agnt5 fork mine --set price=5 --as cheap --wait")
    assert shown.index("runs again") < shown.index("shipping tea")
    made: Any = shell.user_ns["cheap"]
    assert made.result() == {"item": "tea", "price": 5}
    assert made.parent == run
    assert "cheap" not in cell("%agnt5 fork mine --at ship --set ship={'item':'none'} --state cost=7")
    assert agnt5.runs()[0].result() == {"item": "none"}
    cell("%agnt5 fork mine --fail ship=ValueError:'sold out'")
    assert "sold out" in until(lambda: agnt5.runs()[0].error)
    cell("%agnt5 fork mine --input 'coffee' --wait")
    assert agnt5.runs()[0].result() == {"item": "coffee", "price": 60}
    assert cell("%agnt5 tree mine").count("completed") == 4


def test_mistakes_of_forks(shell: InteractiveShell, run: Run) -> None:
    for line, says in [
        ("fork mine", "Say where to fork"),
        ("fork mine --set price", "--set is NAME=VALUE"),
        ("fork mine --fail ship=7", "ValueError:message"),
        ("fork mine --model a/b", "no variable holds an agent 'purchase'"),
    ]:
        with pytest.raises(UsageError) as raised:
            shell.run_line_magic("agnt5", line)
        assert says in str(raised.value)


def test_a_rerun_takes_over_what_is_the_same(shell: InteractiveShell, cell: Cell, run: Run) -> None:
    assert "shipping" not in cell("%agnt5 rerun mine --as again --wait")
    assert len(shell.user_ns["again"].reused) == 2
    told = cell("%agnt5 rerun mine --always ship --wait")
    assert "shipping tea" in told
    assert "1 result of r_tea reused, 1 step executed" in told
    assert "executed  ship: always executed, as asked" in told
    assert "shipping jam" in cell("%agnt5 rerun mine --input ('jam',) --wait")


def test_two_runs_side_by_side(shell: InteractiveShell, cell: Cell, run: Run) -> None:
    purchase.start("milk", run_id="r_milk").result()
    shown = cell("found = %agnt5 diff mine -1")
    assert "~ step price" in shown
    assert shell.user_ns["found"].new.run_id == "r_milk"


def test_check_tells_what_still_replays(shell: InteractiveShell, cell: Cell, run: Run) -> None:
    assert "purchase: 1 of 1 recorded run replays" in cell("report = %agnt5 check purchase --last 3")
    assert shell.user_ns["report"].ok


CELL = """from agnt5 import flow
@flow
async def in_a_cell(ctx):
    await ctx.state.set("{name}", 1)
"""


def test_check_names_cells_by_their_numbers(shell: InteractiveShell, cell: Cell) -> None:
    for name in ("one", "other"):
        shell.run_cell(CELL.format(name=name), store_history=True).raise_error()
        if name == "one":
            shell.user_ns["in_a_cell"].start(run_id="r_cell").result()
    number = shell.execution_count - 1
    told = cell("%agnt5 check in_a_cell")
    assert f"at In[{number}], line 4 in in_a_cell" in told
    assert "ipython-input" not in told


def test_events_reach_runs(cell: Cell, shell: InteractiveShell) -> None:
    first, second = waits.start("go"), waits.start("go")
    shell.user_ns["second"] = second
    shell.user_ns["payload"] = [1]
    assert cell("%agnt5 event go {'p': payload} --to second").strip() == f"sent go to {second.id}"
    assert second.result() == {"p": [1]}
    assert cell("%agnt5 event go now --id e1").strip() == "sent go"
    assert first.result() == "now"
    assert "was sent before; nothing was sent" in cell("%agnt5 event go now --id e1")


def test_pause_resume_and_cancel(cell: Cell, shell: InteractiveShell) -> None:
    run = waits.start("go", run_id="r_go")
    until(lambda: run.status == "waiting")
    assert "paused r_go" in cell("%agnt5 pause r_go --reason 'for lunch'")
    until(lambda: run.status == "paused")
    assert "for lunch" in cell("%agnt5 watch r_go")
    assert "r_go" in cell("%agnt5 resume r_go")
    assert "asked r_go to stop" in cell("%agnt5 cancel r_go")
    until(lambda: run.status == "cancelled")
    assert "r_go had ended already: cancelled" in cell("%agnt5 cancel r_go")
    assert "cannot be resumed" in cell("%agnt5 resume r_go")
    assert cell("%agnt5 resume").strip() == "no run was interrupted"


def test_a_question_is_named_when_there_are_several(shell: InteractiveShell, cell: Cell) -> None:
    run = waits.start("go", run_id="r_go")
    until(lambda: run.status == "waiting")
    assert "r_go waits for no approval: it is waiting" in cell("%agnt5 approve r_go")


def test_what_is_known_and_set(cell: Cell, run: Run) -> None:
    assert "purchase" in cell("%agnt5 components")
    shown = cell("%agnt5 status")
    assert "1 completed" in shown
    own = [one for one in agnt5.components() if not one.name.startswith("agnt5.")]
    assert f"components {len(own)}" in " ".join(shown.split())
    assert str(agnt5.settings().store_directory) in shown
    assert "some/model" in cell("%agnt5 config model some/model")
    assert agnt5.settings().model == "some/model"
    assert "some/model" in cell("%agnt5 config")
    cell("%agnt5 config model --unset")
    assert agnt5.settings().model is None


def test_a_journal_is_saved_and_loaded_as_data(shell: InteractiveShell, cell: Cell, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "tea.agnt5"
    assert f"saved r_tea to {file}" in cell(f"%agnt5 save mine {str(file)!r}")
    run.delete()
    assert "('tea')" in cell(f"%agnt5 load '{file}' --as loaded")
    assert "after entry 1, price" in cell("%agnt5 replay loaded --at price")
    assert "which cannot do this" in cell("%agnt5 cancel loaded")
    assert cell("%agnt5 df loaded").count("ship") == 1


def test_agents_are_cells(shell: InteractiveShell, cell: Cell) -> None:
    shell.user_ns.update(price=price, rules={"tone": "calm"}, word="please")
    head = "%%agnt5 agent clerk --tools price,purchase --model local/any"
    text = head + '\nBe {rules["tone"]}, {word}: {"a": {"b": 1}} {{word}}'
    assert "<agent clerk>" in cell(text)
    clerk: Any = shell.user_ns["clerk"]
    assert clerk.instructions == 'Be calm, please: {"a": {"b": 1}} {word}'
    assert [one.name for one in clerk.tools] == ["price", "purchase"]
    assert clerk.model == "local/any"
    assert "there is no tool 'prise'; did you mean 'price'?" in cell("%%agnt5 agent clerk --tools prise\nx")
    assert "NameError: name 'nobody' is not defined" in cell("%%agnt5 agent clerk\n{nobody}")
    refused = cell("%%agnt5 agent clerk --model nonsense\nx")
    assert "'nonsense' is no model of the form 'provider/name'" in refused
    assert "Providers: anthropic, openai, google, azure, mistral, together, local" in refused
    assert refused.strip().count("\n") == 0
    assert "Did you mean 'openai/gpt-5'?" in cell("%%agnt5 agent clerk --model opnai/gpt-5\nx")
    assert "is no name of a variable" in cell("%%agnt5 agent 'my clerk'\nhello")
    assert shell.user_ns["clerk"] is clerk, "a mistake changes nothing"


def test_a_fork_of_an_agent_may_ask_another_model(shell: InteractiveShell, cell: Cell) -> None:
    bot = Agent("bot", "Be kind.", llm=ScriptedLLM(["from the first"]))
    shell.user_ns["bot"] = bot
    run = bot.start("hello", run_id="r_bot")
    assert str(run.result()) == "from the first"
    fork = run.fork(0, code=bot.with_model(ScriptedLLM(["from the second"], model="other")))
    assert str(fork.result()) == "from the second"
    told = cell("%agnt5 fork r_bot --model openai/gpt-5-mini --dry-run")
    assert "chat" in told
