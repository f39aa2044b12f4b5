"""Classes of the program: how they are found again, what happens when they changed, and how a type is taught."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated, Any, Generic, Literal, NewType, TypedDict, TypeVar

import pydantic
import pytest

from agnt5.codec import Raw, decode, decode_call, encode, encode_call, register_annotations, register_type
from agnt5.codec.registry import resolve
from agnt5.errors import ConfigurationError, SerializationError
from ground.corpus import Order


def record_of(name: str, fields: str) -> bytes:
    return f'{{"~dataclass":["{name}",{fields}]}}'.encode()


# Made by a function, so that each test has classes of its own under the name of this module.
def define(name: str, **fields: Any) -> type:
    made = dataclasses.make_dataclass(
        name,
        [(n, t) if not isinstance(t, tuple) else (n, t[0], dataclasses.field(default=t[1])) for n, t in fields.items()],
    )
    made.__module__ = __name__
    return made


def test_an_unregistered_class_stays_raw() -> None:
    data = record_of("shop.orders:Basket", '{"id":1,"tags":{"~tuple":["a"]}}')
    raw = decode(data)
    assert isinstance(raw, Raw)
    assert repr(raw) == "<raw Basket(id=1, tags=('a',))>"
    assert raw.type_name == "shop.orders:Basket"
    assert encode(raw) == data
    assert "shop.orders" not in sys.modules


def test_raw_views_stay_inside_what_is_known() -> None:
    value = decode(b'[1,{"~tuple":[2,{"~enum":["shop:Colour","RED"]}]},{"~later":{"x":1}}]')
    assert value[1][1] == Raw("~enum", ["shop:Colour", "RED"])
    assert repr(value[2]) == "<raw later({'x': 1})>"


def test_strict_decoding_refuses_what_is_not_registered() -> None:
    with pytest.raises(SerializationError, match=r"'shop:Basket' is not registered.*register_type"):
        decode(record_of("shop:Basket", "{}"), strict=True)
    with pytest.raises(SerializationError, match="not known to this version"):
        decode_call(b'[[{"~later":1}],{}]', strict=True)


def test_annotations_register_what_they_mention() -> None:
    inner = define("Inner", x=int)
    outer = define("Outer", inners=list[inner], other=("Nowhere | None", None))
    Choice = enum.Enum("Choice", ["YES"], module=__name__)
    Pair = collections.namedtuple("Pair", "a b", module=__name__)
    Model = pydantic.create_model("Model", __module__=__name__, inner=(inner, ...))
    Key = NewType("Key", Pair)  # type: ignore[valid-newtype]
    T = TypeVar("T", bound=Model)

    Shape = TypedDict("Shape", {"point": define("InTypedDict", z=int)})  # noqa: UP013 - the class is made here

    def fn(*args: Any) -> None: ...

    fn.__annotations__ = {
        "a": dict[str, list[Annotated[outer, "note"]]],
        "b": Callable[[Key], T | None],
        "c": Literal[Choice.YES],
        "d": Shape,
        "e": "NotImportedAnywhere",
    }
    register_annotations(functools.partial(fn))
    for name in ("Inner", "Outer", "Choice", "Pair", "Model", "InTypedDict"):
        assert resolve(f"{__name__}:{name}", None) is not None, name


def test_annotations_of_generic_models_and_recursive_classes() -> None:
    Item = TypeVar("Item")

    class Page(pydantic.BaseModel, Generic[Item]):
        items: list[Item]

    class Entry(pydantic.BaseModel):
        children: list[Entry] = []

    def fn(page: Any) -> None: ...

    fn.__annotations__["page"] = Page[Entry]
    register_annotations(fn)
    page = Page[Entry](items=[Entry(children=[Entry()])])
    back = decode(encode(page))
    assert back == page
    assert type(back) is Page[Entry]


def test_register_annotations_never_fails() -> None:
    for odd in (print, functools.partial(print), object(), Order, lambda: 0):
        register_annotations(odd)  # type: ignore[arg-type]

    def fn(a: "][", b: 3, c: "1/0") -> "undefined.name": ...  # type: ignore  # noqa

    register_annotations(fn)


def test_a_class_redefined_in_its_module_is_the_one_that_decodes() -> None:
    module = sys.modules[__name__]
    old = define("Redefined", x=int)
    module.Redefined = old  # type: ignore[attr-defined]
    data = encode(old(1))
    new = define("Redefined", x=int, y=(int, 5))
    module.Redefined = new  # type: ignore[attr-defined]
    encode(new(0))
    back = decode(data)
    assert type(back) is new
    assert back.y == 5
    # A run that goes on with its old code gives the globals it was pinned to.
    assert type(decode(data, namespace={"Redefined": old})) is old
    # And its old instances do not displace the new class.
    encode(old(3))
    assert type(decode(data)) is new


def test_a_field_that_is_new_needs_a_default() -> None:
    changed = define("Changed", x=int, y=int)
    encode(changed(1, 2))
    with pytest.raises(SerializationError, match=r"Changed has changed since: .* no field 'y'.*register_type\(Changed"):
        decode(record_of(f"{__name__}:Changed", '{"x":1}'))


def test_an_enum_member_that_is_gone_is_an_error() -> None:
    Gone = enum.Enum("Gone", ["STILL"], module=__name__)
    encode(Gone.STILL)
    with pytest.raises(SerializationError, match="no member 'MISSING' any more"):
        decode(f'{{"~enum":["{__name__}:Gone","MISSING"]}}'.encode())


def test_a_class_of_another_kind_now_is_an_error() -> None:
    encode(Order(1))
    name = "ground.corpus:Order"
    for data in (
        f'{{"~enum":["{name}","A"]}}',
        f'{{"~namedtuple":["{name}",[]]}}',
        f'{{"~model":["{name}",{{}},[],null,null]}}',
    ):
        with pytest.raises(SerializationError, match="Order has changed since"):
            decode(data.encode())


def test_decode_alone_reads_values_of_an_older_class() -> None:
    versioned = define("Versioned", full_name=str)
    register_type(versioned, decode=lambda old: versioned(old.get("full_name") or f"{old['first']} {old['last']}"))
    data = record_of(f"{__name__}:Versioned", '{"first":"Ada","last":"Lovelace"}')
    assert decode(data) == versioned("Ada Lovelace")
    assert decode(encode(versioned("x"))) == versioned("x")


def test_register_type_with_functions() -> None:
    class Money:
        def __init__(self, cents: int) -> None:
            self.cents = cents

    register_type(Money, encode=lambda value: (value.cents, "EUR"), decode=lambda form: Money(form[0]), name="money")
    data = encode([Money(5)])
    assert data == b'[{"~type":["money",{"~tuple":[5,"EUR"]}]}]'
    assert decode(data)[0].cents == 5


def test_register_type_without_functions_keeps_value_and_attributes() -> None:
    class Reply(str):
        usage: dict[str, int]

    class Plain:
        __slots__ = ("__dict__", "a")

        def __init__(self) -> None:
            raise AssertionError("decoding must not call it")

    class Bag(dict[str, int]):
        pass

    class Amount(int):
        pass

    for cls in (Reply, Plain, Bag, Amount):
        register_type(cls)
    reply = Reply("hi")
    reply.usage = {"tokens": 3}
    plain = object.__new__(Plain)
    plain.a = (1,)
    bag = Bag(x=1)
    back = decode(encode([reply, plain, bag, Amount(3)]))
    assert (type(back[0]), back[0], back[0].usage) == (Reply, "hi", {"tokens": 3})
    assert (type(back[1]), back[1].a) == (Plain, (1,))
    assert (type(back[2]), back[2]) == (Bag, {"x": 1})
    assert (type(back[3]), back[3]) == (Amount, 3)


def test_register_type_checks_what_it_gets() -> None:
    with pytest.raises(ConfigurationError, match="needs decode="):
        register_type(Order, encode=lambda value: value)
    with pytest.raises(ConfigurationError, match="takes a class"):
        register_type("Order")  # type: ignore[arg-type]


def test_state_is_restored_without_running_the_class() -> None:
    calls: list[str] = []

    @dataclasses.dataclass
    class Watched:
        x: int

        def __post_init__(self) -> None:
            calls.append("post_init")

        @functools.cached_property
        def costly(self) -> object:
            return object()  # could not be recorded

    value = Watched(1)
    assert value.costly
    calls.clear()
    back = decode(encode(value))
    assert back == value
    assert calls == []
    assert "costly" not in vars(back)


def test_values_recorded_by_another_process_are_found_through_annotations() -> None:
    program = (
        "import sys\n"
        "from agnt5.codec import decode, encode, register_annotations\n"
        "from ground import corpus\n"
        "data = sys.stdin.buffer.read()\n"
        "print(type(decode(data)[0][0]).__name__)\n"
        "def step(orders: dict[str, list[corpus.Order]]) -> None: ...\n"
        "register_annotations(step)\n"
        "print(type(decode(data)[0][0]).__name__)\n"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}
    data = encode_call((Order(1),), {})
    output = subprocess.run(
        [sys.executable, "-c", program], input=data, env=environment, capture_output=True, check=True
    ).stdout
    assert output.split() == [b"Raw", b"Order"]
