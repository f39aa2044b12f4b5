"""Messages from what people write: texts, dicts of the common chat form, parts; and errors that say where."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agnt5.errors import ConfigurationError
from agnt5.llm import Image, Message, Reply, Request, Text, ToolCall, Usage, as_message, as_messages
from agnt5.llm.types import as_reply, tool_call


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("hi", [Message("user", "hi")]),
        (Message("system", "s"), [Message("system", "s")]),
        ({"content": "hi"}, [Message("user", "hi")]),
        ({"role": "developer", "content": "s"}, [Message("system", "s")]),
        (["a", {"role": "assistant", "content": "b"}], [Message("user", "a"), Message("assistant", "b")]),
        ({"role": "assistant", "content": None}, [Message("assistant", "")]),
        ((one for one in ("a", "b")), [Message("user", "a"), Message("user", "b")]),
        (
            {"content": ["t", {"type": "text", "text": "u"}, {"type": "image_url", "image_url": {"url": "http://i"}}]},
            [Message("user", (Text("t"), Text("u"), Image(url="http://i")))],
        ),
        (
            {"content": [{"type": "image_url", "image_url": "http://i"}, Image(data=b"x"), Text("v")]},
            [Message("user", (Image(url="http://i"), Image(data=b"x"), Text("v")))],
        ),
        ({"content": Text("t")}, [Message("user", (Text("t"),))]),
        (
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
                    {"id": "2", "name": "g", "arguments": {"b": 2}},
                    ToolCall("3", "h", {}),
                ],
            },
            [Message("assistant", "", tuple(ToolCall(*call) for call in
                                            [("1", "f", {"a": 1}), ("2", "g", {"b": 2}), ("3", "h", {})]))],
        ),
        (
            {"role": "tool", "tool_call_id": "1", "content": "no", "failed": True, "name": "f"},
            [Message("tool", "no", tool_call_id="1", failed=True, name="f")],
        ),
        (Message("user", ["a", Image(data=b"x")]), [Message("user", (Text("a"), Image(data=b"x")))]),  # pyright: ignore
        (Reply(Message("assistant", "hi")), [Message("assistant", "hi")]),
        (["a", Reply(Message("assistant", "b"))], [Message("user", "a"), Message("assistant", "b")]),
        (  # as the SDKs' own messages are written out
            {"role": "assistant", "content": "b", "name": None, "refusal": None, "tool_calls": None, "annotations": [],
             "tool_call_id": None, "vendor": None, "audio": None},
            [Message("assistant", "b")],
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": None, "function": {"name": "f", "arguments": None}}]},
            [Message("assistant", "", (ToolCall("", "f", {}),))],
        ),
    ],
)  # fmt: skip
def test_what_people_write(written: Any, meant: list[Message]) -> None:
    assert as_messages(written) == tuple(meant)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ([], "messages is empty"),
        (7, "messages must be a text, a message or a list of them, not int"),
        (None, "messages must be a text, a message or a list of them, not NoneType"),
        ([Message("human", "x")], r"messages\[0\]: role must be one of"),  # pyright: ignore
        (Message("user", 7), r"messages\[0\]\.content must be"),  # pyright: ignore
        ({"role": None, "content": "x"}, r"messages\[0\]: role must be"),
        (["a", 7], r"messages\[1\] must be a text, a Message or a dict, not int"),
        ([{"role": "robot", "content": "x"}], r"messages\[0\]: role must be one of system, user"),
        ({"content": 7}, r"messages\[0\]\.content must be a text or a list of parts, not int"),
        ({"content": ["a", {"type": "audio"}]}, r"messages\[0\]\.content\[1\] must be a text, Text"),
        ({"content": [{"type": "image_url", "image_url": {}}]}, r"content\[0\]"),
        ({"content": "x", "contents": "y"}, r"messages\[0\] has unknown fields: contents"),
        ({"role": "assistant", "tool_calls": ["f"]}, r"messages\[0\]\.tool_calls\[0\] must be a ToolCall"),
        ({"role": "assistant", "tool_calls": [{"name": "f", "arguments": "{"}]}, r"tool_calls\[0\]"),
    ],
)
def test_what_nobody_understands(written: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        as_messages(written)


@given(st.text(), st.sampled_from(["system", "user", "assistant"]))
def test_a_message_written_out_is_the_message(text: str, role: str) -> None:
    made = as_message({"role": role, "content": text})
    assert (made.role, made.text) == (role, text)
    assert as_messages([made, {"role": role, "content": [text]}])[1].text == text


@pytest.mark.parametrize(
    ("sent", "arguments", "malformed"),
    [
        ({"a": 1}, {"a": 1}, ""),
        ('{"a": 1}', {"a": 1}, ""),
        ("", {}, ""),
        ("  ", {}, ""),
        ('{"a": ', {}, '{"a": '),
        ("[1]", {}, "[1]"),
        ("null", {}, "None"),
        (7, {}, "7"),
    ],
)
def test_arguments_that_a_model_wrote(sent: Any, arguments: dict[str, Any], malformed: str) -> None:
    assert tool_call("i", "f", sent) == ToolCall("i", "f", arguments, malformed)


def test_parts_and_text_of_a_message() -> None:
    mixed = Message("user", (Text("a"), Image(url="http://i"), Text("b")))
    assert mixed.text == "ab"
    assert len(mixed.parts) == 3
    assert Message("user", "").parts == ()
    assert Message("user", "x").parts == (Text("x"),)


def test_a_picture_is_bytes_or_an_address() -> None:
    assert Image(data=b"png", media_type="image/jpeg").data_url == "data:image/jpeg;base64,cG5n"
    assert Image(url="http://i").data_url == "http://i"
    for wrong in ({}, {"data": b"x", "url": "http://i"}):
        with pytest.raises(ConfigurationError, match="and not both"):
            Image(**wrong)
    mistaken: Any
    for mistaken in ({"data": "text"}, {"url": b"bytes"}):
        with pytest.raises(ConfigurationError, match="data=, which is bytes, or url=, which is a text; not"):
            Image(**mistaken)


def test_system_messages_stand_apart_where_a_provider_wants_it() -> None:
    request = Request(as_messages([Message("system", "a"), "b", Message("system", "c")]))
    assert request.system == "a\n\nc"
    assert request.turns == (Message("user", "b"),)


counts = st.builds(Usage, *[st.integers(0, 10**9)] * 5)


@given(counts, counts, counts)
def test_usage_adds_up_in_any_order(a: Usage, b: Usage, c: Usage) -> None:
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + Usage() == a
    assert (a + b).total == a.total + b.total


def test_a_reply_in_a_models_place() -> None:
    call = ToolCall("call_1", "f", {"a": 1})
    assert as_reply("hi").text == "hi"
    for given_ in (call, [call], {"tool": "f", "arguments": {"a": 1}}):
        reply = as_reply(given_)
        assert (reply.tool_calls, reply.finish) == ((call,), "tool_calls")
    for wrong in (7, [], ["x"], Message("user", "x")):
        with pytest.raises(ConfigurationError, match="In place of a model's answer"):
            as_reply(wrong)
