"""What a model is told of a function, and what becomes of what it sends."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

import msgspec
import pytest
from annotated_types import Gt
from pydantic import BaseModel, Field

import agnt5
from agnt5 import Context, Tool, ToolArgumentError, flow, registry, tool

if TYPE_CHECKING:
    from decimal import Decimal as OnlyForCheckers


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Filters(TypedDict, total=False):
    author: str
    year: int


@dataclass
class Point:
    x: int
    y: int = 0


class Address(BaseModel):
    street: str
    number: int


class Person(BaseModel):
    name: str
    homes: list[Address] = []


@tool
def browse(query: str, limit: int = 5) -> list[str]:
    """Search the web.

    Prefers new pages.

    Args:
        query: What to look for,
            in plain words.
        limit: How many results.

    Returns:
        Addresses.
    """
    return [f"{query}/{number}" for number in range(limit)]


def shipped(
    to: Person,
    at: Point | None = None,
    colour: Colour = Colour.RED,
    filters: Filters | None = None,
    speed: Literal["slow", "fast"] = "slow",
    weight: Annotated[float, msgspec.Meta(gt=0, description="In kilograms.")] = 1.0,
    note: Annotated[str, "For the driver."] = "",
    anything=None,  # type: ignore[no-untyped-def]
    **extra: int,
) -> str:
    return f"{to.name} {at} {colour} {filters} {speed} {weight} {note} {anything} {extra}"


# What a model is told


def test_the_schema_comes_from_signature_and_docstring() -> None:
    spec = browse.spec
    assert (spec.name, spec.description) == ("browse", "Search the web.\n\nPrefers new pages.")
    assert spec.parameters == {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What to look for, in plain words."},
            "limit": {"type": "integer", "description": "How many results.", "default": 5},
        },
        "required": ["query"],
        "additionalProperties": False,
    }


NUMPY = """Do it.

    Parameters
    ----------
    place : str
        Where to do it.
    """
RST = """Do it.

    :param place: Where to do it.
    :returns: nothing
    """
GOOGLE = """Do it.

    Args:
        place (str): Where to do it.
    """


@pytest.mark.parametrize("text", [NUMPY, RST, GOOGLE], ids=["numpy", "rst", "google"])
def test_docstrings_of_each_style_describe_parameters(text: str) -> None:
    def act(place: str) -> None: ...

    act.__doc__ = text
    spec = Tool(function=act).spec
    assert spec.description == "Do it."
    assert spec.parameters["properties"]["place"]["description"] == "Where to do it."


def test_rich_annotations_have_a_schema() -> None:
    schema = Tool(function=shipped).spec.parameters
    properties = schema["properties"]
    assert properties["to"]["properties"]["homes"]["items"] == {"$ref": "#/$defs/Person_Address"}
    assert properties["at"]["anyOf"] == [{"$ref": "#/$defs/Point"}, {"type": "null"}]
    assert properties["speed"] == {"enum": ["fast", "slow"], "default": "slow"}
    assert properties["weight"] == {
        "type": "number",
        "exclusiveMinimum": 0,
        "description": "In kilograms.",
        "default": 1.0,
    }
    assert properties["note"]["description"] == "For the driver."
    assert properties["anything"] == {"default": None}
    assert set(schema["$defs"]) == {"Person_Address", "Point", "Colour", "Filters"}
    assert schema["$defs"]["Colour"]["enum"] == ["blue", "red"]
    assert schema["additionalProperties"] == {"type": "integer"}
    assert schema["required"] == ["to"]


def test_the_context_and_what_partial_filled_in_are_hidden() -> None:
    async def settle(ctx: Context, amount: int, account: str, key: str = "") -> str:
        """Settle."""
        return f"{amount} {account} {key} {ctx is not None}"

    paying = Tool(name="settle", function=functools.partial(settle, key="canary"))
    assert list(paying.spec.parameters["properties"]) == ["amount", "account"]
    assert "canary" not in str(paying.spec)
    assert paying.spec.description == "Settle."
    with pytest.raises(ToolArgumentError, match="key: is not a parameter"):
        paying.validate({"amount": 1, "account": "a", "key": "mine"})


def test_annotations_that_nobody_needs_may_be_unknown() -> None:
    def convert(ctx: UnknownContext, amount: str) -> OnlyForCheckers: ...  # type: ignore[name-defined]  # noqa: F821

    assert list(Tool(function=convert).spec.parameters["properties"]) == ["amount"]


class Library:
    def __init__(self, books: list[str]) -> None:
        self.books = books

    @tool
    def has(self, title: str) -> bool:
        """Whether a book is here."""
        return title in self.books


async def test_a_method_is_a_tool_of_its_instance() -> None:
    here, there = Library(["Emma"]).has, Library(["Dune"]).has
    assert list(here.spec.parameters["properties"]) == ["title"]
    assert (here("Emma"), there("Emma")) == (True, False)
    assert registry.find("has") is None

    @flow
    async def glance(ctx: Any) -> list[bool]:
        return [await ctx.call(here, "Emma"), await there.invoke(ctx, {"title": "Emma"})]

    assert await glance.run() == [True, False]


def no_name(*items: str) -> None: ...


def by_position(item: str, /) -> None: ...


class Row(msgspec.Struct):
    id: int


def rows(found: list[Row]) -> None: ...


def defaulted(seats: int = Field(ge=1)) -> None: ...


def unclear(item: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821


def connected(client: Callable[[int], int]) -> None: ...


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Tool(function=no_name), r"no_name: a model names each argument, so `\*items`"),
        (lambda: Tool(function=by_position), "by_position: a model names each argument"),
        (lambda: Tool(function=lambda x: x), "<lambda>.* is no name for a tool"),
        (lambda: Tool(name="a b", function=browse), "1 to 64 letters"),
        (lambda: Tool(name="x"), "needs a function"),
        (lambda: Tool(function=browse, timeout=0), "above 0"),
        (lambda: Tool(function=browse, retry=0), "max_attempts"),
        (lambda: Tool(function=unclear).spec, "'Nowhere' is not defined"),
        (lambda: Tool(function=rows).spec, "'found' holds Row, a msgspec.Struct"),
        (lambda: Tool(function=defaulted).spec, r"Write `seats: Annotated\[type, Field"),
        (lambda: Tool(function=connected).spec, "the parameter 'client' cannot be told a model"),
        (lambda: Tool("x", browse, parameters={"type": "array"}), '"type": "object"'),
        (lambda: Tool("x", browse, parameters={"type": "object", "required": 3}), "is wrong"),
    ],
)
def test_what_no_model_could_use_is_refused(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(agnt5.ConfigurationError, match=words):
        make()


def test_pydantic_fields_on_plain_types_are_understood() -> None:
    def book(
        seats: Annotated[int, Field(ge=1, le=9, description="How many.")],
        code: Annotated[str, Field(min_length=2, pattern="^[A-Z]+$")] = "AB",
        price: Annotated[float | None, Gt(0), Field(description="Euros.")] = None,
        rows: list[Annotated[int, Field(le=30)]] = [],  # noqa: B006
    ) -> None: ...

    booking = Tool(function=book)
    properties = booking.spec.parameters["properties"]
    assert properties["seats"] == {"type": "integer", "minimum": 1, "maximum": 9, "description": "How many."}
    assert properties["code"] == {"type": "string", "minLength": 2, "pattern": "^[A-Z]+$", "default": "AB"}
    assert properties["price"]["description"] == "Euros."
    assert properties["price"]["anyOf"][0] == {"type": "number", "exclusiveMinimum": 0}
    assert booking.validate({"seats": "3", "price": None}) == {"seats": 3, "price": None}
    with pytest.raises(ToolArgumentError) as error:
        booking.validate({"seats": 10, "code": "a", "price": 0, "rows": [31]})
    assert error.value.fields == ("seats", "code", "price", "rows")


# What it sends


def test_arguments_become_what_the_function_takes() -> None:
    values = Tool(function=shipped).validate(
        {
            "to": {"name": "Ada", "homes": [{"street": "Elm", "number": "7"}]},
            "at": {"x": "3"},
            "colour": "blue",
            "filters": {"year": "1999"},
            "weight": 2,
            "boxes": "4",
        }
    )
    assert values == {
        "to": Person(name="Ada", homes=[Address(street="Elm", number=7)]),
        "at": Point(3),
        "colour": Colour.BLUE,
        "filters": {"year": 1999},
        "weight": 2.0,
        "boxes": 4,
    }
    assert shipped(**values).startswith("Ada Point(x=3, y=0) Colour.BLUE")


def test_an_argument_may_be_one_of_several_classes() -> None:
    @tool
    def show(what: Point | Address, more: list[Point | Address] | None = None, size: Annotated[int, Gt(0)] = 1) -> None:
        """Show it."""

    assert show.validate({"what": {"street": "Hill", "number": 3}}) == {"what": Address(street="Hill", number=3)}
    meant = {"what": {"x": "1"}, "more": [{"x": 2}], "size": "2"}
    assert show.validate(meant) == {"what": Point(1), "more": [Point(2)], "size": 2}
    with pytest.raises(ToolArgumentError, match=r"- what: Point.x: Field required; Address.street: Field required"):
        show.validate({"what": {}, "size": 0})


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ToolArgumentError) as error:
        Tool(function=shipped).validate({"at": {"x": "left"}, "colour": "pink", "weight": -1, "more": "much"})
    assert error.value.tool == "shipped"
    assert error.value.fields == ("at", "colour", "weight", "more", "to")
    assert isinstance(error.value, ValueError)
    lines = str(error.value).split("\n")
    assert lines[0] == "The arguments of shipped do not fit, so it was not called. Call it again with these mended:"
    assert lines[1] == "- at: Expected `int`, got `str` at `at.x`"
    assert "- to: is missing" in lines


def test_a_wrong_name_is_answered_with_the_right_one() -> None:
    with pytest.raises(ToolArgumentError, match="- limits: is not a parameter; did you mean 'limit'?"):
        browse.validate({"query": "x", "limits": 3})
    with pytest.raises(ToolArgumentError, match="- colour: is not a parameter; there are: query, limit"):
        browse.validate({"query": "x", "colour": 3})
    with pytest.raises(ToolArgumentError, match="must be a JSON object, not list"):
        browse.validate(["x"])


def test_text_stays_text_where_text_may_stand() -> None:
    def note(label: str | int, maybe: str | None = None) -> None: ...

    assert Tool(function=note).validate({"label": "3", "maybe": "null"}) == {"label": "3", "maybe": "null"}


def test_a_schema_may_stand_in_for_the_signature() -> None:
    def send(**fields: Any) -> dict[str, Any]:
        return fields

    schema = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
    sender = Tool(function=send, parameters=schema)
    assert sender.spec.parameters == schema
    assert sender(**sender.validate({"to": "Ada", "cc": 1})) == {"to": "Ada", "cc": 1}
    with pytest.raises(ToolArgumentError, match="'to' is a required property"):
        sender.validate({})


def test_a_schema_never_makes_this_process_fetch_anything() -> None:
    reference = {"$ref": "http://127.0.0.1:9/schema.json"}
    sender = Tool("send", lambda **fields: fields, parameters={"type": "object", "properties": {"to": reference}})
    with pytest.raises(ToolArgumentError, match="the tool's own schema is wrong: Unresolvable"):
        sender.validate({"to": 1})
