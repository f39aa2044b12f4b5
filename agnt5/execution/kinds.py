"""The core's numbers, for modules that must not know the core itself, and the words that journals show for them."""

from __future__ import annotations

from typing import Final

from agnt5 import _core
from agnt5._core import Recording, derive, digest, new_run_id, retry_delay

STEP: Final = _core.COMMAND_STEP
SLEEP: Final = _core.COMMAND_SLEEP
WAIT_EVENT: Final = _core.COMMAND_WAIT_EVENT
OBJECT_CALL: Final = _core.COMMAND_OBJECT
STATE_SET: Final = _core.COMMAND_STATE_SET
STATE_DELETE: Final = _core.COMMAND_STATE_DELETE
SEND_EVENT: Final = _core.COMMAND_SEND_EVENT
CANCEL: Final = _core.COMMAND_CANCEL
START: Final = _core.COMMAND_START
JOIN: Final = _core.COMMAND_JOIN

VALUE: Final = _core.OUTCOME_VALUE
FAILURE: Final = _core.OUTCOME_FAILURE
FIRED: Final = _core.OUTCOME_FIRED
TIMED_OUT: Final = _core.OUTCOME_TIMED_OUT
RECEIVED: Final = _core.OUTCOME_RECEIVED
CANCELLED: Final = _core.OUTCOME_CANCELLED
RETRY: Final = _core.OUTCOME_RETRY
CONTINUED: Final = _core.OUTCOME_CONTINUED

COMMAND_WORDS: Final = {
    _core.COMMAND_STEP: "step",
    _core.COMMAND_CALL: "call",
    _core.COMMAND_CHILD: "child",
    _core.COMMAND_OBJECT: "object",
    _core.COMMAND_SLEEP: "sleep",
    _core.COMMAND_WAIT_EVENT: "event",
    _core.COMMAND_STATE_SET: "state_set",
    _core.COMMAND_STATE_DELETE: "state_delete",
    _core.COMMAND_STATE_GET: "state_get",
    _core.COMMAND_SEND_EVENT: "send_event",
    _core.COMMAND_CANCEL: "cancel",
    _core.COMMAND_START: "start",
    _core.COMMAND_JOIN: "join",
}

# Answered by being asked: their command is their whole record.
IMMEDIATE: Final = frozenset({STATE_SET, STATE_DELETE, SEND_EVENT, CANCEL, START})

__all__ = ["Recording", "derive", "digest", "new_run_id", "retry_delay"]
