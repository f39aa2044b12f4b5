"""Recorded source that is compiled for a replay stays apart: nobody else finds it, nor loses anything."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from agnt5 import Context, flow, registry

seen: list[Any] = []
names: list[str] = []


def elsewhere(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def looked_at(component: Any) -> Any:
    """A decorator that lets another thread look a component up, and define one, at the moment of definition."""

    def look() -> None:
        seen.append(registry.find("parcel"))
        names.append(f"defined meanwhile, {len(names)}")

        @flow(name=names[-1])
        async def meanwhile(ctx: Context) -> None:
            """Another cell."""

    elsewhere(look)
    return component


def weigh(item: str) -> int:
    return len(item)


@looked_at
@flow
async def parcel(ctx: Context, item: str) -> int:
    return await ctx.call(weigh, item)


def test_others_find_the_code_of_now_while_recorded_source_is_compiled() -> None:
    run = parcel.start("lamp")
    assert run.result() == 4

    @flow(name="parcel")
    async def now(ctx: Context, item: str) -> int:
        return 2 * await ctx.call(weigh, item)

    seen.clear()
    assert run.replay(code="recorded").run_to_end().divergence is None
    assert seen == [now]
    assert registry.find("parcel") is now
    assert registry.find(names[-1]) is not None, "what another thread defines meanwhile is kept"
