"""What a model reads of what tools give and raise: any value, the same in every process, and never a failure."""

from __future__ import annotations

import asyncio
import datetime
import enum
import math
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import agnt5
from agnt5 import Agent, Secret, Tool
from agnt5.agent.rendering import LONGEST, error_text, rendered
from agnt5.llm import Image, Message, ScriptedLLM, Text
from agnt5.testing import assert_replays


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Place:
    name: str
    at: tuple[float, float]


class Page(BaseModel):
    title: str
    day: datetime.date


class Opaque:
    """A registered type whose repr tells where it lies in memory."""

    def __init__(self, size: int) -> None:
        self.size = size


class Broken:
    def to_dict(self) -> dict[str, Any]:
        raise RuntimeError("no")


agnt5.register_type(Opaque, encode=lambda one: one.size, decode=Opaque)

VALUES: list[tuple[Any, str]] = [
    (None, ""),
    ("text", "text"),
    (b"also text", "also text"),
    (b"\x00\xff", "AP8="),
    ({1: "a", (1, 2): "b", None: "c"}, '{"1":"a","[1,2]":"b","null":"c"}'),
    ({"b": {3, 1, "x"}, "a": (1, 2)}, '{"b":["x",1,3],"a":[1,2]}'),
    ([math.nan, math.inf, 1.5], "[null,null,1.5]"),
    (2**80, str(2**80)),
    (Decimal("1.20"), '"1.20"'),
    (Path("/tmp/x"), '"/tmp/x"'),
    (Colour.RED, '"red"'),
    (Place("here", (1.0, 2.0)), '{"name":"here","at":[1.0,2.0]}'),
    (Page(title="t", day=datetime.date(2024, 1, 2)), '{"title":"t","day":"2024-01-02"}'),
    (datetime.timedelta(seconds=3), '"PT3S"'),
    ("half \ud800 of one", "half \N{REPLACEMENT CHARACTER} of one"),
    ({"k": "\ud83d\ude00"}, '{"k":"\N{GRINNING FACE}"}'),
    (Secret("RENDERED_SECRET", "never-to-be-seen"), "\"Secret('RENDERED_SECRET')\""),
    (Broken(), '"<Broken>"'),
    (np.arange(3), "[0,1,2]"),
    (np.float64(1.5), "1.5"),
    (pd.Series([1.0, math.nan]), '{"0":1.0,"1":null}'),
    (pd.DataFrame({"n": [1, 2], "t": pd.to_datetime(["2024-01-01", None])}),
     '[{"n":1,"t":"2024-01-01T00:00:00"},{"n":2,"t":null}]'),
    (pd.DataFrame({"n": [1]}, index=pd.Index(["a"], name="who")), '[{"who":"a","n":1}]'),
    (pd.DataFrame({("a", "b"): [1]}), '[{"[\\"a\\",\\"b\\"]":1}]'),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), VALUES, ids=lambda one: type(one).__name__)
def test_values_are_told_as_text_or_json(value: Any, text: str) -> None:
    content = rendered(value)
    assert isinstance(content, str)
    assert content == text


def test_pictures_are_parts_whatever_stands_beside_them() -> None:
    picture = Image(data=b"png")
    assert rendered(picture) == (picture,)
    assert rendered(["a map", picture, {"n": 1}]) == (Text("a map"), picture, Text('{"n":1}'))
    assert rendered([Text("a"), Text("b")]) == (Text("a"), Text("b"))


def test_long_results_are_cut_and_say_so() -> None:
    content = rendered("x" * (LONGEST + 5))
    assert isinstance(content, str)
    assert content.endswith("\n[5 more characters were cut]")


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals() | st.dates(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers() | st.none() | st.booleans() | st.tuples(st.integers()), inner)
        | st.frozensets(st.text() | st.integers())
    ),
)


@given(JSON_LIKE)
def test_no_value_is_a_failure_and_all_can_be_sent(value: Any) -> None:
    content = rendered(value)
    assert isinstance(content, str)
    content.encode()


def test_all_members_of_a_group_are_told() -> None:
    group = ExceptionGroup("both", [ValueError("first"), ExceptionGroup("inner", [KeyError("second")])])
    text = error_text(group)
    assert "ValueError: first" in text
    assert "KeyError: 'second'" in text


def giving(value: Any) -> Tool[..., Any]:
    def give() -> Any:
        """Give something."""
        return value

    return Tool(name="give", function=give)


@pytest.mark.parametrize("value", [Opaque(3), {2: "b", 1: "a"}, {"a", 1}, b"\xff", pd.DataFrame({"n": [1]}), Path("x")])
async def test_a_tool_that_did_its_work_has_not_failed_and_replays_the_same(value: Any) -> None:
    run = Agent("giver", "", [giving(value)], llm=ScriptedLLM([{"tool": "give"}, "done"])).start("go")
    answer = await run
    assert not answer.messages[2].failed
    assert_replays(run)


async def test_calls_of_one_conversation_have_ids_of_their_own() -> None:
    llm = ScriptedLLM(lambda request: [_call(), _call()] if len(request.messages) < 5 else "done")
    run = Agent("twice", "", [giving("x")], llm=llm).start("go")
    answer = await run
    ids = [call.id for call in answer.tool_calls]
    assert len(ids) == 4
    assert len(set(ids)) == 4
    assert [one.tool_call_id for one in answer.messages if one.role == "tool"] == ids
    assert_replays(run)
    assert run.journal.conversation(run.journal.chats[-1]) == answer.messages
    fork = run.fork(outputs={"chat#2": {"tool": "give"}, "chat": {"tool": "give"}})
    forked = await asyncio.wait_for(fork, 30)
    assert len({call.id for call in forked.tool_calls}) == len(forked.tool_calls)


def _call() -> Any:
    from agnt5.llm.types import tool_call

    return tool_call("call_0", "give", {})


def test_a_message_without_calls_is_left_alone() -> None:
    from agnt5.chat import distinct

    message = Message("assistant", "hi")
    assert distinct(message, [message]) is message
