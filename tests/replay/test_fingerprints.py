"""Fingerprints: an old result may stand while nothing changed that the step reaches; every edit there is noticed."""

from __future__ import annotations

import functools
import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agnt5.execution.code import pin
from agnt5.execution.fingerprint import fingerprint
from replay.fingerprinting import cell, digest, package

CODE = """
from __future__ import annotations
import functools
from collections import namedtuple
from dataclasses import dataclass, field
from enum import Enum

PROMPT = "Be brief."
AMOUNTS = [1, 2, 3]

class Tone(Enum):
    KIND = "kind"
    def told(self): return f"be {self.value}"

class Base:
    style = "plain"
    def greet(self): return self.style

class Bot(Base):
    def __init__(self, name): self.name = name
    def prompt(self): return PROMPT
    def ask(self, question): return self.prompt() + self.greet() + question
    @staticmethod
    def flat(question): return PROMPT + question
    @classmethod
    def named(cls, question): return cls.style + question
    @property
    def tone(self): return Tone.KIND.told()

@dataclass
class Order:
    item: str
    tags: list = field(default_factory=lambda: ["new"])
    def total(self): return helper(self.item)

class Slotted:
    __slots__ = ("word",)
    def __init__(self, word): self.word = word
    def said(self): return self.word

Point = namedtuple("Point", "x y")

def helper(text): return text.upper()
def other(text): return text.lower()

bot = Bot("ada")
slotted = Slotted("yes")
TABLE = {"first": helper, "second": other, "bots": [Bot("eve")], "order": Order("tea")}

@functools.lru_cache
def cached(text): return helper(text)

def calls_helper(text): return helper(text)
def makes_a_bot(text): return Bot("x").ask(text)
def calls_static(text): return Bot.flat(text)
def uses_an_instance(text): return bot.ask(text)
def uses_slots(text): return slotted.said()
def uses_a_table(text): return TABLE["first"](text)
def reads_data(text): return AMOUNTS
def reads_an_enum(text): return Tone.KIND.told()
def takes_an_order(order: Order): return order.total()
def takes_orders(orders: list[Order]): return [one.total() for one in orders]
def calls_cached(text): return cached(text)
def makes_a_point(text): return Point(1, 2)
"""
STEPS = [
    "calls_helper",
    "makes_a_bot",
    "calls_static",
    "uses_an_instance",
    "uses_slots",
    "uses_a_table",
    "reads_data",
    "reads_an_enum",
    "takes_an_order",
    "takes_orders",
    "calls_cached",
    "makes_a_point",
]


@pytest.mark.parametrize("step", STEPS)
def test_the_same_code_has_the_same_fingerprint(step: str) -> None:
    one, two = cell(CODE), cell("\n\n" + CODE)
    assert digest(one[step]) == digest(one[step]) == digest(two[step])


EDITS = {
    'PROMPT = "Be kind."': {"makes_a_bot", "calls_static", "uses_an_instance", "uses_a_table"},
    "def helper(text): return text.title()": {
        "calls_helper",
        "uses_a_table",
        "takes_an_order",
        "takes_orders",
        "calls_cached",
    },
    'Base.style = "fancy"': {"makes_a_bot", "calls_static", "uses_an_instance", "uses_a_table"},
    "Base.greet = lambda self: 'hi'": {"makes_a_bot", "calls_static", "uses_an_instance", "uses_a_table"},
    "Bot.prompt = lambda self: 'other'": {"makes_a_bot", "calls_static", "uses_an_instance", "uses_a_table"},
    "Bot.tone = property(lambda self: 1)": {"makes_a_bot", "calls_static", "uses_an_instance", "uses_a_table"},
    "bot.name = 'bob'": {"uses_an_instance"},
    "slotted.word = 'no'": {"uses_slots"},
    "Slotted.said = lambda self: ''": {"uses_slots"},
    "TABLE['bots'][0].name = 'bob'": {"uses_a_table"},
    "TABLE['first'], TABLE['second'] = TABLE['second'], TABLE['first']": {"uses_a_table"},
    "AMOUNTS.append(4)": {"reads_data"},
    "Tone.told = lambda self: 'rude'": {
        "makes_a_bot",
        "calls_static",
        "uses_an_instance",
        "uses_a_table",
        "reads_an_enum",
    },
    "Order.total = lambda self: 0": {"uses_a_table", "takes_an_order", "takes_orders"},
    "Point = namedtuple('Point', 'x y z')": {"makes_a_point"},
    "UNUSED = 1": set(),
    "def unused(): return PROMPT": set(),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_noticed_by_the_steps_that_reach_it_and_by_no_other(edit: str) -> None:
    names = cell(CODE)
    before = {step: digest(names[step]) for step in STEPS}
    exec(compile(edit, "<cell 3>", "exec", dont_inherit=True), names)
    assert {step for step in STEPS if digest(names[step]) != before[step]} == EDITS[edit]


def test_the_values_of_an_enum_and_the_fields_of_a_class_count() -> None:
    before = cell(CODE)
    other = cell(CODE.replace('KIND = "kind"', 'KIND = "cruel"').replace('["new"]', '["old"]'))
    assert digest(before["reads_an_enum"]) != digest(other["reads_an_enum"])
    assert digest(before["takes_an_order"]) != digest(other["takes_an_order"])


def test_classes_in_annotations_are_found_as_objects_too_and_in_pinned_copies() -> None:
    names = cell(CODE.replace("from __future__ import annotations\n", ""))
    step = names["takes_orders"]
    pinned = pin(step)
    assert pinned is not step
    before = digest(step)
    assert digest(pinned) == before
    names["Order"].total = lambda self: 0
    assert digest(step) == digest(pinned) != before


def test_bound_methods_partials_and_callable_instances() -> None:
    more = "class Adds:\n  def __init__(self, n): self.n = n\n  def __call__(self, m): return self.n + m\n"
    names = cell(CODE, more)
    bot, adds = names["bot"], names["Adds"](1)
    made: list[Callable[[], Any]] = [
        lambda: bot.ask,
        lambda: functools.partial(names["helper"], text="a"),
        lambda: functools.partial(bot.ask, "a"),
        lambda: adds,
    ]
    before = [digest(one()) for one in made]
    assert [digest(one()) for one in made] == before
    assert digest(functools.partial(names["helper"], text="b")) != before[1]
    bot.name, adds.n = "bob", 2
    assert [digest(one()) == old for one, old in zip(made, before, strict=True)] == [False, True, False, False]


def test_modules_of_the_user_count_as_far_as_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = package(tmp_path, "my_prompts", "BRIEF = 'brief'\nLONG = 'long'\ndef told(): return BRIEF\n")
    names = cell(
        "import my_prompts.words, my_prompts.words as words\n"
        "def reads(x): return my_prompts.words.BRIEF\n"
        "def calls(x): return words.told()\n"
        "def imports(x):\n  from my_prompts.words import BRIEF\n  return BRIEF\n"
        "def reads_else(x): return words.LONG\n"
    )
    steps = ["reads", "calls", "imports", "reads_else"]
    before = {step: digest(names[step]) for step in steps}
    (made / "words.py").write_text("BRIEF = 'short and kind'\nLONG = 'long'\ndef told(): return BRIEF\n")
    importlib.reload(names["words"])
    assert {step for step in steps if digest(names[step]) != before[step]} == {"reads", "calls", "imports"}
    for name in ("my_prompts", "my_prompts.words"):
        sys.modules.pop(name)


STANDARD = [
    ("re.compile('a+')", "re.compile('b+')"),
    ("re.compile('a')", "re.compile('a', re.I)"),
    ("types.SimpleNamespace(prompt='a', deep=[{'k': 1}])", "types.SimpleNamespace(prompt='a', deep=[{'k': 2}])"),
    ("types.MappingProxyType({'a': 1})", "types.MappingProxyType({'a': 2})"),
    ("collections.ChainMap({'a': 1}, {})", "collections.ChainMap({}, {'a': 1})"),
    ("string.Template('$a')", "string.Template('$b')"),
    ("struct.Struct('i')", "struct.Struct('q')"),
    ("slice(1, 2)", "slice(1, 3)"),
    ("operator.itemgetter('a', 'b')", "operator.itemgetter('b', 'a')"),
    ("operator.methodcaller('get', 1)", "operator.methodcaller('get', 2)"),
    ("list[int]", "list[str]"),
    ("int | str", "int | None"),
    ("typing.Optional[list[int]]", "typing.Optional[set[int]]"),
    ("typing.Literal['a', 1]", "typing.Literal['a', True]"),
    ("typing.NewType('Id', int)", "typing.NewType('Id', str)"),
    ("[object(), threading.Lock()]", "[object(), threading.RLock()]"),
    ("asyncio.Semaphore(3)", "asyncio.Lock()"),
    ("agnt5.ConstantBackoff(3, 0.1)", "agnt5.ConstantBackoff(4, 0.1)"),
    ("agnt5.ExponentialBackoff(retry_on=(OSError,))", "agnt5.ExponentialBackoff(retry_on=(OSError, KeyError))"),
]


@pytest.mark.parametrize(("one", "other"), STANDARD, ids=[one for one, _ in STANDARD])
def test_what_modules_hold_beside_functions_is_told(one: str, other: str) -> None:
    source = "import agnt5, asyncio, collections, operator, re, string, struct, threading, types, typing\n"
    first, again, changed = (
        digest(cell(f"{source}VALUE = {text}\ndef reads(): return VALUE")["reads"]) for text in (one, one, other)
    )
    assert first == again != changed


def test_what_cannot_be_compared_is_named() -> None:
    more = "import threading\nbot.own = threading.local()\nNUMBERS = iter([1])\ndef draws(x): return next(NUMBERS)\n"
    names = cell(CODE, more)
    assert fingerprint(names["uses_an_instance"]).reason.startswith("'bot.own' is a _local, which cannot be compared")
    assert "'NUMBERS' is a list_iterator" in fingerprint(names["draws"]).reason
    assert fingerprint(names["draws"]).digest == b""


def test_code_of_packages_and_of_c_is_told_by_name_and_version() -> None:
    names = cell("import json\ndef dumps(x): return json.dumps(x)\ndef upper(x): return str.upper(x)\n")
    assert digest(names["dumps"]) != digest(names["upper"])
    assert digest(str.upper) != digest(str.lower)
    assert digest("a".join) == digest("b".join), "what a method of C code is bound to does not count"


def test_pydantic_models_count_with_their_fields() -> None:
    source = """
from pydantic import BaseModel
class Wish(BaseModel):
    text: str = "tea"
    def told(self): return self.text
def wishes(x): return Wish().told()
"""
    assert digest(cell(source)["wishes"]) == digest(cell(source)["wishes"])
    assert digest(cell(source)["wishes"]) != digest(cell(source.replace('"tea"', '"gin"'))["wishes"])


def test_fingerprints_are_the_same_in_another_process(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    told = "\nfrom agnt5.execution.fingerprint import fingerprint\n"
    told += f"for step in {STEPS}: print(fingerprint(globals()[step]).digest.hex())\n"
    program.write_text(CODE + told)
    printed = {
        subprocess.run(
            [sys.executable, str(program)],
            env={"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1
    assert len(set(printed.pop().split())) == len(STEPS)


def test_large_plain_data_is_compared_and_a_crowd_of_objects_is_not() -> None:
    more = "ROWS = [{'n': n, 'tags': ['a']} for n in range(150_000)]\ndef rows(x): return ROWS\n"
    more += "class Node:\n  def __init__(self, n): self.n = n\n"
    more += "CROWD = [Node(n) for n in range(110_000)]\ndef crowd(x): return CROWD\n"
    names = cell(CODE, more)
    before = digest(names["rows"])
    names["ROWS"][149_999]["tags"].append("b")
    assert digest(names["rows"]) != before
    assert "more than 100,000 objects" in fingerprint(names["crowd"]).reason
