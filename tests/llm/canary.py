"""A key that must never be seen: no pattern of credentials knows it, so only its declaration can hide it."""

from __future__ import annotations

import traceback

import pytest

KEY = "canary7feather7lantern7orchard"


def shown_by(error: BaseException) -> str:
    """All that anybody could print of an error, its chain and its attributes included."""
    return "\n".join(
        [str(error), repr(error), repr(error.args), repr(vars(error)), *traceback.format_exception(error)]
        + [shown_by(one) for one in (error.__cause__, error.__context__) if one is not None]
    )


def logged_by(log: pytest.LogCaptureFixture) -> str:
    return "\n".join([log.text, *(repr(vars(record)) for record in log.records)])
