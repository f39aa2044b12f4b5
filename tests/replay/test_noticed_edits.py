"""Edits in places where nobody looks at first: a result that they made stale is never reused."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agnt5 import Context, flow
from agnt5.execution.fingerprint import fingerprint
from replay.fingerprinting import cell, digest, package

# A source with a function `step`, and an edit that it reaches.
REACHED = {
    "behind a decorator of a library": (
        "import contextlib\n@contextlib.contextmanager\ndef opened(): yield 1\n"
        "def step():\n  with opened() as x: return x",
        ("yield 1", "yield 2"),
    ),
    "dispatched by type": (
        "import functools\n@functools.singledispatch\ndef f(x): return 0\n@f.register\ndef _(x: int): return 1\n"
        "def step(): return f(1)",
        ("return 1", "return 2"),
    ),
    "a cached method": (
        "import functools\nclass C:\n  @functools.lru_cache\n  def got(self): return 1\ndef step(): return C().got()",
        ("return 1", "return 2"),
    ),
    "an attribute of a function": (
        "def ask(q): return ask.prompt + q\nask.prompt = 'a'\nask.unread = 1\ndef step(q): return ask(q)",
        ("prompt = 'a'", "prompt = 'b'"),
    ),
    "a base": (
        "class C(ValueError): pass\ndef step(): return isinstance(C(), ValueError)",
        ("(ValueError)", "(KeyError)"),
    ),
    "a metaclass": (
        "class M(type):\n  def __call__(cls): return 1\nclass C(metaclass=M): pass\ndef step(): return C()",
        ("return 1", "return 2"),
    ),
    "the order of an enum": (
        "import enum\nclass E(enum.Enum):\n  A = 1\n  B = 2\ndef step(): return list(E)",
        ("A = 1\n  B = 2", "B = 2\n  A = 1"),
    ),
    "the order of fields": (
        "from dataclasses import dataclass\n@dataclass\nclass P:\n  x: int\n  y: int\ndef step(): return P(3, 4).x",
        ("x: int\n  y: int", "y: int\n  x: int"),
    ),
    "options of a dataclass": (
        "from dataclasses import dataclass\n@dataclass(order=True)\nclass P:\n  x: int = 1\n"
        "def step(): return P() < P()",
        ("order=True", "order=False"),
    ),
    "options of a field": (
        "from dataclasses import dataclass, field\n@dataclass\nclass P:\n  x: int = field(default=1, compare=True)\n"
        "def step(): return P(1) == P(2)",
        ("compare=True", "compare=False"),
    ),
    "a default beside slots": (
        "from dataclasses import dataclass\n@dataclass(slots=True)\nclass P:\n  x: int = 1\ndef step(): return P().x",
        ("int = 1", "int = 2"),
    ),
    "what a person wrote beside what a dataclass writes": (
        "from dataclasses import dataclass\n@dataclass\nclass P:\n  x: int = 1\n  def __post_init__(self): self.x = 1\n"
        "def step(): return P().x",
        ("self.x = 1", "self.x = 2"),
    ),
    "a class in a field": (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass Item:\n  x: int = 1\n"
        "  def told(self): return 1\n@dataclass\nclass Order:\n  items: list[Item]\n"
        "def step(order: Order): return order.items[0].told()",
        ("return 1", "return 2"),
    ),
    "a model in a model": (
        "from pydantic import BaseModel\nclass Item(BaseModel):\n  x: int = 1\nclass Order(BaseModel):\n"
        "  items: list[Item]\ndef step(data): return Order.model_validate(data)",
        ("int = 1", "int = 2"),
    ),
    "a default that a model makes": (
        "from pydantic import BaseModel, Field\ndef made(): return 1\nclass O(BaseModel):\n"
        "  x: int = Field(default_factory=made)\ndef step(): return O().x",
        ("return 1", "return 2"),
    ),
    "a rule of a field": (
        "from typing import Annotated\nfrom pydantic import BaseModel, AfterValidator\ndef more(v): return v + 1\n"
        "class O(BaseModel):\n  x: Annotated[int, AfterValidator(more)]\ndef step(): return O(x=1).x",
        ("v + 1", "v + 2"),
    ),
    "when a rule applies": (
        "from pydantic import BaseModel, field_validator\nclass O(BaseModel):\n  x: int\n"
        "  @field_validator('x', mode='before')\n  @classmethod\n  def more(cls, v): return v\n"
        "def step(): return O(x=1).x",
        ("mode='before'", "mode='after'"),
    ),
    "a private attribute": (
        "from pydantic import BaseModel, PrivateAttr\nclass O(BaseModel):\n  _p: int = PrivateAttr(1)\n"
        "def step(): return O()._p",
        ("PrivateAttr(1)", "PrivateAttr(2)"),
    ),
    "fields that attrs knows": (
        "import attr\n@attr.s\nclass P:\n  x = attr.ib(converter=lambda v: v + 1)\ndef step(): return P(1).x",
        ("v + 1", "v + 2"),
    ),
    "keys of a typed dict": (
        "from typing import TypedDict\nclass P(TypedDict):\n  x: int\ndef step(): return P.__annotations__",
        ("x: int", "x: str"),
    ),
    "where `try` begins": (
        "def step():\n  try: one(); two()\n  except ValueError: return 1",
        ("  try: one(); two()", "  one()\n  try: two()"),
    ),
    "arguments by place only": ("def step(a, /): return a", ("a, /", "a")),
}


@pytest.mark.parametrize("what", REACHED)
def test_an_edit_there_is_noticed(what: str) -> None:
    source, edit = REACHED[what]
    assert digest(cell(source)["step"]) == digest(cell(source)["step"])
    assert digest(cell(source)["step"]) != digest(cell(source.replace(*edit))["step"])


def test_what_is_assigned_to_a_function_while_it_runs_is_no_setting() -> None:
    names = cell("def step(q):\n  step.calls += 1\n  return step.prompt\nstep.calls, step.prompt = 0, 'a'\n")
    before = digest(names["step"])
    names["step"].calls = 5
    assert digest(names["step"]) == before
    names["step"].prompt = "b"
    assert digest(names["step"]) != before


def test_a_module_that_only_a_body_imports_counts_once_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    package(tmp_path, "my_late", "BRIEF = 'brief'\n")
    names = cell(
        "def whole(x):\n  import my_late\n  return my_late.__name__\n"
        "def part(x):\n  from my_late import words\n  return words.BRIEF\n"
        "def guarded(x):\n  try: import not_there_at_all\n  except ImportError: return 1\n  import colorsys, json\n"
    )
    assert "imports 'my_late' when it runs, which was not loaded" in fingerprint(names["part"]).reason
    digest(names["guarded"])
    importlib.import_module("my_late")
    digest(names["whole"])
    assert "imports 'my_late.words'" in fingerprint(names["part"]).reason
    words = importlib.import_module("my_late.words")
    before = digest(names["part"])
    monkeypatch.setattr(words, "BRIEF", "short")
    assert digest(names["part"]) != before
    for name in ("my_late", "my_late.words"):
        sys.modules.pop(name)


@dataclass
class Parcel:
    weight: int

    def price(self) -> int:
        return self.weight * 2


def costs(parcels: Any) -> int:
    return sum(one.price() for one in parcels)


@flow
async def sends(ctx: Context, weights: list[int]) -> int:
    one = await ctx.call(costs, [Parcel(weight) for weight in weights])
    return one + await ctx.call(costs, [Parcel(1)])


async def test_what_a_class_of_an_argument_does_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    run = sends.start([1, 2])
    assert await run == 8
    again = run.rerun()
    assert await again == 8
    assert len(again.reused) == 2
    monkeypatch.setattr(Parcel, "price", lambda self: 100)
    dearer = run.rerun()
    assert await dearer == 300
    for one in dearer.reused.executed:
        assert one.reason.startswith(
            "a value that it reads, something that it calls or a class of its arguments changed"
        )


async def test_a_class_of_an_argument_that_cannot_be_compared_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Parcel, "seen", iter([1]), raising=False)
    run = sends.start([1, 2])
    await run
    again = run.rerun()
    await again
    assert "'Parcel.seen' is a list_iterator, which cannot be compared" in again.reused.executed[0].reason
