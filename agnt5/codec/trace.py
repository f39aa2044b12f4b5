"""The text of a traceback as users should see it: their frames, bounded, and never an error of its own."""

from __future__ import annotations

import os
import traceback

MAX_TEXT = 16_384
"""Characters kept of one traceback; the middle is left out."""

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def traceback_text(exc: BaseException) -> str:
    """Formatted as Python does, causes included, without the frames of this package where others are left."""
    try:
        view = traceback.TracebackException(type(exc), exc, exc.__traceback__, compact=True)
        _hide_own_frames(view, 0)
        text = "".join(view.format())
    except Exception as error:  # a __str__ or a source loader of the user's that raises
        text = f"{type(exc).__qualname__}: (the traceback could not be formatted: {type(error).__name__})\n"
    if len(text) <= MAX_TEXT:
        return text
    half = MAX_TEXT // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"


def message_of(exc: BaseException) -> str:
    """`str(exc)`, which a class of the user's may break."""
    try:
        return str(exc)
    except Exception as error:
        return f"<the message could not be made: {type(error).__name__}>"


def _hide_own_frames(view: traceback.TracebackException, depth: int) -> None:
    theirs = [frame for frame in view.stack if not frame.filename.startswith(_PACKAGE)]
    # An error raised and caught in here keeps its frames only if it is the one to be shown.
    if len(theirs) != len(view.stack) and (theirs or depth > 0):
        view.stack = traceback.StackSummary.from_list(theirs)
    if depth < 20:
        for other in (view.__cause__, view.__context__, *(view.exceptions or ())):
            if other is not None:
                _hide_own_frames(other, depth + 1)
