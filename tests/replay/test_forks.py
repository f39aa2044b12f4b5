"""Forks: a new run shares what was, changes what lies ahead, and leaves its parent as it is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import agnt5
from agnt5 import ConfigurationError, Context, DivergenceError, Run, flow, function
from agnt5.durable import object as durable_object
from replay.corpus import CORPUS, executed
from replay.playing import end_of, record


def draft(topic: str) -> str:
    return f"draft on {topic}"


def polish(text: str) -> str:
    return text.upper()


@flow
async def article(ctx: Context, topic: str) -> str:
    text = await ctx.call(draft, topic)
    return await ctx.call(polish, text)


def stored(run: Run) -> list[tuple[Any, ...]]:
    return [(one.seq, one.at, one.body, one.name, bytes(one.input), bytes(one.payload)) for one in run.journal.stored]


@pytest.mark.parametrize("name", CORPUS)
async def test_a_fork_with_nothing_changed_ends_as_its_parent_at_every_position(name: str) -> None:
    parent = await record(CORPUS[name])
    before, ended = stored(parent), end_of(parent)
    for entry in parent.journal.stored[:-1]:
        fork = parent.fork(at=entry.seq, inflight="reuse")
        assert end_of(fork) == ended, f"{name}, forked at {entry.seq} ({entry.body} {entry.name})"
        assert fork.parent == parent
    assert stored(parent) == before
    assert len(parent.forks) == len(before) - 1


@pytest.mark.parametrize("name", CORPUS)
async def test_what_was_in_flight_can_be_done_again(name: str) -> None:
    parent = await record(CORPUS[name])
    cut = len(parent.journal.stored) // 2
    if name == "the_first_wins":
        cut = 0  # later, the slow one is about to be cancelled and may end first
    assert end_of(parent.fork(at=cut)) == end_of(parent)


async def test_an_output_is_replaced_and_the_rest_runs_on() -> None:
    parent = article.start("bees")
    await parent
    fork = parent.fork(outputs={"draft": "something else"})
    assert await fork == "SOMETHING ELSE"
    assert fork.journal[0].given
    assert not fork.journal[1].given
    assert await parent == "DRAFT ON BEES"
    again = fork.fork(at="polish", outputs={"polish": "a fork of a fork"})
    assert await again == "a fork of a fork"
    assert again.journal[0].output == "something else"
    assert again.parent == fork
    assert parent.forks == [fork]


async def test_a_step_can_be_made_to_fail() -> None:
    parent = article.start("bees")
    await parent
    with pytest.raises(agnt5.RunFailed, match="LookupError: no such topic"):
        await parent.fork(fail={"draft": LookupError("no such topic")})


async def test_another_input_shares_nothing() -> None:
    parent = article.start("bees")
    await parent
    fork = parent.fork(input="ants")
    assert await fork == "DRAFT ON ANTS"
    assert fork.input.args == ("ants",)
    assert parent.input.args == ("bees",)


async def test_state_is_set_at_the_cut() -> None:
    @flow
    async def counts(ctx: Context) -> list[Any]:
        await ctx.state.set("n", 1)
        await ctx.call(draft, "x")
        return [await ctx.state.get("n"), await ctx.state.keys()]

    parent = counts.start()
    assert await parent == [1, ["n"]]
    assert await parent.fork(at="draft", state={"n": 5, "extra": True}) == [5, ["extra", "n"]]
    assert await parent.fork(at="draft", state={"n": None}) == [None, []]
    with pytest.raises(ConfigurationError, match=r"'n' \(state_set\) waits for no answer.*`state=` changes state"):
        parent.fork(outputs={"n": 5})


async def test_a_changed_version_of_the_code_goes_on_from_the_shared_part() -> None:
    parent = article.start("bees")
    await parent

    @flow(name="article")
    async def shorter(ctx: Context, topic: str) -> str:
        text = await ctx.call(draft, topic)
        return text[:5]

    assert await parent.fork(at=2, code=shorter) == "draft"


async def test_code_that_asks_otherwise_in_the_shared_part_is_refused_before_anything_is_made() -> None:
    parent = article.start("bees")
    await parent

    @flow(name="article")
    async def otherwise(ctx: Context, topic: str) -> str:
        return await ctx.call(polish, topic)

    with pytest.raises(DivergenceError, match='recorded was step "draft".*asked for step "polish"') as refused:
        parent.fork(at="polish", code=otherwise)
    assert "return await ctx.call(polish, topic)" in str(refused.value), "the line of the new code"
    assert parent.forks == []
    assert await parent.fork(at=1, code=otherwise) == "BEES", "from the start nothing is shared"


async def test_steps_after_the_cut_have_keys_of_their_own() -> None:
    seen: list[str] = []

    def pay(amount: int) -> int:
        context = agnt5.current_context()
        assert context is not None
        seen.append(context.idempotency_key)
        return amount

    @flow
    async def pays(ctx: Context) -> int:
        return await ctx.call(pay, 1) + await ctx.call(pay, 2)

    parent = pays.start()
    await parent
    await parent.fork(at=2)
    assert len(seen) == 3
    assert len(set(seen)) == 3


async def test_timers_keep_the_time_they_had_left() -> None:
    @flow
    async def waits(ctx: Context) -> str:
        async with __import__("asyncio").timeout(30):
            before = ctx.now()
            await ctx.call(draft, "x")
            return f"{(ctx.now() - before).total_seconds() < 20}"

    parent = waits.start()
    assert await parent == "True"
    fork = parent.fork(at=2)
    assert await fork == "True"
    assert fork.journal[-1].started.timestamp() == pytest.approx(fork.created.timestamp(), abs=20)


@durable_object
class Basket:
    def __init__(self) -> None:
        self.items: list[str] = []

    async def add(self, item: str) -> list[str]:
        self.items.append(item)
        return self.items


@flow
async def shops(ctx: Context) -> list[str]:
    basket = await ctx.get_object(Basket, "ours")
    await basket.add("milk")
    await ctx.call(draft, "list")
    return await basket.add("bread")


async def test_objects_are_copies_as_they_were_at_the_cut() -> None:
    parent = shops.start()
    assert await parent == ["milk", "bread"]
    fork = parent.fork(at="draft")
    assert await fork == ["milk", "bread"], "the copy has not seen what came after the cut"
    assert await agnt5.get_object(Basket, "ours").add("eggs") == ["milk", "bread", "eggs"], "the object has not moved"
    below = fork.fork(at="draft")
    assert await below == ["milk", "bread"], "a fork of a fork copies the copy"
    live = parent.fork(at="draft", objects="live")
    assert await live == ["milk", "bread", "eggs", "bread"]


async def test_open_children_are_begun_again_under_the_fork() -> None:
    @flow
    async def helper(ctx: Context, name: str) -> str:
        return await ctx.call(draft, name)

    @flow
    async def asks(ctx: Context) -> str:
        return await ctx.call(polish, await ctx.call(helper, "child"))

    parent = asks.start()
    assert await parent == "DRAFT ON CHILD"
    fork = parent.fork(at=1)
    assert await fork == "DRAFT ON CHILD"
    assert len(agnt5.runs(component="helper")) == 2


async def test_events_after_the_cut_are_offered_again() -> None:
    @flow
    async def signs(ctx: Context) -> list[str]:
        await ctx.call(draft, "contract")
        return [await ctx.wait_for_event("name"), await ctx.wait_for_event("name")]

    parent = signs.start()
    agnt5.send_event("name", "ada", run=parent)
    agnt5.send_event("name", "bob", run=parent)
    assert await parent == ["ada", "bob"]
    assert await parent.fork(at=1) == ["ada", "bob"]
    assert await parent.fork(outputs={"name#2": "eve"}) == ["ada", "eve"]


async def test_a_function_can_be_forked_at_any_entry() -> None:
    @function
    async def gathers(ctx: Context, topic: str) -> str:
        text = await ctx.call(draft, topic)
        return await ctx.call(polish, text)

    parent = gathers.start("bees")
    assert await parent == "DRAFT ON BEES"
    executed.clear()
    assert await parent.fork(outputs={"polish": "else"}) == "else"


async def test_a_plan_says_what_would_run_and_writes_nothing() -> None:
    parent = article.start("bees")
    await parent
    plan = parent.plan_fork(at="draft")
    assert plan.cut == 2
    assert [command.path for command in plan.in_flight] == ["draft"]
    assert [command.path for command in plan.later] == ["draft", "polish"]
    assert "runs again  step     polish" in str(plan)
    assert len(agnt5.runs()) == 1


async def test_a_deleted_parent_leaves_its_forks_whole() -> None:
    parent = article.start("x" * 100_000)  # larger than what fits into an entry
    await parent
    fork = parent.fork(at="polish")
    await fork
    whole = stored(fork)
    parent.delete()
    assert stored(fork) == whole
    assert fork.parent is None
    assert fork.journal[0].output == "draft on " + "x" * 100_000
    fork.delete()
    assert agnt5.runs() == []


async def test_what_cannot_be_forked_is_said_in_a_sentence() -> None:
    parent = article.start("bees")
    await parent
    with pytest.raises(
        ConfigurationError,
        match=r'"draft" \(entry 1\) was answered before this fork begins: fork at entry 1 or earlier',
    ):
        parent.fork(at=4, outputs={"draft": "late"}, code=article)
    with pytest.raises(ConfigurationError, match="Did you mean 'polish'"):
        parent.fork(at=1, outputs={"polis": "typo"})
    with pytest.raises(ConfigurationError, match="Say where to fork"):
        parent.fork()
    with pytest.raises(ConfigurationError, match="with the path 'polis'. Did you mean 'polish'"):
        parent.fork(outputs={"polis": "typo"})
    with pytest.raises(ConfigurationError, match="from 0, or its path; it is -1"):
        parent.fork(at=-1)
    with pytest.raises(ConfigurationError, match="leave `at` out"):
        parent.fork(at=3, input="ants")
    with pytest.raises(ConfigurationError, match="another version of 'article'"):
        parent.fork(at=1, code=shops)
    with pytest.raises(ConfigurationError, match="are given by path"):
        parent.fork(outputs=["polish"])  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="both give a value and fail"):
        parent.fork(at=1, outputs={"draft": 1}, fail={"draft": ValueError()})
    with pytest.raises(agnt5.RunNotFound):
        Run("r_nowhere").fork(at=1)


async def test_a_fork_beyond_the_end_is_refused_and_names_the_last_entry() -> None:
    parent = article.start("bees")
    await parent
    last = parent.journal[-1]
    says = rf"has no entry 99: its last is {last.seq} \(polish\).*`agnt5 show {parent.id}`"
    for wrong in (parent.fork, parent.plan_fork):
        with pytest.raises(ConfigurationError, match=says):
            wrong(at=99)
    assert len(agnt5.runs()) == 1
    end = parent.journal.stored[-1].seq
    assert await parent.fork(at=end) == await parent, "the end itself is a place"


async def test_a_run_that_waits_is_forked_at_its_end() -> None:
    @flow
    async def signed(ctx: Context, topic: str) -> list[str]:
        return [await ctx.call(draft, topic), await ctx.wait_for_event("signed")]

    parent = signed.start("bees", run_id="r_waits")
    while parent.status != "waiting":
        await asyncio.sleep(0.01)
    for at in (parent.journal[-1], parent.journal[-1].seq, parent.journal.stored[-1].seq):
        fork = parent.fork(at=at)
        while fork.status != "waiting":
            await asyncio.sleep(0.01)
        agnt5.send_event("signed", "ada", run=fork)
        assert await fork == ["draft on bees", "ada"]
    with pytest.raises(ConfigurationError, match=r"its last is 3 \(signed\)"):
        parent.fork(at=parent.journal.stored[-1].seq + 1)
    parent.cancel()


async def test_a_plan_tells_places_by_the_numbers_that_the_journal_shows() -> None:
    parent = article.start("bees")
    await parent
    first, second = parent.journal
    assert str(parent.plan_fork(0)).startswith("forks at the start: one entry is shared\n")
    with pytest.raises(ConfigurationError, match="'nowhere'"):
        parent.plan_fork(0, outputs={"nowhere": "x"})
    told = str(parent.plan_fork(outputs={"polish": "x"}))
    assert told.startswith(f"forks at entry {second.seq}, polish: 2 entries are shared\n")
    with parent.replay() as replay:
        position = replay.step().position
    assert str(parent.plan_fork(position)).startswith(f"forks after entry {first.seq}, draft: 2 entries are shared")
    assert str(parent.plan_fork(input="ants")).startswith("forks at the start: nothing but the start is shared")


async def test_a_plan_leaves_out_what_a_given_call_would_have_asked() -> None:
    @function
    async def reviewed(ctx: Context, text: str) -> str:
        return await ctx.call(polish, await ctx.call(draft, text))

    @flow
    async def issue(ctx: Context, topic: str) -> str:
        return await ctx.call(polish, await ctx.call(reviewed, topic))

    parent = issue.start("bees")
    await parent
    plan = parent.plan_fork(outputs={"reviewed": "x"})
    assert {command.path for command in (*plan.in_flight, *plan.later)} == {"reviewed", "polish"}
    assert await parent.fork(outputs={"reviewed": "x"}) == "X"
    inside = parent.plan_fork(outputs={"reviewed/draft": "x"})
    assert {command.path for command in inside.later} >= {"reviewed/polish", "polish"}
