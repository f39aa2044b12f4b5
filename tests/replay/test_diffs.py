"""Two runs side by side: what was asked and answered otherwise, and where they part."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agnt5 import Context, NoRetry, RunFailed, flow, load_journal
from agnt5.codec import encode, encode_call
from agnt5.codec.changes import argument_changes, changes
from replay.corpus import CORPUS, fetch
from replay.playing import record

SETTINGS = settings(max_examples=150)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(), inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=12,
)


@dataclass
class Bill:
    item: str
    lines: list[dict[str, Any]]
    paid: bool = False


def told(old: Any, new: Any) -> list[str]:
    return [str(change) for change in changes(encode(old), encode(new), "output")]


@pytest.mark.parametrize("name", CORPUS)
async def test_a_run_does_not_differ_from_itself(name: str) -> None:
    run = await record(CORPUS[name])
    assert run.diff(run).changed == []
    assert run.diff(run).result == []


@flow
async def writes(ctx: Context, topics: list[str], more: bool = False) -> list[str]:
    texts = []
    if more:
        await ctx.call(fetch, "preface")
    for topic in topics:
        texts.append(await ctx.call(fetch, topic))
    await ctx.state.set("count", len(texts))
    return texts


async def test_what_was_asked_otherwise_is_found_where_it_is() -> None:
    one, two = writes.start(["a", "b", "c"]), writes.start(["a", "x", "c"], more=True)
    await one
    await two
    diff = one.diff(two)
    assert [(row.kind, row.entry.path) for row in diff] == [
        ("added", "fetch"),
        ("same", "fetch#2"),
        ("input", "fetch#3"),
        ("same", "fetch#4"),
        ("same", "count"),
    ]
    assert diff.first is not None
    assert diff.first.kind == "added"
    changed = diff[2]
    assert [str(change) for change in changed.changes] == ["input[0]: 'b' → 'x'", "output: '<b>' → '<x>'"]
    assert [str(change) for change in diff.input] == ["input[0][1]: 'b' → 'x'", "input.more: + True"]
    assert [str(change) for change in diff.result] == ["result[1]: '<b>' → '<x>'"]
    assert "+ step fetch\n= 1 the same\n~ step fetch#3\n    input[0]: 'b' → 'x'" in str(diff)
    assert json.loads(json.dumps(diff.to_dict()))["same"] == 3


async def test_a_fork_differs_from_its_parent_in_what_was_changed() -> None:
    run = writes.start(["a", "b"])
    await run
    fork = run.fork(outputs={"fetch#2": "<other>"})
    await fork
    diff = run.diff(fork)
    assert [(row.kind, row.entry.path) for row in diff.changed] == [("output", "fetch#2")]
    assert [str(change) for change in diff.result] == ["result[1]: '<b>' → '<other>'"]
    failed = run.fork(fail={"fetch#2": KeyError("gone")})
    with pytest.raises(RunFailed):
        await failed
    diff = run.diff(failed)
    assert diff.changed[0].changes[0] == ("output", "'<b>'", "! KeyError: 'gone'", ())
    assert "completed → failed" in str(diff.result[0])


async def test_errors_of_several_lines_are_compared_line_by_line() -> None:
    run = writes.start(["a", "b"])
    await run
    first = run.fork(fail={"fetch#2": ValueError("a page\n  is\n  torn")})
    second = run.fork(fail={"fetch#2": ValueError("a page\n  is\n  wet")})
    for one in (first, second):
        with pytest.raises(RunFailed):
            await one
    lines = str(first.diff(second)).splitlines()
    at = lines.index("    output:")
    assert lines[at + 1 : at + 6] == [
        "      @@ -1,3 +1,3 @@",
        "       ! ValueError: a page",
        "         is",
        "      -  torn",
        "      +  wet",
    ]
    assert r"    output: '<b>' → ! ValueError: a page\n  is\n  wet" in str(run.diff(second)).splitlines()


async def test_changed_code_is_shown_as_a_diff() -> None:
    @flow(name="greets")
    async def greets(ctx: Context) -> str:
        return await ctx.call(fetch, "hello", retry_policy=NoRetry())

    one = greets.start()
    await one

    @flow(name="greets")
    async def greets_warmly(ctx: Context) -> str:
        return await ctx.call(fetch, "good morning", retry_policy=NoRetry())

    two = greets_warmly.start()
    await two
    diff = one.diff(two)
    removed = '-        return await ctx.call(fetch, "hello", retry_policy=NoRetry())'
    assert removed in diff.code
    assert removed.replace("-", "+", 1).replace("hello", "good morning") in diff.code
    assert "the code differs in test_changed_code_is_shown_as_a_diff.<locals>.greets" in str(diff)
    assert one.diff(one).code == ""


TONE = "Say it.\nBe brief."


@flow
async def says(ctx: Context) -> Any:
    return await ctx.call(fetch, TONE)


async def test_an_edited_prompt_is_code_that_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    one = says.start()
    await one
    monkeypatch.setitem(globals(), "TONE", "Say it.\nBe kind.")
    two = says.start()
    await two
    assert one.diff(two).code.splitlines() == [
        f"--- TONE in {one.id}",
        f"+++ TONE in {two.id}",
        "@@ -1,3 +1,3 @@",
        ' TONE = """\\',
        " Say it.",
        '-Be brief."""',
        '+Be kind."""',
    ]
    assert one.replay().run_to_end().divergence is not None
    assert one.replay(code="recorded").run_to_end().divergence is None, "it runs with the prompt that it had"
    assert two.replay().run_to_end().divergence is None


@flow
async def asks_two(ctx: Context, word: str) -> Any:
    first = await ctx.call(speaks, word)
    second = await ctx.call(speaks, {"about": first, "word": "again"})
    return [first, second]


@flow
async def speaks(ctx: Context, about: Any) -> Any:
    return {"run_id": ctx.run_id, "text": await ctx.call(fetch, str(type(about)))}


async def test_ids_of_children_are_no_difference() -> None:
    one, two, other = asks_two.start("a"), asks_two.start("a"), asks_two.start("b")
    for run in (one, two, other):
        await run
    assert one.result() != two.result(), "the ids are in what the children gave, and in what the second was asked"
    diff = one.diff(two)
    assert ([row.kind for row in diff], diff.changed, diff.result) == (["same", "same"], [], [])
    diff = one.diff(other)
    assert [row.kind for row in diff] == ["input", "same"]
    assert [str(change) for change in diff[0].changes] == ["input[0]: 'a' → 'b'"]


async def test_an_id_within_a_text_or_of_another_run_is_one() -> None:
    @flow
    async def names(ctx: Context, run_id: str) -> str:
        await ctx.call(fetch, run_id)
        return f"it was {ctx.run_id}"

    one, two = names.start("r_one"), names.start("r_two")
    await one
    await two
    diff = one.diff(two)
    assert [row.kind for row in diff] == ["input"]
    assert "it was" in str(diff.result[0])


async def test_loaded_journals_are_compared_like_runs(tmp_path: Path) -> None:
    one, two = writes.start(["a"]), writes.start(["b"])
    await one
    await two
    loaded = load_journal(one.journal.save(tmp_path / "one.agnt5"))
    assert str(loaded.diff(two.journal)) == str(one.diff(two))
    assert str(two.diff(loaded)) == str(two.diff(one))


def test_values_are_compared_part_by_part() -> None:
    bill = Bill("tea", [{"n": 1}, {"n": 2}], paid=False)
    assert told(bill, replace(bill, paid=True)) == ["output.paid: False → True"]
    assert told(bill, replace(bill, lines=[{"n": 0}, {"n": 1}, {"n": 2}])) == ["output.lines[0]: + {'n': 0}"]
    assert told(bill, replace(bill, lines=[{"n": 1}, {"n": 3}])) == ["output.lines[1]['n']: 2 → 3"]
    assert told({"a": 1, "b": 2}, {"b": 2, "c": 3}) == ["output['a']: - 1", "output['c']: + 3"]
    assert told((1, 2), [1, 2]) == ["output: (1, 2) → [1, 2]"]
    assert told([1], [True]) == ["output[0]: 1 → True"]
    assert told(1, 1.0) == ["output: 1 → 1.0"]
    assert told("one\ntwo\n", "one\n2\n") == ["output:\n  @@ -1,2 +1,2 @@\n   one\n  -two\n  +2"]
    assert [str(one) for one in argument_changes(encode_call((1,), {}), encode_call((1, 2), {"k": 3}))] == [
        "input[1]: + 2",
        "input.k: + 3",
    ]


@SETTINGS
@given(VALUES, VALUES)
def test_values_differ_exactly_when_their_bytes_do(old: Any, new: Any) -> None:
    assert bool(told(old, new)) == (encode(old) != encode(new))


@SETTINGS
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_damaged_bytes_are_compared_as_wholes(old: bytes, new: bytes) -> None:
    assert bool(changes(old, new, "x")) == (old != new)
    assert bool(argument_changes(old, new)) <= (old != new)


def test_long_texts_are_shown_where_they_part() -> None:
    start = "a long sentence of no interest " * 20
    assert told(start + "ends here", start + "goes on") == [
        "output: …' long sentence of no interest ends here' → …' long sentence of no interest goes on'"
    ]
    lines = "\n".join(["one line"] * 100)
    (change,) = told(lines, lines + "\n")
    assert change.endswith(r"line\n'"), "no line differs, but its end"


def test_what_differs_of_a_credential_is_masked() -> None:
    key = "sk-ant-api03-" + "abcdEFGH1234" * 8
    start = "word " * 100
    for old, new in [
        (f"key={key}\nend", f"key={key}X\nend"),
        (start + key, start + key[:-1] + "X"),
        (key, key + "X"),
    ]:
        assert "EFGH1234" not in "".join(told(old, new))


def test_values_that_look_the_same_are_not_said_to_be() -> None:
    assert told(b"abc" * 100 + b"d", b"abc" * 100 + b"e")[0].endswith(" of other content")
