"""The tree of errors: drawn, constructible from a message, picklable."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

from agnt5 import errors
from agnt5.errors import AGNT5Error

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, AGNT5Error)]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class(cls: type[AGNT5Error]) -> None:
    # The core raises by name with a message, then sets attributes.
    error = cls("what happened")
    assert str(error) == "what happened"
    assert error.args == ("what happened",)
    error.anything = 1  # type: ignore[attr-defined]
    for back in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(back) is cls
        assert back.args == error.args
        assert back.anything == 1
    assert cls().args == ()
    assert cls.__doc__


def test_the_drawing_shows_every_class() -> None:
    drawn = set(re.findall(r"\b[A-Z]\w+", errors.__doc__ or ""))
    assert {cls.__name__ for cls in CLASSES} <= drawn


@pytest.mark.parametrize(
    ("name", "also"),
    [
        ("EventTimeoutError", TimeoutError),
        ("SerializationError", TypeError),
        ("RuntimeUnavailableError", ConnectionError),
        ("RunFailed", errors.RunError),
        ("RetriesExhausted", errors.StepError),
        ("TerminalError", errors.StepError),
        ("FlowIOError", errors.StepError),
        ("StoreLocked", errors.StoreError),
        ("RateLimited", errors.LLMError),
    ],
)
def test_families(name: str, also: type) -> None:
    assert issubclass(getattr(errors, name), (also, AGNT5Error))
    assert issubclass(getattr(errors, name), also)


def test_fields_are_keyword_arguments() -> None:
    assert errors.StoreLocked("held", pid=7).pid == 7
    assert errors.StoreLocked("held").pid is None
    error = errors.DivergenceError("d", seq=4, path="a/b", expected="x", actual="y", location="f.py:3")
    assert (error.seq, error.path, error.expected, error.actual, error.location) == (4, "a/b", "x", "y", "f.py:3")
    failed = errors.RunFailed("f", run_id="r", cause_type="m:T", cause_message="c", traceback_text="t")
    assert pickle.loads(pickle.dumps(failed)).traceback_text == "t"
    assert errors.StepTimeout("slow", seconds=2.5).seconds == 2.5
    assert errors.SerializationError("no", path="value.x").path == "value.x"


def test_an_unknown_field_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="StoreLocked has no field 'owner'"):
        errors.StoreLocked("x", owner=3)


def test_users_can_derive_and_pass_what_they_like() -> None:
    class Declined(errors.TerminalError):
        def __init__(self, code: int) -> None:
            super().__init__("declined", code)
            self.code = code

    assert Declined(3).args == ("declined", 3)
