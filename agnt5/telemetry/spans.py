"""Spans out of journals: one trace a run, made when it has ended, with the times that were recorded.

A run may have lived in several processes; its spans are made by the one in which it ended, once. Runs that it awaited
are nested in it; one that outlived its parent has a trace of its own.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from agnt5 import registry
from agnt5.component import FUNCTION
from agnt5.errors import RunNotFound
from agnt5.journal import Journal
from agnt5.secret import mask
from agnt5.telemetry.describing import SILENT, Description, describe, describe_run, error_type, tool_calls
from agnt5.types import Status as RunStatus

if TYPE_CHECKING:
    from agnt5._core import Reader, RunRow
    from agnt5.entry import Entry
    from agnt5.llm.types import ToolCall

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PROPAGATOR = TraceContextTextMapPropagator()


class Tracing:
    """`everything`: all runs are traced, not only those of components that ask. `content`: what was said is told."""

    def __init__(self, reader: Reader, version: str, *, everything: bool, content: bool) -> None:
        self._reader = reader
        self._version = version
        self._everything = everything
        self._content = content

    def trace(self, run_id: str) -> None:
        """Make the spans that this run's end is due."""
        row = self._reader.run(run_id)
        if row is None or not _ended(row):
            return
        if self._covered(row):
            parent = self._reader.run(row.parent_id) if row.parent_id else None
            if parent is None or not self._covered(parent) or (_ended(parent) and parent.ended < row.ended):
                _Tree(self, row).draw()
            return
        traced = {one.name for one in registry.components() if one.trace and one.kind == FUNCTION}
        if traced:
            _Tree(self, row).draw_calls(traced)

    def _covered(self, row: RunRow) -> bool:
        """Whether this run, or one above it, is to be traced."""
        if self._everything:
            return True
        above: RunRow | None = row
        while above is not None:
            component = registry.find(above.component)
            if component is not None and component.trace:
                return True
            above = self._reader.run(above.parent_id) if above.parent_id else None
        return False

    @property
    def content(self) -> bool:
        return self._content

    @property
    def tracer(self) -> trace.Tracer:
        # Asked for each time: the user may configure an SDK at any moment.
        return trace.get_tracer("agnt5", self._version)

    def row(self, run_id: str) -> RunRow | None:
        return self._reader.run(run_id)

    def journal(self, row: RunRow) -> Journal:
        return Journal.read(self._reader, row)


class _Tree:
    """The spans of one run and of those below it."""

    def __init__(self, tracing: Tracing, row: RunRow) -> None:
        self._tracing = tracing
        self._tracer = tracing.tracer
        self._row = row
        # Ties the trace to the span in which the run was started, perhaps in another process.
        self._outside = _PROPAGATOR.extract(json.loads(row.tags or "{}"), Context())

    def draw(self) -> None:
        self._run(self._row, self._outside)

    def draw_calls(self, names: set[str]) -> None:
        """Only the calls of these functions, wherever they are in the run."""
        drawing = _Drawing(self._tracing.journal(self._row), self._row)
        inside: set[int] = set()
        for entry in drawing.journal:
            if entry.scope in inside or (entry.kind == "call" and entry.name in names):
                if entry.scope not in inside:
                    self._entry(drawing, entry, self._outside)
                inside.add(entry.seq)

    def _run(self, row: RunRow, context: Context) -> None:
        drawing = _Drawing(self._tracing.journal(row), row)
        span = self._start(describe_run(drawing.journal), context, row.started or row.created)
        inner = trace.set_span_in_context(span, context)
        for entry in drawing.nested[0]:
            self._entry(drawing, entry, inner)
        if RunStatus.from_code(row.status) is RunStatus.FAILED:
            self._fail(span, row.reason or "error")
        span.end(end_time=row.ended * 1000)

    def _entry(self, drawing: _Drawing, entry: Entry, context: Context) -> None:
        if entry.kind in SILENT or drawing.shares(entry):
            return
        if entry.kind == "sleep" and entry.ended is None:
            return  # a time limit that was not reached
        called = drawing.called.get(entry.seq)
        if entry.child_id and called is None:
            self._child(entry, drawing, context)
            return
        asked = entry.asked if entry.failed_tries else entry.started
        span = self._start(
            describe(entry, drawing.journal, called, content=self._tracing.content), context, _microseconds(asked)
        )
        inner = trace.set_span_in_context(span, context)
        for tried in entry.failed_tries:
            told = {"error.type": error_type(tried.error)}
            if self._tracing.content:
                told["error.message"] = mask(tried.error)
            span.add_event("attempt failed", told, _microseconds(tried.at) * 1000)
        for nested in drawing.nested[entry.seq]:
            self._entry(drawing, nested, inner)
        if entry.child_id:
            self._child(entry, drawing, inner)
        if entry.ended is None:
            self._fail(span, "cancelled")
        elif entry.error:
            self._fail(span, entry.error)
        ended = drawing.row.ended if entry.ended is None else _microseconds(entry.ended)
        span.end(end_time=ended * 1000)

    def _child(self, entry: Entry, drawing: _Drawing, context: Context) -> None:
        row = self._tracing.row(entry.child_id)
        # One that ended after this run has a trace of its own, made at its end.
        if row is not None and _ended(row) and row.ended <= drawing.row.ended:
            try:
                self._run(row, context)
            except RunNotFound:
                return  # deleted meanwhile

    def _start(self, description: Description, context: Context, began: int) -> trace.Span:
        kind = SpanKind.CLIENT if description.client else SpanKind.INTERNAL
        return self._tracer.start_span(
            description.name, context, kind=kind, attributes=description.attributes, start_time=began * 1000
        )

    def _fail(self, span: trace.Span, line: str) -> None:
        span.set_attribute("error.type", error_type(line))
        # The message of an error may quote what somebody said.
        span.set_status(Status(StatusCode.ERROR, mask(line) if self._tracing.content else None))


class _Drawing:
    """One journal, ready to be drawn."""

    def __init__(self, journal: Journal, row: RunRow) -> None:
        self.journal = journal
        self.row = row
        self.called: dict[int, ToolCall] = tool_calls(journal)
        self.nested: defaultdict[int, list[Entry]] = defaultdict(list)
        for entry in journal:
            self.nested[entry.scope].append(entry)
        self._fork = next((one.seq for one in reversed(journal.stored) if one.body == "forked"), 0)

    def shares(self, entry: Entry) -> bool:
        """Whether it was answered in the run that this one was forked from, and told there."""
        return bool(self._fork) and 0 < entry.answered < self._fork


def start_tags(tags: dict[str, str] | None) -> dict[str, str] | None:
    """Tags that tie a run to the caller's current span; what a person gave stands."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return {**carrier, **(tags or {})} if carrier else tags


def _ended(row: RunRow) -> bool:
    return RunStatus.from_code(row.status).terminal


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


__all__ = ["Tracing", "start_tags"]
