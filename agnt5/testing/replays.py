"""`assert_replays`: the code as it is now, driven by a recorded journal, asks what it asked then.

No body of a step runs and nothing is written: the answers come from the journal.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agnt5.component import FLOW, Component, component_of
from agnt5.errors import ConfigurationError, DivergenceError
from agnt5.execution.flowreplay import replay
from agnt5.journal import Journal
from agnt5.journalfile import load_journal
from agnt5.run import Run, get_run

if TYPE_CHECKING:
    from pathlib import Path


def assert_replays(
    run: Run | str | Journal | os.PathLike[str], component: Component[..., Any] | Callable[..., Any] | None = None
) -> None:
    """Fail with the DivergenceError when the flow's code no longer asks what this run's journal holds.

    `run`: a run of this store or its id, a journal, or the path of a journal file. `component`: the code to try (a
    flow, an agent, a workflow); default: what is registered under the run's name. A run that has not ended is replayed
    as far as it is recorded.

    ConfigurationError for runs that are no flows: a function's body is not a script and never diverges.
    """
    __tracebackhide__ = True  # pytest: what a person reads is the message, not how a replay works
    journal = _journal(run)
    code = flow_of(journal, component)
    try:
        replay(code, journal.recording)
    except DivergenceError as error:
        raise error.with_traceback(None) from None


def flow_of(journal: Journal, component: Component[..., Any] | Callable[..., Any] | None = None) -> Component[..., Any]:
    """The code that replays a journal. ConfigurationError when there is none, or it cannot be replayed."""
    from agnt5 import registry

    code = registry.find(journal.component) if component is None else component_of(component)
    if code is None:
        if component is not None:
            raise ConfigurationError(f"{component!r} is no component; give a flow, an agent or a workflow.")
        raise ConfigurationError(
            f"Nothing is called {journal.component!r} here: import or define it, or give `component=`."
        )
    if code.kind != FLOW:
        raise ConfigurationError(
            f"{code.name} is no flow; only a flow's body is replayed command by command, for that of a function or "
            f"method may do I/O."
        )
    return code


def _journal(run: Run | str | Journal | os.PathLike[str] | Path) -> Journal:
    if isinstance(run, Journal):
        return run
    if isinstance(run, os.PathLike):
        return load_journal(run)
    return (get_run(run) if isinstance(run, str) else run).journal
