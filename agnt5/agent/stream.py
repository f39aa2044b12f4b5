"""What an agent does while it does it: pieces of text, tool calls, results, for whoever watches.

Nothing of it is recorded and nothing depends on it: a run goes on when nobody watches.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from agnt5.chat import Streamed
from agnt5.errors import ConfigurationError

if TYPE_CHECKING:
    from agnt5.run import Run

Kind: TypeAlias = Literal["text", "thought", "tool_call", "tool_result", "approval", "handoff", "restart", "answer"]


@dataclass(frozen=True, slots=True)
class Update:
    """One thing that happened. `text`: a piece of text, or what a tool gave; `data`: a ToolCall, question or Answer.

    "restart": the answer that was being streamed begins again (its first try failed); drop what came of it.
    """

    kind: Kind
    text: str = ""
    data: Any = None
    agent: str = ""


async def updates(run: Run) -> AsyncIterator[Update]:
    """Everything a run shows from now on, at last its answer. Raises what `await run` raises."""
    from agnt5.runtime import open_runtime

    runtime = open_runtime()
    if runtime is None:
        raise ConfigurationError(f"Run {run.id} is driven by another process; only that one can stream it.")
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Update | None] = asyncio.Queue()

    def hear(run_id: str, value: Any) -> None:
        if run_id != run.id:
            return
        for update in _updates_of(value):
            loop.call_soon_threadsafe(queue.put_nowait, update)

    listeners = runtime.driver.listeners
    listeners.append(hear)
    ending = asyncio.ensure_future(_result(run))
    ending.add_done_callback(lambda _: queue.put_nowait(None))
    try:
        while (item := await queue.get()) is not None:
            yield item
        yield Update("answer", str(ending.result()), ending.result())
    finally:
        listeners.remove(hear)
        ending.cancel()


async def _result(run: Run) -> Any:
    return await run


def _updates_of(value: Any) -> list[Update]:
    if isinstance(value, Update):
        return [value]
    if not isinstance(value, Streamed):
        return []
    found = [Update("restart")] if value.again else []
    if value.delta.text:
        found.append(Update("text", value.delta.text))
    if value.delta.thought:
        found.append(Update("thought", value.delta.thought))
    return found
