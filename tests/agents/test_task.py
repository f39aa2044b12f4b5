"""Tasks: texts to validated values, mended when an answer does not fit, one or many at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

import pytest
from pydantic import BaseModel, Field

import agnt5
from agnt5 import ConfigurationError, ContentRefused, OutputInvalid, ProviderAuthError, Task, Tool, flow
from agnt5.llm import Image, Request, ScriptedLLM
from agnt5.testing import MockContext


@dataclass
class Invoice:
    seller: str
    total: float


class Place(BaseModel):
    city: str
    floors: int = Field(ge=1)


class Song(TypedDict):
    title: str


GOOD = '{"seller": "Ada", "total": 3}'


async def test_text_becomes_a_value_of_the_type() -> None:
    llm = ScriptedLLM([GOOD])
    invoices = Task(output=Invoice, instructions="Euros.", llm=llm)
    run = invoices.start("Ada asks for three euros.")
    assert await run == Invoice("Ada", 3.0)
    assert run.component == "Invoice"
    assert [message.text for message in llm.requests[0].messages] == ["Euros.", "Ada asks for three euros."]
    assert llm.requests[0].schema is not None
    assert llm.requests[0].schema["required"] == ["seller", "total"]
    assert [entry.path for entry in run.journal] == ["chat"]


@pytest.mark.parametrize(
    ("output", "name", "text", "value"),
    [
        (Place, None, '{"city": "Rome", "floors": 2}', Place(city="Rome", floors=2)),
        (Song, None, '{"title": "Air"}', {"title": "Air"}),
        (Literal["spam", "ham"], "sort", '{"value": "ham"}', "ham"),
        (list[Invoice], "invoices", f'{{"value": [{GOOD}]}}', [Invoice("Ada", 3.0)]),
        ({"title": "age", "type": "object", "required": ["age"]}, None, '{"age": 3}', {"age": 3}),
    ],
    ids=["pydantic", "typed-dict", "literal", "list", "json-schema"],
)
async def test_values_of_many_types(output: Any, name: str | None, text: str, value: Any) -> None:
    run = Task(output=output, name=name, llm=ScriptedLLM([text])).start("?")
    assert await run == value
    assert type(await run) is type(value)
    assert run.result() == value


async def test_an_answer_that_does_not_fit_is_mended() -> None:
    llm = ScriptedLLM(["about three euros", '{"seller": "Ada"}', f"```json\n{GOOD}\n```"])
    run = Task(output=Invoice, llm=llm).start("?")
    assert await run == Invoice("Ada", 3.0)
    assert len(run.journal) == 3
    first, second = llm.requests[1].messages[-2:], llm.requests[2].messages[-2:]
    assert (first[0].role, first[0].text) == ("assistant", "about three euros")
    assert "is no JSON" in first[1].text
    assert second[0].text == '{"seller": "Ada"}'
    assert "missing required field `total`" in second[1].text


async def test_repairs_end_and_the_last_answer_is_kept() -> None:
    llm = ScriptedLLM(["no"], repeat=True)
    with pytest.raises(agnt5.RunFailed, match="OutputInvalid: The answer is no JSON") as failed:
        await Task(output=Invoice, llm=llm, max_repairs=1).run("?")
    assert len(llm.requests) == 2
    assert isinstance(failed.value.__cause__, OutputInvalid)
    assert failed.value.__cause__.text == "no"


async def test_a_replay_gives_the_same_value_and_asks_nobody() -> None:
    llm = ScriptedLLM(["no", GOOD])
    run = Task(output=Invoice, llm=llm).start("?")
    await run
    replay = run.replay()
    replay.run_to_end()
    assert len(llm.requests) == 2
    assert run.result() == Invoice("Ada", 3.0)


async def test_pictures_and_texts_are_read_together() -> None:
    llm = ScriptedLLM([GOOD])
    await Task(output=Invoice, llm=llm).run(["What does it say?", Image(data=b"png")])
    assert [type(part).__name__ for part in llm.requests[0].messages[1].parts] == ["Text", "Image"]


def numbers(request: Request) -> str:
    """Answers with the number that it is asked; every fifth one never fits."""
    asked = request.turns[0].text
    return "?" if int(asked) % 5 == 0 else json.dumps({"seller": asked, "total": int(asked)})


async def test_many_texts_are_read_in_one_run_in_order() -> None:
    llm = ScriptedLLM(numbers)
    run = Task(output=Invoice, llm=llm).start_map((str(n) for n in range(1, 5)), concurrency=2)
    assert await run == [Invoice(str(n), float(n)) for n in range(1, 5)]
    assert len(run.journal) == 4
    assert await Task(output=Invoice, llm=llm).map([]) == []


async def test_no_more_are_asked_at_a_time_than_allowed() -> None:
    import asyncio

    now: list[int] = [0, 0]

    async def busy(request: Request) -> str:
        now[0] += 1
        now[1] = max(now)
        await asyncio.sleep(0.005)
        now[0] -= 1
        return GOOD

    await Task(output=Invoice, llm=ScriptedLLM(busy)).map(["x"] * 20, concurrency=3)
    assert now == [0, 3]


async def test_one_text_that_fails_does_not_stop_the_others() -> None:
    llm = ScriptedLLM(numbers)
    invoices = Task(output=Invoice, llm=llm, max_repairs=0)
    found = await invoices.map(map(str, range(7)), return_exceptions=True)
    assert [position for position, one in enumerate(found) if isinstance(one, OutputInvalid)] == [0, 5]
    assert found[6] == Invoice("6", 6.0)
    run = invoices.start_map(map(str, range(7)))
    with pytest.raises(agnt5.RunFailed, match="2 of 7 items of the task 'Invoice' failed") as failed:
        await run
    group = failed.value.__cause__
    assert isinstance(group, ExceptionGroup)
    assert [(one.item, one.text) for one in group.exceptions] == [(0, "?"), (5, "?")]  # type: ignore[attr-defined]


async def test_a_rerun_asks_only_where_no_answer_came() -> None:
    down = True
    asked: list[str] = []

    def flaky(request: Request) -> Any:
        asked.append(request.turns[0].text)
        return ContentRefused("not that") if down and asked[-1] == "b" else GOOD

    run = Task(output=Invoice, llm=ScriptedLLM(flaky)).start_map(["a", "b", "c"])
    with pytest.raises(agnt5.RunFailed, match="1 of 3 items"):
        await run
    down = False
    asked.clear()
    again = run.rerun()
    assert await again == [Invoice("Ada", 3.0)] * 3
    assert asked == ["b"]


async def test_a_refused_key_stops_all_at_once() -> None:
    llm = ScriptedLLM([ProviderAuthError("no such key")] * 2)
    with pytest.raises(agnt5.RunFailed, match="ProviderAuthError: no such key"):
        await Task(output=Invoice, llm=llm).map(["a", "b", "c", "d"], concurrency=1)
    assert len(llm.requests) == 1


async def test_in_a_flow_a_task_is_a_child_run() -> None:
    invoices = Task(output=Invoice, llm=ScriptedLLM([GOOD] * 3))

    @flow
    async def office(ctx: Any) -> float:
        one = await ctx.call(invoices, "a")
        many = await invoices.map(["b", "c"])
        return one.total + sum(found.total for found in many)

    run = office.start()
    assert await run == 9.0
    assert [(entry.kind, entry.name) for entry in run.journal] == [("child", "Invoice"), ("child", "Invoice.map")]


async def test_a_task_is_a_tool_too() -> None:
    reader = Tool(
        name="read_invoice", function=Task(output=Invoice, instructions="Reads invoices.", llm=ScriptedLLM([GOOD]))
    )
    assert reader.spec.description == "Reads invoices."
    assert reader.spec.parameters["properties"] == {"text": {"type": "string"}}
    assert await reader.run("a") == Invoice("Ada", 3.0)


async def test_in_a_mock_context_the_script_of_the_test_answers() -> None:
    with MockContext(llm=ScriptedLLM([GOOD])):
        assert await Task(output=Invoice).run("?") == Invoice("Ada", 3.0)


PROGRAM = """
import os, sys
from dataclasses import dataclass
import agnt5
from agnt5.llm import ScriptedLLM

@dataclass
class Invoice:
    seller: str
    total: float

def answer(request):
    with open("asked", "a") as file:
        file.write(request.messages[-1].text[:1] + "\\n")
    if sys.argv[1] == "die" and len(request.messages) > 2:
        os.kill(os.getpid(), 9)
    return '{"seller": "Ada", "total": 3}' if len(request.messages) > 2 else "?"

task = agnt5.Task(output=Invoice, llm=ScriptedLLM(answer))
run = task.start("x", run_id="the-one") if sys.argv[1] == "die" else agnt5.get_run("the-one")
print(run.result())
"""


def test_killed_in_a_repair_it_goes_on_without_asking_again(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = os.environ | {"AGNT5_HOME": str(tmp_path / ".agnt5")}

    def once(how: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "program.py", how]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)

    assert once("die").returncode == -9
    after = once("resume")
    assert after.stdout == "Invoice(seller='Ada', total=3.0)\n", after.stderr
    assert (tmp_path / "asked").read_text().split() == ["x", "T", "T"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Task(output=bool, llm=ScriptedLLM()), "needs a name"),
        (lambda: Task(output=list[str], llm=ScriptedLLM()), "needs a name"),
        (lambda: Task(output=Invoice, max_repairs=-1), "from 0"),
        (lambda: Task(output=object(), name="x"), "has no JSON schema"),
        (lambda: Task(output=Invoice).start("x"), "No model is configured"),
        (lambda: Task(output=Invoice, llm=ScriptedLLM()).map("abc"), "many texts"),
        (lambda: Task(output=Invoice, llm=ScriptedLLM()).map(["a"], concurrency=0), "from 1"),
    ],
)
def test_what_cannot_work_is_refused_before_a_run(make: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGNT5_MODEL", raising=False)
    with pytest.raises(ConfigurationError, match=words):
        make()
    assert agnt5.runs() == []
