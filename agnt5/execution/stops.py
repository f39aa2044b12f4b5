"""Why an attempt stops before its run has ended: divergence, an uncertain step, a result nobody can record.

Each writes nothing to the journal. The reason becomes the run's error, so it says what happened, to what, and what to
do next.
"""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING

from agnt5 import _core
from agnt5.codec import encode_failure
from agnt5.errors import DivergenceError, FlowIOError, FlowSpinError, FlowStuckError, RunPaused, StoreError
from agnt5.execution.diverging import explain
from agnt5.log import logger
from agnt5.notebook import under_ipython

if TYPE_CHECKING:
    from agnt5.execution.attempt import Attempt
    from agnt5.execution.ops import Op

LARGE = 10_000


class Uncertain(RunPaused):
    """An at-most-once step began under an earlier attempt and nobody knows how it ended."""


class Unrecordable(RunPaused):
    """A step is done and its result cannot be written down."""


def stop(attempt: Attempt) -> None:
    """Carry out what poisoned the attempt. Called from a plain callback, never from inside a body."""
    if attempt.dead:
        return
    error = attempt.poison
    try:
        if isinstance(error, (FlowIOError, FlowSpinError, FlowStuckError)):
            attempt.end(_core.OUTCOME_FAILURE, encode_failure(error, attempts=1))
            return
        reason = reason_of(error)
        attempt.driver.paused(attempt, error)
        attempt.tear_down()
        attempt.session.pause(reason)
        if attempt.session.parent_id and not under_ipython():  # there, whoever waits is told in the cell
            # Who waits for its caller would else see a run that waits, and not for whom.
            told = paused_text(attempt.session.parent_id, attempt.run_id, attempt.session.component, reason)
            logger.warning("%s", told)
        attempt.driver.commit(attempt)
    except Exception as broken:
        broke(attempt, broken)


def diverged(attempt: Attempt, error: DivergenceError) -> None:
    attempt.poisoned_by(explain(attempt, error))
    stop(attempt)


def broke(attempt: Attempt, error: Exception) -> None:
    """Something below or in the driver failed. The run stays as it is recorded; who waits for it hears why."""
    attempt.poisoned_by(error)
    if not isinstance(error, StoreError):
        logger.error("run %s stopped: %s", attempt.run_id, "".join(traceback.format_exception(error)))
    try:
        attempt.tear_down()
        attempt.session.pause(reason_of(error))
        attempt.driver.commit(attempt)
    except Exception as worse:
        attempt.driver.lost(attempt.run_id, error if isinstance(error, StoreError) else worse)


def reason_of(error: BaseException | None) -> str:
    """What `run.error` shows of a paused run. Its first word names the class, which `reason_error` reads back."""
    if isinstance(error, RunPaused):
        return f"RunPaused: {error}"
    return f"{type(error).__name__}: {error}"


def reason_error(run_id: str, reason: str) -> Exception:
    """The exception that awaiting a paused run raises."""
    kind, _, text = reason.partition(": ")
    if kind == "DivergenceError":
        told = DivergenceError(text)
        if place := re.match(r"at entry (\d+)", text):
            told.seq = int(place[1])  # who waits late can fork there too
        return told
    why = text if kind == "RunPaused" else reason or "somebody paused it"
    return RunPaused(f"Run {run_id} is paused: {why}. Look at `run.journal`, then `run.resume()` or `run.cancel()`.")


def paused_text(caller: str, run_id: str, component: str, reason: str) -> str:
    """What to know of a run that waits for a paused one."""
    why = reason.removeprefix("RunPaused: ").rstrip(".") or "somebody paused it"
    return (
        f"Run {caller} waits for the run of {component!r} that it called, {run_id}, which is paused: {why}. "
        f"There, `run` is `agnt5.get_run({run_id!r})`."
    )


def warn_large(attempt: Attempt) -> None:
    if attempt.base >= LARGE:
        logger.warning(
            "run %s has %d journal entries, and every attempt reads them all. Split the work: let child flows, "
            "`await ctx.call(a_flow, ...)`, do its parts, or hand over to a run with a fresh journal, "
            "`await ctx.continue_as(...)`.",
            attempt.run_id,
            attempt.base,
        )


def is_uncertain(op: Op) -> bool:
    """Recorded by an earlier attempt, may have run, must not run twice, and nobody has decided about it."""
    return not op.done and op.attempt.session.is_uncertain(op.seq)


def uncertain_text(attempt: Attempt, ops: list[Op]) -> str:
    paths = ", ".join(repr(attempt.session.path(op.seq)) for op in ops)
    return (
        f"uncertain: {paths} may run at most once, began before the last interruption, and its outcome was not "
        f"recorded. Find out what it did, then `run.resume(values={{path: result}})`, `run.resume(errors={{path: "
        f"exception}})`, or `run.resume(again=[path])` to run it again"
    )


def unrecordable_text(attempt: Attempt, op: Op, error: Exception) -> str:
    path = attempt.session.path(op.seq) if op.seq else op.name
    why = str(error).rstrip(".")
    return (
        f"done but unrecordable: {path!r} ended, and its result cannot be written down: {why}. It is not run again "
        f"by itself. `run.resume(values={{{path!r}: result}})` records a value for it; `run.resume()` after changing "
        f"what it returns runs it again"
    )
