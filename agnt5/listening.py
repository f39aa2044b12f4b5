"""Who hears what runs of this process show while they run: pieces of models' answers, `ctx.emit`, updates of agents.

Nothing of it is recorded. Listening opens no store, so that one can listen before the first run begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agnt5.log import logger

_listeners: list[Callable[[str, Any], None]] = []


def listen(callback: Callable[[str, Any], None]) -> Callable[[], None]:
    """Call `callback(run id, value)` for all that runs of this process emit from now on, whichever store is open. On
    the thread that emits: hand it over, do not work there. Who listens already is called once all the same. Returns how
    to stop.
    """
    if callback not in _listeners:
        _listeners.append(callback)

    def stop() -> None:
        if callback in _listeners:
            _listeners.remove(callback)

    return stop


def emitted(run_id: str, value: Any) -> None:
    """Tell who listens."""
    for listener in list(_listeners):
        try:
            listener(run_id, value)
        except Exception:  # who watches must not hurt what is watched
            logger.exception("a listener could not take what run %s shows", run_id)
