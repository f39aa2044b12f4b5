"""Reruns: a new run pays only for what changed, and says why it paid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import agnt5
from agnt5 import Context, NoRetry, flow, function
from agnt5.durable import object as durable_object
from agnt5.replay import why_not
from replay.corpus import CORPUS, executed
from replay.playing import end_of, record

asked: list[str] = []
note = asked.append  # bodies that read the list itself would be other code after every call

PROMPT = "Be brief."


def ask_model(question: str) -> str:
    note(f"{PROMPT} {question}")
    return f"{PROMPT} {question}"


def count_words(text: str) -> int:
    note("count")
    return len(text.split())


@flow
async def survey(ctx: Context, questions: list[str]) -> int:
    total = 0
    for question in questions:
        total += await ctx.call(count_words, await ctx.call(ask_model, question))
    return total


# What a flow does to the world outside of its steps is done anew: its children, objects, events.
NEVER_REUSED = {"child_runs", "started_and_awaited", "object_calls", "everything_at_once"}


@pytest.mark.parametrize("name", CORPUS)
async def test_a_rerun_with_nothing_changed_executes_no_step(name: str) -> None:
    played = CORPUS[name]
    older = await record(played)
    executed.clear()
    again = older.rerun()
    if played.during is not None:
        await played.during(again)
    ended = end_of(again)
    if name not in {"clock_and_chance", "object_calls"}:
        assert ended == end_of(older)
    failures = {"fails", "fails_once"}  # a failure is no result; it is tried again
    if name not in {"the_first_wins", "object_calls"}:  # what lost was never answered
        assert set(executed) - failures - {"finally"} == set(), str(again.reused)
    assert again.parent == older


async def test_an_edited_prompt_pays_for_what_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    older = survey.start(["why", "how"])
    await older
    asked.clear()
    monkeypatch.setitem(globals(), "PROMPT", "Be long, and be kind.")
    again = older.rerun()
    assert await again == 12
    assert asked == ["Be long, and be kind. why", "count", "Be long, and be kind. how", "count"]
    reasons = [one.reason for one in again.reused.executed]
    assert reasons[0] == "what it uses changed: PROMPT"
    assert reasons[1] == "its arguments changed: input[0]: 'Be brief. why' → 'Be long, and be kind. why'"


async def test_one_more_question_costs_one_more_answer() -> None:
    older = survey.start(["why", "how"])
    await older
    asked.clear()
    again = older.rerun((["why", "where", "how"],))
    await again
    assert asked == ["Be brief. where", "count"]
    assert len(again.reused) == 4
    assert [entry.path for entry in again.reused.late] == ["ask_model#3", "count_words#3"]
    assert "executed  ask_model#2: the older run never asked for it" in str(again.reused)
    third = again.rerun()
    await third
    assert len(third.reused) == 6, "a rerun of a rerun"


async def test_what_the_older_run_never_asked_for_is_said_so() -> None:
    def weigh(item: str) -> int:
        if item == "pot":
            raise ValueError("no scales")
        return len(item)

    @flow
    async def shipping(ctx: Context, items: list[str]) -> int:
        return sum([await ctx.call(weigh, item, retry_policy=NoRetry()) for item in items])

    older = shipping.start(["tea", "pot", "cup"])
    with pytest.raises(agnt5.RunFailed):
        await older
    again = older.rerun()
    with pytest.raises(agnt5.RunFailed):
        await again
    assert reasons_of(again) == {"weigh#2": "it failed there: ValueError: no scales"}
    mended = older.rerun((["tea", "jar", "cup", "tea"],))
    assert await mended == 12
    assert reasons_of(mended) == {
        "weigh#2": "its arguments changed: input[0]: 'pot' → 'jar'",
        "weigh#3": "the older run never asked for it",
        "weigh#4": "called more often than in the older run",
    }
    assert len(mended.reused) == 1


async def test_code_that_changed_is_no_reason_for_what_was_never_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    older = survey.start(["why"])
    await older
    monkeypatch.setitem(globals(), "PROMPT", "Be long.")
    again = older.rerun((["why", "how"],))
    await again
    reasons = reasons_of(again)
    assert reasons["ask_model"] == "what it uses changed: PROMPT"
    assert reasons["ask_model#2"] == "the older run never asked for it"


def reasons_of(run: agnt5.Run) -> dict[str, str]:
    return {one.entry.path: one.reason for one in run.reused.executed}


async def test_steps_can_be_executed_in_any_case() -> None:
    older = survey.start(["why"])
    await older
    asked.clear()
    again = older.rerun(always="ask_model")
    await again
    assert asked == ["Be brief. why"]
    assert [one.reason for one in again.reused.executed] == ["always executed, as asked"]


async def test_a_name_that_the_older_run_does_not_know_is_no_reason_to_reuse_all() -> None:
    older = asks_below.start("why")
    await older
    asked.clear()
    for name, near in {
        "ask_modle": "ask_model",
        "ask_model#1": "ask_model",
        "outer/count_words": "count_words",
    }.items():
        with pytest.raises(agnt5.ConfigurationError, match=f"none that is called '{name}'. Did you mean '{near}'"):
            older.rerun(always=name)
    await older.rerun(always="ask_model")
    assert asked == ["Be brief. why"], "a child run's step has a name too"


@flow
async def asks_below(ctx: Context, question: str) -> int:
    return await ctx.call(survey, [question])


async def test_equal_calls_get_their_results_in_the_old_order() -> None:
    rolls = iter(range(100))
    roll = partial(next, rolls)

    def dice() -> int:
        return _rolled(roll)

    @flow
    async def game(ctx: Context) -> list[int]:
        return [await ctx.call(dice) for _ in range(3)]

    older = game.start()
    first = await older
    again = older.rerun()
    assert why_not(dice) is not None, "an iterator cannot be compared"
    assert await again != first
    assert "cannot be compared" in again.reused.executed[0].reason


def _rolled(roll: Any) -> int:
    return roll()


async def test_children_take_results_from_the_older_children() -> None:
    @flow
    async def inner(ctx: Context, question: str) -> str:
        return await ctx.call(ask_model, question)

    @flow
    async def outer(ctx: Context, question: str) -> int:
        return await ctx.call(count_words, await ctx.call(inner, question))

    older = outer.start("why")
    await older
    asked.clear()
    again = older.rerun()
    assert await again == 3
    assert asked == []
    ((entry, below),) = again.reused.children
    assert (entry.path, [one.path for one in below]) == ("inner", ["ask_model"])
    assert again.reused.totals == (2, 0)
    assert str(again.reused).splitlines() == [
        f"2 results of {older.id} and its child runs reused, 0 steps executed",
        "  child     inner: 1 result reused, 0 steps executed",
        "    reused    ask_model",
        "  reused    count_words",
    ]
    assert again.reused.to_dict()["children"][0]["run"] == entry.child_id

    @flow(name="outer")
    async def asks_another(ctx: Context, question: str) -> int:
        return await ctx.call(count_words, await ctx.call(reworded, question))

    @flow
    async def reworded(ctx: Context, question: str) -> str:
        return await ctx.call(ask_model, f"{question}?")

    other = older.rerun()
    assert await other == 3
    assert "  child     reworded: run anew" in str(other.reused).splitlines()


async def test_a_function_with_changed_code_reuses_what_it_calls() -> None:
    @function
    async def reads_up(ctx: Context, topic: str) -> str:
        return await ctx.call(ask_model, topic)

    @flow
    async def essay(ctx: Context) -> str:
        return await ctx.call(reads_up, "bees")

    older = essay.start()
    await older
    asked.clear()

    @function(name="reads_up")
    async def shouts(ctx: Context, topic: str) -> str:
        return (await ctx.call(ask_model, topic)).upper()

    @flow(name="essay")
    async def other(ctx: Context) -> str:
        return await ctx.call(shouts, "bees")

    again = older.rerun()
    assert await again == "BE BRIEF. BEES"
    assert asked == []
    assert [entry.path for entry in again.reused] == ["reads_up/ask_model"]


@durable_object
class RerunTally:
    def __init__(self) -> None:
        self.total = 0

    async def add(self, number: int) -> int:
        self.total += number
        return self.total


@function
async def remembers(ctx: Context, text: str) -> int:
    words = await ctx.call(count_words, text)
    await ctx.state.set("words", words)
    return words


@function
async def recalls(ctx: Context) -> int:
    return await ctx.call(remembered_by, await ctx.state.get("words"))


def remembered_by(words: int) -> int:
    note("remembered_by")
    return words


@function
async def tallies(ctx: Context, key: str) -> int:
    return await ctx.call(adds_to, key)


@function
async def adds_to(ctx: Context, key: str) -> int:
    return await (await ctx.get_object(RerunTally, key)).add(await ctx.call(remembered_by, 1))


@function
async def rings(ctx: Context) -> None:
    agnt5.send_event("bell", 7, run=ctx.run_id)


@function
async def looks_around(ctx: Context) -> list[str]:
    return await ctx.state.keys()


async def test_a_function_that_asks_which_names_state_has_is_asked_again() -> None:
    @flow
    async def fills(ctx: Context, name: str) -> list[str]:
        await ctx.state.set(name, 1)
        return await ctx.call(looks_around)

    older = fills.start("a")
    assert await older == ["a"]
    assert await older.rerun("b") == ["b"]


async def test_what_a_function_did_to_state_events_and_objects_is_done_in_the_rerun_too() -> None:
    @flow
    async def reckons(ctx: Context, text: str) -> list[Any]:
        await ctx.call(remembers, text)
        known = await ctx.state.get("words")
        await ctx.call(rings)
        heard = await ctx.wait_for_event("bell", timeout=20)
        counted = await ctx.call(tallies, "tally")
        return [known, await ctx.call(recalls), heard, counted]

    older = reckons.start("a b")
    assert await older == [2, 2, 7, 1]
    asked.clear()
    again = older.rerun()
    assert await again == [2, 2, 7, 2]
    assert asked == [], "their steps are reused"
    third = again.rerun()
    assert await third == [2, 2, 7, 3]
    assert asked == []
    reason = "it reads or changes what others do too (state, objects, events): it runs, and its steps are reused"
    assert set(reasons_of(third)) == {"remembers", "rings", "tallies", "tallies/adds_to", "recalls"}
    assert set(reasons_of(third).values()) == {reason}
    other = older.rerun("a b c")
    assert await other == [3, 3, 7, 4], "what reads state is not answered with what state was"


async def test_a_rerun_of_a_deleted_run_goes_on_without_it() -> None:
    older = survey.start(["why"])
    await older
    again = older.rerun()
    await again
    older.delete()
    assert again.parent is None
    assert len(again.reused) == 2
    with pytest.raises(agnt5.RunNotFound):
        older.rerun()


async def test_who_is_no_rerun_says_so() -> None:
    run = survey.start(["why"])
    await run
    assert len(run.reused) == 0
    assert str(run.reused) == f"{run.id} is no rerun"


PROGRAM = """
    import os, sys, time, agnt5
    from agnt5 import Context, flow

    MARK = sys.argv[1]

    def work(n: int) -> int:
        with open(MARK, "a") as file:
            file.write(f"{n} ")
        if os.environ.get("KILL_AT") == str(n):
            os.kill(os.getpid(), 9)
        return n

    @flow
    async def works(ctx: Context, numbers: list) -> int:
        return sum([await ctx.call(work, n) for n in numbers])

    if sys.argv[2] == "first":
        print(works.start([1, 2, 3], run_id="first").result())
    elif sys.argv[2] == "again":
        print(agnt5.get_run("first").rerun(([1, 2, 3, 4, 5],), run_id="second").result())
    else:
        print(agnt5.get_run("second").result(), len(agnt5.get_run("second").reused))
"""


def test_a_killed_rerun_goes_on_and_still_knows_what_it_may_reuse(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    mark = tmp_path / "mark"
    env = {**os.environ, "AGNT5_HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path(__file__).parents[2])}

    def go(what: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(program), str(mark), what]
        return subprocess.run(command, env={**env, **more}, capture_output=True, text=True, timeout=60, check=False)

    assert go("first").stdout == "6\n"
    assert go("again", KILL_AT="4").returncode == -signal.SIGKILL
    done = go("rest")
    assert done.stdout == "15 3\n", done.stderr
    assert mark.read_text() == "1 2 3 4 4 5 "


class Scale:
    unit = "g"

    def weigh(self, item: str) -> str:
        return f"{len(item)} {self.unit}"


async def test_what_changed_elsewhere_is_not_said_to_be_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    scale = Scale()

    @flow
    async def weighs(ctx: Context, item: str) -> int:
        return await ctx.call(count_words, await ctx.call(scale.weigh, await ctx.call(ask_model, item)))

    older = weighs.start("tea")
    await older
    monkeypatch.setattr(Scale, "unit", "oz")
    monkeypatch.setitem(globals(), "PROMPT", "Be long.")
    again = older.rerun()
    await again
    assert reasons_of(again)["ask_model"] == "what it uses changed: PROMPT"
    assert reasons_of(again)["weigh"].endswith("a class of its arguments changed (PROMPT changed since)")
