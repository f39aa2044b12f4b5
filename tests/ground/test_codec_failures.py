"""Exceptions as records: what comes back, what is explained, what stands in."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from agnt5 import errors
from agnt5.codec import Raw, decode, decode_failure, encode, encode_failure, preview, read_failure
from agnt5.errors import RetriesExhausted, SerializationError


class Response:
    status = 503


class ProviderError(Exception):
    """Like the errors of provider SDKs: keyword-only, holds a live response, and cannot be made from its args."""

    def __init__(self, message: str, *, response: Response, code: int) -> None:
        super().__init__(f"{message} ({code})")
        self.response = response
        self.code = code

    @property
    def status(self) -> int:
        return self.response.status


class Chatty(Exception):
    def __init__(self, response: Response) -> None:
        self.response = response

    def __str__(self) -> str:
        return f"status {self.response.status}"


class Filed(OSError):
    def __init__(self, where: str) -> None:
        super().__init__(2, "gone", where)
        self.where = where


class Slotted(Exception):
    __slots__ = ("extra",)


class CustomGroup(ExceptionGroup):  # type: ignore[type-arg]
    def __new__(cls, message: str, members: list[Exception], code: int = 0) -> CustomGroup:
        made = super().__new__(cls, message, members)
        made.code = code  # type: ignore[attr-defined]
        return made


def raised(exc: BaseException) -> BaseException:
    try:
        raise exc
    except BaseException as caught:
        return caught


def slotted() -> Slotted:
    exc = Slotted("s")
    exc.extra = (1, 2)
    return exc


EXCEPTIONS: list[BaseException] = [
    ValueError(),
    ValueError("x", 1, (2,)),
    KeyError("key"),
    OSError(2, "No such file", "f.txt"),
    ConnectionResetError(104, "reset"),
    Filed("a.txt"),
    slotted(),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    StopIteration(5),
    StopAsyncIteration(),
    SystemExit(3),
    ImportError("no", name="module", path="p"),
    SyntaxError("bad", ("f.py", 1, 2, "text")),
    json.JSONDecodeError("m", "doc", 1),
    subprocess.CalledProcessError(1, ["ls"], b"out"),
    asyncio.CancelledError(),
    TimeoutError("t"),
    RecursionError("deep"),
    errors.TerminalError("no more", step="s"),
    errors.EventTimeoutError("late", event="e", seconds=2.0),
    errors.StoreLocked("mine", pid=7),
    errors.SerializationError("bad", path="value.x"),
]


@pytest.mark.parametrize("exc", EXCEPTIONS, ids=lambda exc: type(exc).__name__)
def test_an_exception_comes_back(exc: BaseException) -> None:
    back = decode_failure(encode_failure(raised(exc), attempts=3))
    assert type(back) is type(exc)
    assert back.args == exc.args
    assert str(back) == str(exc)
    assert back.attempts == 3 or isinstance(exc, errors.StepError)  # type: ignore[attr-defined]
    for name, value in vars(exc).items():
        assert getattr(back, name) == value
    # And once more: a rebuilt error is recorded as the first was.
    again = decode_failure(encode_failure(back))
    assert (type(again), again.args, str(again)) == (type(back), back.args, str(back))


def test_attributes_of_built_in_errors_come_back() -> None:
    back: Any = decode_failure(encode_failure(OSError(2, "No", "f.txt")))
    assert (type(back), back.errno, back.strerror, back.filename) == (FileNotFoundError, 2, "No", "f.txt")
    back = decode_failure(encode_failure(Filed("a.txt")))
    assert (back.errno, back.filename, back.where) == (2, "a.txt", "a.txt")
    assert decode_failure(encode_failure(ImportError("x", name="n"))).name == "n"  # type: ignore[attr-defined]
    assert decode_failure(encode_failure(slotted())).extra == (1, 2)  # type: ignore[attr-defined]
    noted = ValueError("x")
    noted.add_note("look here")
    assert decode_failure(encode_failure(noted)).__notes__ == ["look here"]


def test_a_provider_error_comes_back_with_what_could_be_recorded() -> None:
    back: Any = decode_failure(encode_failure(raised(ProviderError("overloaded", response=Response(), code=529))))
    assert isinstance(back, ProviderError)
    assert str(back) == "overloaded (529)"
    assert back.code == 529
    with pytest.raises(AttributeError, match=r"ProviderError\.response was not recorded"):
        _ = back.response
    with pytest.raises(AttributeError, match=r"'status' \(not recorded: response\)"):
        _ = back.status
    assert not hasattr(back, "anything_else")
    # What was lost stays explained when the error is recorded again.
    with pytest.raises(AttributeError, match="was not recorded"):
        _ = decode_failure(encode_failure(back)).response  # type: ignore[attr-defined]
    assert read_failure(encode_failure(back)).type == f"{__name__}:ProviderError"


def test_a_message_that_needs_what_was_lost_is_the_recorded_one() -> None:
    back = decode_failure(encode_failure(Chatty(Response())))
    assert str(back) == "status 503"


def test_hooks_of_the_class_do_not_see_our_subclass() -> None:
    seen: list[type] = []

    class Hooked(Exception):
        def __init_subclass__(cls, **kwargs: Any) -> None:
            seen.append(cls)

    exc = Hooked("x")
    exc.live = Response()  # type: ignore[attr-defined]
    back = decode_failure(encode_failure(exc))
    assert isinstance(back, Hooked)
    assert seen == []


def test_an_argument_that_cannot_be_recorded_is_noted_in_its_place() -> None:
    back = decode_failure(encode_failure(ValueError("x", Response())))
    assert back.args[0] == "x"
    assert isinstance(back.args[1], Raw)
    assert "not recorded" in repr(back.args[1])


def test_an_error_that_holds_itself_is_recorded() -> None:
    exc: Any = ValueError("self")
    exc.me = exc
    exc.args = (exc, 1)
    back = decode_failure(encode_failure(exc))
    assert back.args[1] == 1


def test_an_error_with_a_broken_str_is_recorded() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

        __repr__ = __str__

    assert "RuntimeError" in read_failure(encode_failure(raised(Broken()))).message


@given(st.lists(st.text() | st.integers() | st.floats(allow_nan=False) | st.binary()), st.integers(1, 9))
def test_arguments_come_back(args: list[Any], attempts: int) -> None:
    back = decode_failure(encode_failure(ValueError(*args), attempts=attempts))
    assert back.args == tuple(args)
    assert back.attempts == attempts  # type: ignore[attr-defined]


def test_groups_keep_their_members() -> None:
    group = ExceptionGroup("several", [ValueError(1), CustomGroup("inner", [KeyError("k")], 4)])
    back: Any = decode_failure(encode_failure(raised(group)))
    assert type(back) is ExceptionGroup
    assert back.message == "several"
    assert [type(member) for member in back.exceptions] == [ValueError, CustomGroup]
    assert back.exceptions[1].exceptions[0].args == ("k",)
    assert back.exceptions[1].code == 4
    view = read_failure(encode_failure(group))
    assert [member.name for member in view.members] == ["ValueError", "CustomGroup"]
    base = decode_failure(encode_failure(BaseExceptionGroup("b", [KeyboardInterrupt()])))
    assert type(base) is BaseExceptionGroup


def test_causes_are_kept() -> None:
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError("outer") from inner
    except ValueError as outer:
        data = encode_failure(outer)
    assert isinstance(decode_failure(data).__cause__, KeyError)
    view = read_failure(data)
    assert view.cause is not None
    assert view.cause.message == "'inner'"
    assert "direct cause" in view.traceback


def test_the_traceback_is_that_of_the_users_code() -> None:
    view = read_failure(encode_failure(raised(ValueError("here"))))
    assert "raise exc" in view.traceback
    assert view.traceback.endswith("ValueError: here\n")
    with pytest.raises(SerializationError) as refused:
        decode(b"[")
    assert "codec/coding.py" not in read_failure(encode_failure(refused.value)).traceback


def test_tracebacks_and_messages_are_bounded() -> None:
    view = read_failure(encode_failure(raised(ValueError("x" * 1_000_000))))
    assert len(view.traceback) < 20_000
    assert len(view.message) == 100_000
    assert "left out" in view.traceback

    def deep(n: int) -> None:
        deep(n + 1)

    with pytest.raises(RecursionError) as caught:
        deep(0)
    assert len(read_failure(encode_failure(caught.value)).traceback) < 20_000


def test_a_class_that_is_not_loaded_gets_a_stand_in() -> None:
    data = json.dumps(
        {
            "type": "xml.dom.nowhere:Gone",
            "message": "it broke",
            "args": [],
            "attrs": {},
            "traceback": "Traceback...",
            "cause": {"type": "builtins:KeyError", "message": "k"},
            "attempts": 3,
        }
    ).encode()
    back = decode_failure(data)
    assert isinstance(back, RetriesExhausted)
    assert str(back) == "Gone: it broke"
    assert (back.cause_type, back.cause_message, back.traceback_text, back.attempts) == (
        "xml.dom.nowhere:Gone",
        "it broke",
        "Traceback...",
        3,
    )


def test_the_runs_own_namespace_comes_first() -> None:
    data = encode_failure(Chatty(Response()))
    pinned = type("Chatty", (Exception,), {"__module__": __name__})
    assert isinstance(decode_failure(data, namespace={"Chatty": pinned}), pinned)
    assert isinstance(decode_failure(data, namespace={"Chatty": int}), Chatty)


def test_a_class_that_only_this_process_can_name_is_found() -> None:
    class Local(Exception):
        pass

    assert type(decode_failure(encode_failure(Local("x")))) is Local


@pytest.mark.parametrize(
    "name", ["os:system", "builtins:eval", "builtins:int", "agnt5.errors:Any", "", ":", "a", 3, None]
)
def test_a_name_that_is_no_exception_is_never_called(name: Any) -> None:
    data = json.dumps({"type": name, "message": "m", "args": ["echo"]}).encode()
    assert isinstance(decode_failure(data), RetriesExhausted)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"1", b'{"type":"builtins:ValueError"}'])
def test_bytes_that_are_no_failure_are_an_error(data: bytes) -> None:
    for read in (decode_failure, read_failure):
        with pytest.raises(SerializationError):
            read(data)


def test_documents_made_by_the_core_are_read() -> None:
    data = (
        b'{"type":"agnt5.errors:QuotaExceeded","message":"too many","args":["too many"],"attrs":{},"traceback":"",'
        b'"cause":null,"attempts":1}'
    )
    back = decode_failure(data)
    assert type(back) is errors.QuotaExceeded
    assert str(back) == "too many"


def test_exceptions_are_values_too() -> None:
    results = [1, ValueError("x"), (KeyError("k"),)]
    back: Any = decode(encode(results))
    assert type(back[1]) is ValueError
    assert back[1].args == ("x",)
    assert type(back[2][0]) is KeyError
    assert preview(encode(results)) == "[1, ValueError('x'), (KeyError(\"'k'\"),)]"


def test_where_an_error_was_raised_does_not_change_its_bytes_as_a_value() -> None:
    assert encode(raised(ValueError("x"))) == encode(ValueError("x"))


def test_an_unknown_exception_as_a_value_stays_raw() -> None:
    data = b'{"~error":{"type":"no.such:Error","message":"m","args":[],"attrs":{},"cause":null,"attempts":0}}'
    assert repr(decode(data)) == "<raw Error('m')>"
    with pytest.raises(SerializationError, match="not loaded in this process"):
        decode(data, strict=True)
    assert "no.such" not in sys.modules
