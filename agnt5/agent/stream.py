"""What an agent does while it does it: pieces of text, tool calls, results, for whoever watches.

Nothing of it is recorded and nothing depends on it: a run goes on when nobody watches.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from agnt5.chat import Streamed
from agnt5.execution.current import current_context
from agnt5.execution.ioless import IOLessLoop
from agnt5.listening import listen

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


async def updates(start: Callable[[], Run]) -> AsyncIterator[Update]:
    """Everything that the run which `start` begins shows, at last its answer. Raises what `await run` raises.

    Not in a flow: what is shown is not recorded, so a flow that goes by it would take another course in its replay.
    """
    loop = asyncio.get_running_loop()
    if isinstance(loop, IOLessLoop):
        raise loop.refuse_io("watching an agent", "Write `await agent.run(...)`; watch from outside of the flow.")
    context = current_context()
    shown: list[Any] | None = getattr(context, "emitted", None)  # a MockContext keeps what is shown
    if shown is not None:
        begun = len(shown)
        answer = await start()
        for value in shown[begun:]:
            for update in _updates_of(value):
                yield update
        yield Update("text", str(answer))  # it comes in one piece there
        yield Update("answer", str(answer), answer)
        return
    queue: asyncio.Queue[Update | None] = asyncio.Queue()
    known: list[str] = []

    def take(run_id: str, value: Any) -> None:
        # Here the run has begun: this loop has gone round since `start`.
        for update in _updates_of(value) if run_id in known else ():
            queue.put_nowait(update)

    def hear(run_id: str, value: Any) -> None:
        if (not known or run_id in known) and not loop.is_closed():
            loop.call_soon_threadsafe(take, run_id, value)

    # Before it begins: on a host loop of its own it may show its first words before `start` has returned.
    stop = listen(hear)
    try:
        run = start()
        known.append(run.id)
        ending = asyncio.ensure_future(_result(run))
        ending.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (item := await queue.get()) is not None:
                yield item
            yield Update("answer", str(ending.result()), ending.result())
        finally:
            ending.cancel()
    finally:
        stop()


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
