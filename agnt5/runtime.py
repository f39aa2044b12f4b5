"""The embedded runtime: one engine on one store, with its host loop, opened when it is first needed.

It belongs to the process that opened it. A forked child must not use it, and at exit it marks what is in flight as
interrupted and goes, without waiting for bodies that still run.
"""

from __future__ import annotations

import atexit
import contextvars
import os
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from agnt5 import config, registry
from agnt5.errors import ConfigurationError, RuntimeUnavailableError, StoreCorrupt, StoreLocked
from agnt5.log import logger
from agnt5.secret import refuse_secrets

if TYPE_CHECKING:
    from pathlib import Path

    from agnt5 import _core
    from agnt5.component import Component
    from agnt5.config import Settings
    from agnt5.execution.driver import Ending
    from agnt5.telemetry.observer import Observer

_STOP_SECONDS = 2.0

_lock = threading.RLock()
_current: Runtime | None = None


class Runtime:
    """Owner of a store. `directory` is where it lies; `reader` reads it."""

    def __init__(self, settings: Settings) -> None:
        from agnt5 import _core
        from agnt5.execution.capture import ensure_installed
        from agnt5.execution.driver import Driver
        from agnt5.execution.host import Host
        from agnt5.telemetry.observer import Observer

        Observer.check(settings)
        self.pid = os.getpid()
        self._settings = settings
        self._observer: Observer | None = None
        self.directory: Path = settings.store_directory
        make_home(settings.home)
        ensure_installed()
        self.host = Host(lambda: self.driver.on_wake())
        self.driver = Driver(self.host)
        self.driver.refuses = settings.redact == "refuse"
        try:
            self.engine = _core.Engine.open(
                str(self.directory),
                wake_fd=self.host.wake_fd,
                durability=settings.durability,
                recover=settings.recover,
                max_active=settings.max_concurrency,
                max_payload=settings.max_payload,
            )
        except BaseException:
            self.host.dispose()
            raise
        self.driver.engine = self.engine
        self.reader = self.engine.reader()
        self._memory: _core.Memory | None = None
        self._closed = False
        self._release = config.hold(f"a runtime is open on the store {settings.store!r}")
        self.host.start()
        self._report(settings)
        registry.listen(self._defined)
        for component in registry.components():
            self.engine.serve(component.name)

    def _defined(self, name: str) -> None:
        self.engine.serve(name)
        component = registry.find(name)
        if component is not None and (component.trace or component.metrics):
            self._report(self._settings)

    def _report(self, settings: Settings) -> None:
        """Have ends of runs and bodies reported, once something asks for it."""
        from agnt5.telemetry.observer import Observer

        if self._observer is not None:
            self._observer.look()
        elif Observer.wanted(settings):
            self.driver.listener = self._observer = Observer(self.reader, settings)

    def start(
        self,
        component: Component[..., Any],
        payload: bytes,
        *,
        run_id: str | None = None,
        tags: str = "{}",
        object_key: str = "",
        rerun_of: str = "",
        always: list[str] | None = None,
    ) -> str:
        """Record a new run and return its id when it is durable. RunConflict when another run has that id."""
        from agnt5.execution.code import PYTHON

        if self.driver.refuses:
            refuse_secrets(payload, f"the input of {component.name!r}")

        def record(identity: str, digest: bytes, source: bytes) -> bool:
            return self.engine.start(
                identity,
                component.name,
                component.kind,
                payload,
                code=source,
                code_digest=digest,
                python=PYTHON,
                tags=tags,
                object_key=object_key,
                rerun_of=rerun_of,
                always=always or [],
            )

        return self._begin(component, run_id, record)

    def fork(
        self,
        component: Component[..., Any],
        origin: str,
        at: int,
        *,
        run_id: str | None,
        input: bytes | None,
        answers: dict[str, tuple[int, bytes]],
        state: dict[str, bytes | None],
        other_code: bool,
        reuse: bool,
        overlay: bool,
    ) -> str:
        """Record a run that shares the beginning of another; returns its id when it is durable."""

        def record(identity: str, digest: bytes, source: bytes) -> bool:
            self.engine.fork(
                identity,
                origin,
                at,
                input=input,
                code=source,
                code_digest=digest,
                other_code=other_code,
                outcomes=answers,
                state=state,
                reuse=reuse,
                overlay=overlay,
            )
            return True

        return self._begin(component, run_id, record)

    def _begin(
        self, component: Component[..., Any], run_id: str | None, record: Callable[[str, bytes, bytes], bool]
    ) -> str:
        """Have a run recorded, and driven with the code as it is now. `record` says whether it is a new one."""
        from agnt5._core import new_run_id
        from agnt5.execution import code

        identity = run_id or new_run_id()
        pinned = code.pin(component)
        digest, source = code.snapshot(component)
        fresh = not self.driver.expects(identity)
        if fresh:
            context = contextvars.copy_context()
            context.run(_looking.set, None)  # a run is bound to no store that who starts it looks at
            self.driver.expect(identity, pinned, context)
        try:
            made = record(identity, digest, source)
        except BaseException:
            if fresh:
                self.driver.forget(identity)
            raise
        if not made and fresh:
            # The run exists and this process did not start it: it keeps the code that its component has now.
            self.driver.forget(identity)
        return identity

    @property
    def memory(self) -> _core.Memory:
        """What agents remember in this store."""
        with _lock:
            if self._memory is None:
                self._memory = self.engine.memory()
            return self._memory

    def wait(self, run_id: str) -> Future[Ending]:
        return self.driver.wait(run_id)

    def close(self) -> None:
        """Mark what is in flight as interrupted and give the store free. Idempotent."""
        with _lock:
            if self._closed or self.pid != os.getpid():
                return
            self._closed = True
        registry.unlisten(self._defined)
        stopped = threading.Event()

        def stop() -> None:
            try:
                self.driver.stop()
            finally:
                stopped.set()

        try:
            self.host.post(stop)
            stopped.wait(_STOP_SECONDS)
        except RuntimeError:
            logger.debug("the host loop had stopped before the runtime was closed")
        if self._observer is not None:
            self._observer.close()
        self.engine.close()
        self.host.stop(_STOP_SECONDS)
        self.host.dispose()
        self._release()

    def __repr__(self) -> str:
        return f"<Runtime of {self.directory}{' (closed)' if self._closed else ''}>"

    @property
    def closed(self) -> bool:
        return self._closed


def get_runtime() -> Runtime:
    """The runtime of this process; opened now if it is not. StoreLocked when another process owns the store."""
    global _current
    found = _current
    if found is not None and not found.closed and found.pid == os.getpid():
        return found
    with _lock:
        if _current is not None and _current.pid != os.getpid():
            raise RuntimeUnavailableError(
                "This process was forked from the one that owns the store; the engine does not survive a fork. Start "
                "processes with the `spawn` method, or start runs in the parent."
            )
        if _current is None or _current.closed:
            settings = config.settings()
            if settings.runtime is not None:
                raise ConfigurationError(
                    f"The runtime {settings.runtime!r} is on the network, which this version cannot reach. Use "
                    f"`agnt5.configure(runtime='embedded')` and unset AGNT5_RUNTIME_ENDPOINT."
                )
            _current = Runtime(settings)
        return _current


def open_runtime() -> Runtime | None:
    """The runtime if it is open here already."""
    found = _current
    return found if found is not None and not found.closed and found.pid == os.getpid() else None


def close_runtime() -> None:
    """Close this process's runtime, if one is open. The next use opens another."""
    found = open_runtime()
    if found is not None:
        found.close()


def owner_or_reader() -> tuple[Runtime | None, _core.Reader]:
    """The runtime to write with and a reader; no runtime when another process owns the store."""
    try:
        runtime = get_runtime()
    except StoreLocked:
        from agnt5._core import Reader

        return None, Reader.open(str(config.settings().store_directory))
    return runtime, runtime.reader


class Looking:
    """The store of now, to be looked at later: within `with looking.on():` what looks reads that store, and opens none.

    For who shows a store for long: its user may close it, or configure another. The context goes where context
    variables go. What steers runs there still opens a store to own.
    """

    def __init__(self) -> None:
        self._directory = config.settings().store_directory
        self._reader: _core.Reader | None = None

    @contextmanager
    def on(self) -> Generator[None]:
        token = _looking.set(self)
        try:
            yield
        finally:
            _looking.reset(token)

    def reader(self) -> _core.Reader:
        owner = self._owner()
        if owner is not None:
            return owner.reader
        if self._reader is None:
            from agnt5._core import Reader

            self._reader = Reader.open(str(self._directory))
        return self._reader

    def memory(self) -> _core.Memory:
        from agnt5._core import Memory

        owner = self._owner()
        return Memory.visit(str(self._directory)) if owner is None else owner.memory

    def _owner(self) -> Runtime | None:
        found = open_runtime()
        return found if found is not None and found.directory == self._directory else None


_looking: contextvars.ContextVar[Looking | None] = contextvars.ContextVar("agnt5_looking", default=None)


def reader() -> _core.Reader:
    """For looking only: a damaged store takes no runs any more, but what is whole in it can be read."""
    looking = _looking.get()
    if looking is not None:
        return looking.reader()
    try:
        return owner_or_reader()[1]
    except StoreCorrupt:
        from agnt5._core import Reader

        return Reader.open(str(config.settings().store_directory))


def memory() -> _core.Memory:
    """What agents remember in the store of this process; another process that owns it is asked to write."""
    looking = _looking.get()
    if looking is not None:
        return looking.memory()
    try:
        return get_runtime().memory
    except StoreLocked:
        from agnt5._core import Memory

        return Memory.visit(str(config.settings().store_directory))


def scratch_memory() -> _core.Memory:
    """What agents remember in no store at all: for tests."""
    from agnt5._core import Memory

    return Memory.scratch()


def ask_owner(request: dict[str, Any]) -> Any:
    """Send a request to the process that owns the store of this one."""
    import json

    from agnt5._core import visit

    answer = json.loads(visit(str(config.settings().store_directory), json.dumps(request)))
    return answer.get("changed", answer.get("count"))


def make_home(home: Path) -> None:
    """The home directory, for its user alone, and out of version control."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = home / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


atexit.register(close_runtime)
