"""The listener of one runtime: hands ended runs to a thread that makes their spans, and bodies to the instruments.

Making spans reads journals, which must not hold up the host loop. A failure of a report is logged and forgotten.
"""

from __future__ import annotations

import atexit
import queue
import threading
import weakref
from typing import TYPE_CHECKING

from agnt5 import registry
from agnt5.execution.sidechannels import sink
from agnt5.extras import has_telemetry, require_telemetry
from agnt5.log import logger

if TYPE_CHECKING:
    from agnt5._core import Reader
    from agnt5.config import Settings
    from agnt5.execution.ops import Op

_PATIENCE = 5.0

_observers: weakref.WeakSet[Observer] = weakref.WeakSet()


def flush(timeout: float = _PATIENCE) -> bool:
    """Wait until the spans of all runs that have ended are made; False when that took longer than `timeout` seconds.

    They are not exported by that: an SDK's `force_flush` does it.
    """
    return all(one.flush(timeout) for one in list(_observers))


class Observer:
    """Reports of one runtime: of everything when settings say so, else of components that ask."""

    def __init__(self, reader: Reader, settings: Settings) -> None:
        from agnt5 import __version__
        from agnt5.telemetry.instruments import Instruments
        from agnt5.telemetry.spans import Tracing

        self._tracing = Tracing(reader, __version__, everything=settings.trace_enabled, content=settings.trace_content)
        self._settings = settings
        self._traces = False
        self._instruments = Instruments(__version__)
        self._ended: queue.SimpleQueue[str | threading.Event] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.look()
        _observers.add(self)

    @staticmethod
    def check(settings: Settings) -> None:
        """ConfigurationError when settings ask for reports that cannot be made."""
        if settings.trace_enabled:
            require_telemetry("AGNT5_TRACE_ENABLED (`trace_enabled`)")
        if settings.metrics_enabled:
            require_telemetry("AGNT5_METRICS_ENABLED (`metrics_enabled`)")

    @staticmethod
    def wanted(settings: Settings) -> bool:
        """Whether settings or a component ask for reports that can be made."""
        asked = any(one.trace or one.metrics for one in registry.components())
        return (settings.trace_enabled or settings.metrics_enabled or asked) and has_telemetry()

    def look(self) -> None:
        """A component was defined: what it asks for counts from now on."""
        found = list(registry.components())
        self._traces = self._settings.trace_enabled or any(one.trace for one in found)
        # Values of `ctx.metrics` belong to no component, so one that asks is enough.
        if self._settings.metrics_enabled or any(one.metrics for one in found):
            sink.outlet = self._instruments

    # What the driver tells

    def run_ended(self, run_id: str) -> None:
        if not self._traces:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="agnt5-telemetry", daemon=True)
            self._thread.start()
            # After an SDK that is configured by now, so that it is asked before that one is shut down.
            atexit.register(self.flush)
        self._ended.put(run_id)

    def body_ended(self, op: Op, error: BaseException | None, began: int) -> None:
        if not (self._settings.metrics_enabled or op.attempt.component.metrics):
            return
        try:
            self._instruments.body_ended(op, error, began)
        except Exception:
            logger.exception("a metric of %s could not be recorded", op.name)

    def start_tags(self, tags: dict[str, str] | None) -> dict[str, str] | None:
        from agnt5.telemetry.spans import start_tags

        return start_tags(tags) if self._traces else tags

    # The thread

    def _work(self) -> None:
        while True:
            item = self._ended.get()
            if isinstance(item, threading.Event):
                item.set()
                continue
            try:
                self._tracing.trace(item)
            except Exception:
                logger.exception("the spans of run %s could not be made", item)

    def flush(self, timeout: float = _PATIENCE) -> bool:
        """Wait until what has ended is told."""
        if self._thread is None:
            return True
        told = threading.Event()
        self._ended.put(told)
        return told.wait(timeout)

    def close(self) -> None:
        """The runtime closes."""
        self.flush()
        atexit.unregister(self.flush)
        if sink.outlet is self._instruments:
            sink.outlet = None
        _observers.discard(self)
