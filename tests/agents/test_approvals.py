"""A person in the loop: approve, refuse, edit, days later, from elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import agnt5
from agnt5 import Agent, ConfigurationError, Run, tool
from agnt5.agent import Approval, approvals
from agnt5.agent.approval import Decision, decision_of, pending
from agnt5.llm import ScriptedLLM

sent: list[tuple[str, int]] = []


@tool(requires_approval=True)
def pay(to: str, amount: int) -> str:
    """Send money."""
    sent.append((to, amount))
    return f"sent {amount} to {to}"


@tool
def look(at: str) -> str:
    """Look."""
    return f"looked at {at}"


def paying(*, times: int = 1) -> Run:
    sent.clear()
    llm = ScriptedLLM([{"tool": "pay", "arguments": {"to": "ann", "amount": 5}}] * times + ["done"])
    return Agent("cashier", "", [pay], llm=llm).start("pay ann")


async def question(run: Run, number: int = 1) -> Approval:
    for _ in range(400):
        for one in approvals(run):
            if one.number == number:
                return one
        await asyncio.sleep(0.01)
    raise AssertionError(f"no question in {run.journal}")


async def question_again(run: Run) -> Approval:
    """After a word that was none: the same question, in a second wait."""
    for _ in range(400):
        if [entry.ended is None for entry in run.journal if entry.kind == "event"] == [False, True]:
            return await question(run)
        await asyncio.sleep(0.01)
    raise AssertionError(f"no second question in {run.journal}")


async def test_a_call_waits_for_a_person() -> None:
    run = paying()
    asked = await question(run)
    assert (asked.tool, asked.arguments, asked.agent) == ("pay", {"to": "ann", "amount": 5}, "cashier")
    assert run.status == "waiting"
    assert sent == []
    asked.approve()
    assert await run == "done"
    assert sent == [("ann", 5)]


async def test_the_same_question_of_two_runs_is_the_same_in_a_diff() -> None:
    one, two = paying(), paying()
    for run in (one, two):
        (await question(run)).approve()
        await run
    diff = one.diff(two)
    assert [(row.entry.kind, row.kind) for row in diff][:2] == [("step", "same"), ("event", "same")]


async def test_a_refusal_and_its_reason_reach_the_model() -> None:
    run = paying()
    (await question(run)).deny("too much")
    answer = await run
    assert sent == []
    assert answer.messages[2].content == "A person refused this call: too much"
    assert answer.messages[2].failed


async def test_arguments_are_edited_and_checked() -> None:
    run = paying()
    asked = await question(run)
    asked.approve({"to": "ann", "amount": "lots"})
    (await question_again(run)).approve({"to": "ann", "amount": 1})
    answer = await run
    assert sent == [("ann", 1)]
    assert '"amount":1' in answer.messages[2].text


async def test_questions_of_one_run_have_numbers() -> None:
    run = paying(times=2)
    (await question(run, 1)).approve()
    (await question(run, 2)).deny()
    await run
    assert sent == [("ann", 5)]


async def test_an_agent_asks_before_every_call_or_those_that_a_function_names() -> None:
    def asks_before(name: str, arguments: dict[str, Any]) -> bool:
        return arguments["at"] == "secrets"

    def script() -> ScriptedLLM:
        return ScriptedLLM(
            [{"tool": "look", "arguments": {"at": "stars"}}, {"tool": "look", "arguments": {"at": "secrets"}}, "ok"]
        )

    every = Agent("every", "", [look], human_in_loop=True, llm=script()).start("go")
    (await question(every, 1)).approve()
    (await question(every, 2)).approve()
    await every
    some = Agent("some", "", [look], human_in_loop=asks_before, llm=script()).start("go")
    (await question(some, 2)).approve()
    await some


async def test_questions_of_agents_below_are_found_from_above() -> None:
    llm = ScriptedLLM([{"tool": "pay", "arguments": {"to": "bob", "amount": 1}}, "paid"])
    below = Agent("below", "", [pay], llm=llm)
    above = Agent("above", "", [below], llm=ScriptedLLM([{"tool": "below", "arguments": {"prompt": "pay"}}, "fine"]))
    run = above.start("go")
    asked = await question(run)
    assert asked.agent == "below"
    asked.approve()
    assert await run == "fine"


async def test_asking_for_what_is_not_there_is_said() -> None:
    run = paying(times=2)
    await question(run)
    with pytest.raises(ConfigurationError, match="asks no question 7 now; say which by its number: 1: cashier wants"):
        pending(run, 7)
    with pytest.raises(ConfigurationError, match="values by name, as in .*, not 'amount=5'"):
        pending(run, 1).approve("amount=5")  # type: ignore[arg-type]
    pending(run, None).approve()
    (await question(run, 2)).approve()
    await run
    with pytest.raises(ConfigurationError, match="waits for no approval: it is completed"):
        pending(run, None)


async def test_a_bare_event_is_a_word_too() -> None:
    run = paying()
    asked = await question(run)
    agnt5.send_event(asked.event, "what?", run=run)
    assert (await question_again(run)).event == asked.event
    agnt5.send_event(asked.event, "yes", run=run)
    await run
    assert sent == [("ann", 5)]


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        (True, Decision(True)),
        (False, Decision(False)),
        ("Approve", Decision(True)),
        ("deny", Decision(False)),
        ({"approve": True}, Decision(True)),
        ({"approve": False, "reason": "no"}, Decision(False, "no")),
        ({"deny": "never"}, Decision(False, "never")),
        ({"arguments": {"a": 1}}, Decision(True, "", {"a": 1})),
        ({"approve": True, "arguments": {"a": 1}}, Decision(True, "", {"a": 1})),
        ({"approve": " No "}, Decision(False)),
        ({"approve": "yes", "arguments": None}, Decision(True)),
        ({"approve": False, "arguments": {"a": 1}}, Decision(False)),
        ({"deny": True, "approve": True}, Decision(False)),
        ({"deny": False, "arguments": {"a": 1}}, Decision(True, "", {"a": 1})),
        (None, None),
        ({"a": 1}, None),
        ({"approve": None}, None),
        ({"approve": "later"}, None),
        ({"approve": {"sure": False}}, None),
        ({"approve": True, "arguments": "a=1"}, None),
        ("perhaps", None),
    ],
)
def test_words_of_people(payload: Any, word: Decision | None) -> None:
    assert decision_of(payload) == word


async def test_a_run_tells_its_questions_and_takes_the_answers() -> None:
    run = paying(times=2)
    await question(run)
    assert [str(one) for one in run.approvals] == ["1: cashier wants pay(to='ann', amount=5)"]
    assert run.approve(arguments={"to": "ann", "amount": 2}).number == 1
    await question(run, 2)
    run.deny(2, "enough")
    answer = await run
    assert sent == [("ann", 2)]
    assert answer.messages[-2].text.endswith("enough")
    assert run.approvals == []
    with pytest.raises(ConfigurationError, match="waits for no approval: it is completed"):
        run.approve()


async def test_a_fork_of_a_waiting_run_is_answered_by_itself() -> None:
    sent.clear()
    call = {"tool": "pay", "arguments": {"to": "ann", "amount": 5}}
    llm = ScriptedLLM(lambda request: call if len(request.turns) == 1 else "done")
    run = Agent("forked cashier", "", [pay], llm=llm).start("pay ann")
    await question(run)
    fork = run.fork(at=run.journal[-1])
    (await question(fork)).approve()
    assert await fork == "done"
    assert sent == [("ann", 5)]
    assert run.status == "waiting"
    run.deny()
    await run


async def test_two_questions_of_one_number_below_name_their_runs() -> None:
    def child(name: str) -> Agent:
        llm = ScriptedLLM([{"tool": "pay", "arguments": {"to": name, "amount": 1}}, "paid"])
        return Agent(name, "", [pay], llm=llm)

    @agnt5.flow
    async def both(ctx: agnt5.Context) -> list[Any]:
        return await ctx.spawn([(child_a, "go"), (child_b, "go")])

    sent.clear()
    child_a, child_b = child("ann"), child("bob")
    run = both.start()
    for _ in range(400):
        if len(run.approvals) == 2:
            break
        await asyncio.sleep(0.01)
    with pytest.raises(ConfigurationError, match=r"answer in theirs: 1: ann wants .* \(in run r_"):
        run.approve(1)
    for one in run.approvals:
        agnt5.get_run(one.run_id).approve(1)
    assert await run == ["paid", "paid"]
