"""Answers in a form: what the provider is asked to hold the model to, and what the answer becomes."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

import pydantic
import pytest

from agnt5.errors import ConfigurationError, OutputInvalid
from agnt5.llm import Reply, ToolSpec, create_llm
from llm.canary import KEY
from llm.wire import Answer, Call, OpenAIDialect, WireServer


class Mood(enum.Enum):
    SUNNY = "sunny"
    GREY = "grey"


@dataclass
class Place:
    city: str
    altitude: int | None = None
    tags: list[str] = field(default_factory=list[str])
    mood: Mood = Mood.GREY


class Trip(TypedDict):
    name: str
    stops: list[Place]


class Ticket(pydantic.BaseModel):
    seat: str = pydantic.Field(max_length=4, description="Row and letter.")
    price: float = 0.0
    back: Ticket | None = None


SCHEMA = {
    "title": "Größe!",
    "type": "object",
    "properties": {"size": {"type": "integer", "minimum": 0, "default": 3}},
    "required": ["size"],
}

CASES: list[tuple[Any, str, Any]] = [
    (Place, '{"city": "Bern", "altitude": 540, "tags": ["a"], "mood": "sunny"}', Place("Bern", 540, ["a"], Mood.SUNNY)),
    (Trip, '{"name": "t", "stops": [{"city": "Bern"}]}', {"name": "t", "stops": [Place("Bern")]}),
    (Ticket, '{"seat": "4F", "price": 2, "back": {"seat": "5A"}}', Ticket(seat="4F", price=2, back=Ticket(seat="5A"))),
    (SCHEMA, '{"size": 4}', {"size": 4}),
    (list[int], '{"value": [1, 2]}', [1, 2]),
    (Literal["yes", "no"], '{"value": "yes"}', "yes"),
    (Place | None, '{"value": null}', None),
    (Place, '```json\n{"city": "Bern"}\n```', Place("Bern")),
]


@pytest.mark.parametrize(("form", "text", "value"), CASES, ids=lambda one: str(getattr(one, "__name__", one))[:24])
async def test_an_answer_in_a_form(form: Any, text: str, value: Any) -> None:
    with WireServer(OpenAIDialect(), Answer(text), Answer(text)) as server:
        llm = create_llm("openai", "gpt-5.4", api_key=KEY, base_url=f"{server.url}/v1")
        reply = await llm.generate("x", response_format=form)
        *_, streamed = [item async for item in llm.stream("x", response_format=form)]
    assert reply.output == value
    assert type(reply.output) is type(value)
    assert reply.text == text
    assert isinstance(streamed, Reply)
    assert streamed.output == value
    for request in server.requests:
        asked = request.json["response_format"]
        assert asked["type"] == "json_schema"
        assert asked["json_schema"]["strict"] is True
        assert asked["json_schema"]["name"].replace("_", "").replace("-", "").isascii()
        assert 0 < len(asked["json_schema"]["name"]) <= 64
        for one in objects_in(asked["json_schema"]["schema"]):
            assert one["additionalProperties"] is False
            assert one["required"] == list(one["properties"])


def objects_in(schema: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if isinstance(schema, dict):
        found += [schema] if schema.get("type") == "object" else []
        for value in schema.values():
            found += objects_in(value)
    if isinstance(schema, list):
        for value in schema:
            found += objects_in(value)
    return found


async def test_a_form_that_cannot_be_strict_goes_out_as_it_is() -> None:
    with WireServer(OpenAIDialect(), Answer('{"a": 1}')) as server:
        llm = create_llm("openai", "gpt-5.4", api_key=KEY, base_url=f"{server.url}/v1")
        reply = await llm.generate("x", response_format=dict[str, int])
    assert reply.output == {"a": 1}
    asked = server.last.json["response_format"]["json_schema"]
    assert asked["strict"] is False
    assert asked["schema"]["additionalProperties"] == {"type": "integer"}


@pytest.mark.parametrize(
    ("form", "text", "problem"),
    [
        (Place, "Bern is nice.", "no JSON"),
        (Place, '{"altitude": 3}', "does not fit Place: .*city"),
        (Place, '{"city": "B", "tags": ["a", 3]}', r"\$.tags\[1\]"),
        (Ticket, '{"seat": "far too long"}', "seat: .*at most 4"),
        (SCHEMA, '{"size": -1}', r"\$.size: -1 is less than the minimum"),
        (list[int], "[1]", 'key "value"'),
    ],
)
async def test_an_answer_that_breaks_its_form(form: Any, text: str, problem: str) -> None:
    with WireServer(OpenAIDialect(), Answer(text), Answer(text)) as server:
        llm = create_llm("openai", "gpt-5.4", api_key=KEY, base_url=f"{server.url}/v1")
        with pytest.raises(OutputInvalid, match=problem) as caught:
            await llm.generate("x", response_format=form)
        with pytest.raises(OutputInvalid, match=problem):
            _ = [item async for item in llm.stream("x", response_format=form)]
    assert caught.value.text == text
    assert isinstance(caught.value, ValueError)


async def test_an_answer_that_was_cut_off_says_what_to_do() -> None:
    with WireServer(OpenAIDialect(), Answer('{"city": "Be', finish="length", output=20)) as server:
        llm = create_llm("openai", "gpt-5.4", api_key=KEY, base_url=f"{server.url}/v1")
        with pytest.raises(
            OutputInvalid, match="cut off after 20 tokens, before it was whole: raise max_tokens="
        ) as it:
            await llm.generate("x", response_format=Place, max_tokens=20)
    assert it.value.text == '{"city": "Be'


async def test_calls_come_before_the_form() -> None:
    tool = ToolSpec("look", "Looks.", {"type": "object", "properties": {}})
    with WireServer(OpenAIDialect(), Answer("", (Call("look"),))) as server:
        llm = create_llm("openai", "gpt-5.4", api_key=KEY, base_url=f"{server.url}/v1")
        reply = await llm.generate("x", tools=[tool], response_format=Place)
    assert reply.tool_calls
    assert reply.output is None


@pytest.mark.parametrize("form", [complex, {"type": "array"}, {"type": "object", "properties": 3}, object()])
async def test_what_is_no_form_is_found_before_anything_is_sent(form: Any) -> None:
    with WireServer(OpenAIDialect()) as server:
        llm = create_llm("openai", "gpt-5.4", api_key=KEY, base_url=f"{server.url}/v1")
        with pytest.raises(ConfigurationError):
            await llm.generate("x", response_format=form)
        assert server.count == 0
