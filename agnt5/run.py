"""A run as its user holds it: await it, look at it, steer it; and the verbs over all runs of a store.

A Run is an id and nothing more; everything it shows is read from the store when asked. Inside of a run these verbs are
recorded commands or are refused.
"""

from __future__ import annotations

import base64
import contextvars
import json
import time
import uuid
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from agnt5.approvals import Approvals
from agnt5.codec import encode, encode_call, encode_failure
from agnt5.component import Component, ObjectType, object_type
from agnt5.entry import Arguments, arguments
from agnt5.errors import (
    ConfigurationError,
    RunNotFound,
)
from agnt5.execution.current import current_context
from agnt5.journal import Journal
from agnt5.runlist import RunList
from agnt5.runtime import Runtime, ask_owner, get_runtime, owner_or_reader
from agnt5.runtime import reader as look
from agnt5.secret import refuse_secrets
from agnt5.timetravel import TimeTravel
from agnt5.types import INTERRUPTED, Status
from agnt5.waiting import block, left_alone, row_of, successor_of, wait

if TYPE_CHECKING:
    from agnt5 import _core
    from agnt5.context import Context
    from agnt5.proxy import ObjectProxy


_ALL = 1_000_000  # runs looked through for interrupted ones


class Run(TimeTravel, Approvals):
    """A handle on a durable run. `await run`, `run.result()`: its value, or RunFailed, RunCancelled, RunPaused."""

    __slots__ = ("_started_in", "id")

    def __init__(self, run_id: str, *, started_in: str = "") -> None:
        self.id = run_id
        self._started_in = started_in

    # Waiting

    def __await__(self) -> Generator[Any, None, Any]:
        return self._awaitable().__await__()

    def result(self, timeout: float | None = None) -> Any:
        """Block this thread until the run has ended; TimeoutError after `timeout` seconds. The run itself goes on.

        Interrupting the wait (Ctrl-C, a notebook's stop button) does not stop the run.
        """
        refuse_inside("result()")
        return block(self.id, timeout)

    def _awaitable(self) -> Coroutine[Any, Any, Any]:
        ctx = current_context()
        if ctx is None:
            return self._wait()
        if not ctx.has_started(self._started_in):
            raise ConfigurationError(
                f"Run {self.id} was not started by this run, so awaiting it cannot be recorded. Start it here with "
                f"`component.start(...)`, or wait for an event that it sends."
            )
        return ctx.join_run(self.id)

    async def _wait(self) -> Any:
        return await wait(self.id)

    # Looking

    @property
    def component(self) -> str:
        return self._row().component

    @property
    def status(self) -> Status:
        return Status.from_code(self._row().status)

    @property
    def input(self) -> Arguments:
        """The arguments it was started with: `.args` and `.kwargs`."""
        reader = look()
        found = reader.entries(self._row(reader).id, 0, 1)
        return arguments(found[0].input)

    @property
    def created(self) -> datetime:
        return _datetime(self._row().created)

    @property
    def duration(self) -> timedelta | None:
        """From its first start to its end, or to now; None before it started."""
        row = self._row()
        if not row.started:
            return None
        return timedelta(microseconds=(row.ended or time.time_ns() // 1000) - row.started)

    @property
    def error(self) -> str | None:
        """Why it failed or is paused, in a line or more; None otherwise."""
        row = self._row()
        return row.reason or None

    @property
    def tags(self) -> dict[str, str]:
        return json.loads(self._row().tags or "{}")

    @property
    def caller(self) -> Run | None:
        """The run that called this one as its child; None for a run that no other called, and when that was deleted."""
        caller = self._row().parent_id
        return Run(caller) if caller else None

    @property
    def interrupted(self) -> bool:
        """Its process went away and nobody has resumed it yet."""
        reader = look()
        return left_alone(self._row(reader), owned=bool(reader.owner()))

    @property
    def warnings(self) -> list[str]:
        """What the run noted at its end: forgotten awaits, errors nobody looked at."""
        return self.journal.warnings

    @property
    def journal(self) -> Journal:
        """One entry per command, nested ones included; a picture of now."""
        reader = look()
        return Journal.read(reader, self._row(reader))

    @property
    def successor(self) -> Run | None:
        """The run that goes on in its place, when it ended with `ctx.continue_as`; awaiting either gives the same."""
        found = successor_of(self.id, look())
        return Run(found) if found else None

    def _row(self, reader: _core.Reader | None = None) -> _core.RunRow:
        return row_of(self.id, reader)

    # Steering

    def cancel(self) -> bool:
        """Ask it to stop; its clean-up code runs. A second time: it ends at once. False when it had ended already."""
        return self._ask("cancel", lambda runtime: runtime.engine.cancel(self.id))

    def pause(self, reason: str = "") -> None:
        """Stop it where it is until `resume`."""
        self._ask("pause", lambda runtime: runtime.engine.pause(self.id, reason), reason=reason)

    def resume(
        self,
        *,
        values: Mapping[str, Any] | None = None,
        errors: Mapping[str, BaseException] | None = None,
        again: Iterable[str] = (),
        code: Component[..., Any] | str | None = None,
    ) -> bool:
        """Let an interrupted or paused run go on. False when there was nothing to resume.

        Steps whose outcome is unknown are settled by path: with a value, with an error, or by running them `again`.
        `code` is what drives it in this process instead of what is defined now: another version of its component, or
        "recorded" for its source as it was when it started.
        """
        from agnt5.execution.kinds import FAILURE, RETRY, VALUE

        outcomes = {path: (VALUE, encode(value)) for path, value in (values or {}).items()}
        outcomes |= {path: (FAILURE, encode_failure(error, attempts=1)) for path, error in (errors or {}).items()}
        outcomes |= dict.fromkeys(again, (RETRY, b""))

        version = None
        if code is not None:
            from agnt5.replay.fork import component_for

            version = component_for(self, code)

        def here(runtime: Runtime) -> bool:
            if version is not None:
                runtime.driver.expect(self.id, version, contextvars.copy_context())
            return runtime.engine.resume(self.id, outcomes=outcomes or None)

        if version is not None:
            # Code does not travel: the process that is given it has to own the store.
            refuse_inside("resume()")
            return here(get_runtime())
        words = {VALUE: "value", FAILURE: "failure"}
        told = {
            path: {"retry": True} if kind == RETRY else {words[kind]: base64.b64encode(data).decode()}
            for path, (kind, data) in outcomes.items()
        }
        return self._ask("resume", here, outcomes=told)

    def delete(self) -> None:
        """Remove an ended run and everything it kept. RunConflict while it has not ended."""
        self._ask("delete", _delete(self.id))

    def _ask(self, what: str, here: Callable[[Runtime], Any], **more: Any) -> Any:
        """Do it here, or have the store's owner do it. `more`: what else its request says."""
        refuse_inside(f"{what}()")
        runtime, _ = owner_or_reader()
        return ask_owner({"do": what, "run_id": self.id, **more}) if runtime is None else here(runtime)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        try:
            row = self._row()
        except Exception:  # a repr must not fail because a store is closed or elsewhere
            return f"<Run {self.id}>"
        return f"<Run {self.id} of {row.component}: {Status.from_code(row.status)}>"

    def __agnt5_still__(self) -> str:
        """Its text in a replay: what has become of it since is none of the moment that is shown."""
        return f"<Run {self.id}>"


def start(
    component: Component[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    run_id: str | None = None,
    tags: dict[str, str] | None = None,
) -> Run:
    ctx = current_context()
    if ctx is not None:
        if run_id is not None or tags is not None:
            raise ConfigurationError("Inside a run, ids of new runs are derived and tags inherited: leave both out.")
        return ctx.start_run(component, args, kwargs)
    if run_id is not None and not (0 < len(run_id) <= 200 and run_id.isprintable()):
        raise ConfigurationError(f"A run id is 1 to 200 printable characters, not {run_id!r}.")
    runtime = get_runtime()
    listener = runtime.driver.listener
    if listener is not None:
        tags = listener.start_tags(tags)
    text = json.dumps(tags) if tags else "{}"
    return Run(runtime.start(component, encode_call(args, kwargs), run_id=run_id, tags=text))


def run(component: Component[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    ctx = current_context()
    return _start_and_wait(component, args, kwargs) if ctx is None else ctx.call_with(component, args, kwargs)


async def _start_and_wait(component: Component[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return await start(component, args, kwargs)


def refuse_inside(what: str) -> Context | None:
    """Raise inside a run: blocking there would stop every run of the process, and could not be recorded."""
    ctx = current_context()
    if ctx is not None:
        raise ConfigurationError(
            f"{what} was used inside run {ctx.run_id}. A body reaches other runs through its context: `await "
            f"ctx.call(component, ...)`, or `run = component.start(...)` and `await run`."
        )
    return None


def runs(
    *,
    status: Status | str | None = None,
    component: str | Component[..., Any] | None = None,
    limit: int = 100,
    since: datetime | float | None = None,
    roots: bool = False,
) -> RunList:
    """Runs of this store, newest first: a list that also becomes a table (`.to_pandas()`, `.to_arrow()`). `since`: a
    datetime, or seconds since 1970. `roots`: only runs that no other run called. `status`: also "interrupted", those
    whose process went away and that nobody has resumed. ConfigurationError for a status that does not exist or a
    negative limit."""
    if limit < 0:
        raise ConfigurationError(f"`limit=` is how many runs at most, from 0; it is {limit}.")
    reader = look()
    moment = 0 if since is None else int((since.timestamp() if isinstance(since, datetime) else since) * 1e6)
    try:
        code = -1 if status in (None, INTERRUPTED) else Status(status).code
    except ValueError:
        known = ", ".join([*Status, INTERRUPTED])
        raise ConfigurationError(f"{status!r} is no status; there are {known}.") from None
    name = component.name if isinstance(component, Component) else component or ""
    if limit == 0:  # stands for the reader's own limit there
        return RunList()
    most = _ALL if status == INTERRUPTED else limit
    rows = reader.runs(status=code, component=name, since=moment, roots=roots, limit=most)
    if status == INTERRUPTED:
        owned = bool(reader.owner())
        rows = [row for row in rows if left_alone(row, owned=owned)][:limit]
    return RunList(Run(row.id) for row in rows)


def get_run(run_id: str) -> Run:
    """The run with this id, or whose id begins so. RunNotFound when there is none, or more than one."""
    reader = look()
    if reader.run(run_id) is not None:
        return Run(run_id)
    found = reader.runs(id_prefix=run_id, limit=2) if run_id else []
    if len(found) == 1:
        return Run(found[0].id)
    which = "Several runs begin" if found else "No run begins"
    raise RunNotFound(f"{which} with {run_id!r} in this store. `agnt5.runs()` lists them.", run_id=run_id)


def send_event(name: str, payload: Any = None, *, event_id: str = "", run: Run | str | None = None) -> bool:
    """Send an event to `run`, or to the run that has waited longest; kept for 7 days when nobody waits yet.

    False when an event with this `event_id` was sent before. Inside a run this is recorded, and sent once.
    """
    target = "" if run is None else run if isinstance(run, str) else run.id
    ctx = current_context()
    if ctx is not None:
        ctx.post_event(name, payload, target)
        return True
    body = encode(payload)
    runtime, _ = owner_or_reader()
    if runtime is not None:
        if runtime.driver.refuses:
            refuse_secrets(body, f"the event {name!r}")
        return runtime.engine.send_event(name, body, event_id=event_id, run_id=target)
    coded = base64.b64encode(body).decode()
    # The request may be sent twice over a broken socket; its id makes that one event.
    unique = event_id or uuid.uuid4().hex
    return ask_owner({"do": "event", "name": name, "payload": coded, "run_id": target, "event_id": unique})


def prune(older: timedelta | float) -> int:
    """Delete runs that ended longer ago than this (a timedelta, or seconds); returns how many."""
    seconds = older.total_seconds() if isinstance(older, timedelta) else older
    before = int((time.time() - seconds) * 1e6)
    runtime, _ = owner_or_reader()
    if runtime is None:
        return ask_owner({"do": "prune", "before": before})
    pruned = runtime.engine.prune(before)
    runtime.driver.forget_endings()
    return pruned


def _delete(run_id: str) -> Callable[[Runtime], None]:
    def delete(runtime: Runtime) -> None:
        runtime.engine.delete(run_id)
        runtime.driver.forget_endings()

    return delete


def get_object(cls: type | str, key: str) -> ObjectProxy:
    """The durable object with this key, from outside a run: `await proxy.method(...)`."""
    from agnt5.proxy import ObjectProxy

    ctx = current_context()
    if ctx is not None:
        return ObjectProxy(object_type(cls), key, ctx.call_object)
    return ObjectProxy(object_type(cls), key, _call_object)


async def _call_object(method: Component[..., Any], target: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    assert isinstance(method.owner, ObjectType)
    return await Run(get_runtime().start(method, encode_call(args, kwargs), object_key=target))


def _datetime(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


__all__ = ["Run", "get_object", "get_run", "prune", "run", "runs", "send_event", "start"]
