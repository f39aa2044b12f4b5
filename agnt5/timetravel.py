"""What a run offers beyond its own life: relatives, forks, reruns. The work is done in `agnt5.replay`.

A recorded run is never changed by any of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from agnt5.runtime import reader as look

if TYPE_CHECKING:
    from agnt5.component import Component
    from agnt5.entry import Entry
    from agnt5.journal import Journal
    from agnt5.replay.diff import Diff
    from agnt5.replay.fork import ForkPlan
    from agnt5.replay.replay import Replay
    from agnt5.replay.rerun import Reused
    from agnt5.run import Run

_ALL = 1_000_000


class TimeTravel:
    """The part of `Run` that makes or finds other runs."""

    __slots__ = ()
    id: str

    def replay(self, code: Component[..., Any] | Callable[..., Any] | str | None = None) -> Replay:
        """Step through this run, backwards too: source, locals and state at every position. No step body runs.

        `code`: a component to drive instead of the one that is defined now, or "recorded" for its source as it was. A
        running run is replayed as far as it is recorded. Where the code asks otherwise than recorded, the replay ends
        there and `.divergence` says how. Runs of functions and methods, whose bodies do I/O, are stepped over their
        entries without their code.
        """
        from agnt5.run import Run

        return Run(self.id).journal.replay(code)

    @property
    def parent(self) -> Run | None:
        """The run it was forked from, or takes results from as a rerun; None for others, and when that was deleted."""
        from agnt5.run import Run

        row = look().run(self.id)
        return Run(row.origin_id) if row is not None and row.origin_id else None

    @property
    def cut(self) -> int:
        """Of a fork: seq of the first entry that is not shared with its parent. 0 for any other run, a rerun too."""
        row = look().run(self.id)
        return 0 if row is None else row.origin_seq

    @property
    def forks(self) -> list[Run]:
        """Forks and reruns of this run, oldest first."""
        from agnt5.run import Run

        rows = look().runs(origin_id=self.id, limit=_ALL)
        return [Run(row.id) for row in reversed(rows)]

    @property
    def reused(self) -> Reused:
        """In a rerun: the entries answered from the older run (`len`), and why others were executed (`str`)."""
        from agnt5.replay.rerun import reused
        from agnt5.run import Run

        return reused(Run(self.id))

    def fork(
        self,
        at: int | str | Entry | None = None,
        *,
        input: Any = None,
        outputs: Mapping[str, Any] | None = None,
        fail: Mapping[str, Any] | None = None,
        state: Mapping[str, Any] | None = None,
        inflight: Literal["rerun", "reuse"] = "rerun",
        objects: Literal["overlay", "live"] = "overlay",
        code: Component[..., Any] | Callable[..., Any] | None = None,
        run_id: str | None = None,
    ) -> Run:
        """A new run that shares the entries up to `at` and goes on live, with new idempotency keys. This one stays.

        `at`: an entry, its seq or its path; the cut is at the last position that is not after it. Left out: at the
        first command in `outputs` or `fail`. `outputs`: {path: value} and `fail`: {path: exception} answer commands
        after the cut; `state`: {name: value} sets execution-scoped state there, None deletes. `input`: other arguments
        (a tuple is spread) from the start; then nothing is shared. `inflight`: what was under way is done again
        ("rerun") or gets the answer it had ("reuse"). `objects`: calls act on copies as they were at the cut
        ("overlay") or on the objects themselves ("live"). `code`: another version of the component. `plan_fork` shows
        beforehand what will run. From a process that does not own the store, the owner is asked, and drives the fork
        with its code.

        ConfigurationError when an answer to be changed lies before the cut, or nowhere. DivergenceError when changed
        code does not ask for what is shared.
        """
        from agnt5.replay.fork import fork
        from agnt5.run import Run, refuse_inside

        refuse_inside("fork()")
        return fork(
            Run(self.id),
            at,
            input=input,
            outputs=outputs,
            fail=fail,
            state=state,
            inflight=inflight,
            objects=objects,
            code=code,
            run_id=run_id,
        )

    def plan_fork(
        self,
        at: int | str | Entry | None = None,
        *,
        input: Any = None,
        outputs: Mapping[str, Any] | None = None,
        fail: Mapping[str, Any] | None = None,
        code: Component[..., Any] | Callable[..., Any] | None = None,
    ) -> ForkPlan:
        """Where such a fork would cut, what is in flight there, and what would run live. Writes nothing."""
        from agnt5.replay.fork import plan_fork
        from agnt5.run import Run

        return plan_fork(Run(self.id), at, input=input, outputs=outputs, fail=fail, code=code)

    def diff(self, other: Run | Journal) -> Diff:
        """This run and another one (or its journal) side by side: the first difference, what was asked and answered
        otherwise, tokens, cost, time and code. This run is the old one."""
        from agnt5.run import Run

        own = Run(self.id).journal
        return own.diff(other.journal if isinstance(other, Run) else other)

    def rerun(
        self,
        input: Any = None,
        *,
        always: Iterable[str] = (),
        code: Component[..., Any] | Callable[..., Any] | None = None,
        run_id: str | None = None,
    ) -> Run:
        """A new run with the same input (or `input`: a tuple is spread) that takes over results of this one.

        A step or function is answered from this run's journal when its place, its arguments and the code it reaches are
        the same; everything else is executed. `always`: names of steps to execute in any case. `run.reused` of the new
        run tells what was taken over, and why the rest was not.
        """
        from agnt5.replay.rerun import rerun
        from agnt5.run import Run, refuse_inside

        refuse_inside("rerun()")
        return rerun(Run(self.id), input, always=always, code=code, run_id=run_id)
