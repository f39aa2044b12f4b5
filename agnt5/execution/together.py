"""Several operations of one body at once, none of them left behind when one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any


async def together(work: Sequence[Coroutine[Any, Any, Any]], *, return_exceptions: bool = False) -> list[Any]:
    """Results in order. The first failure is raised once all others are cancelled and have ended, unless
    `return_exceptions` lets each failure take its place in the list."""
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks, return_exceptions=return_exceptions))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
