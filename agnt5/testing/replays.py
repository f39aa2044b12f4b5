"""`assert_replays`: the code as it is now, driven by a recorded journal, asks what it asked then.

No body of a step runs and nothing is written: the answers come from the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnt5.errors import ConfigurationError
from agnt5.execution.flowreplay import replay
from agnt5.run import Run, get_run
from agnt5.runtime import owner_or_reader

if TYPE_CHECKING:
    from agnt5.component import Component


def assert_replays(run: Run | str, component: Component[..., object] | None = None) -> None:
    """Fail with the DivergenceError when the flow's code no longer replays this run.

    `component`: the code to try; default: what is registered under the run's name. ConfigurationError for runs that
    are no flows: a function's body is not a script and never diverges.
    """
    from agnt5 import registry
    from agnt5.component import FLOW

    found = get_run(run) if isinstance(run, str) else run
    code = component or registry.find(found.component)
    if code is None:
        raise ConfigurationError(f"Nothing is called {found.component!r} here; give `component=`.")
    if code.kind != FLOW:
        raise ConfigurationError(f"{code.name} is no flow; only a flow's body is replayed command by command.")
    _, reader = owner_or_reader()
    replay(code, reader.recording(found.id))
