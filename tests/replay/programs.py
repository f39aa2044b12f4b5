"""Random flows: a program is a tree of what flows do, and one flow carries it out.

A node is a list: its kind, then numbers, names or nodes. What a step gives depends on its arguments alone. Programs
with a kind of RACY may end otherwise when they run again, because something wins by being faster.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any, TypeAlias

import agnt5
from agnt5 import ConstantBackoff, Context, current_context, flow, function
from agnt5.durable import object as durable_object

Node: TypeAlias = list[Any]

executed: list[str] = []
count = executed.append  # a method of a builtin: a list that the bodies read would be another value after each of them

# In a function's body there is no order to keep, and no flow loop: these are what it may do.
IN_FUNCTIONS = {"step", "thread", "flaky", "all", "try", "function", "spawn"}
RACY = {"first", "timeout", "shield", "cancel", "event", "as_completed", "group"}


async def step(name: str, milliseconds: int, fails: bool) -> str:
    count(name)
    await asyncio.sleep(milliseconds / 1000)
    if fails:
        raise ValueError(f"bad {name}")
    return f"<{name}>"


def in_a_thread(name: str) -> tuple[str, set[int], bytes]:
    count(name)
    return name, {1, 2}, name.encode()


async def flaky(name: str) -> str:
    count(name)
    ctx = current_context()
    if ctx is not None and ctx.attempt < 2:
        raise OSError("again")
    return name


@durable_object(name="programs.Counter")
class Counter:
    def __init__(self) -> None:
        self.total = 0

    async def add(self, number: int) -> str:
        count("add")
        self.total += number
        return "added"


@flow(name="programs.program")
async def program(ctx: Context, nodes: list[Node]) -> list[Any]:
    return [await play(ctx, node) for node in nodes]


@flow(name="programs.below")
async def below(ctx: Context, nodes: list[Node]) -> list[Any]:
    return [await play(ctx, node) for node in nodes]


@function(name="programs.within")
async def within(ctx: Context, nodes: list[Node]) -> list[Any]:
    count("within")
    return [await play(ctx, node) for node in nodes]


async def play(ctx: Context, node: Node) -> Any:
    kind, *rest = node
    return await PLAYED[kind](ctx, *rest)


async def told(found: Awaitable[Any]) -> Any:
    try:
        return await found
    except asyncio.CancelledError:
        return "cancelled"
    except Exception as error:
        return repr(error)


async def _all(ctx: Context, nodes: list[Node]) -> list[Any]:
    return await asyncio.gather(*(told(play(ctx, node)) for node in nodes))


async def _group(ctx: Context, nodes: list[Node]) -> Any:
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(play(ctx, node)) for node in nodes]
    except* Exception:
        pass
    else:
        return [task.result() for task in tasks]
    return "the group failed"


async def _first(ctx: Context, nodes: list[Node]) -> list[Any]:
    tasks = [asyncio.create_task(play(ctx, node)) for node in nodes]
    _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    return [await told(task) for task in tasks]


async def _as_completed(ctx: Context, nodes: list[Node]) -> list[Any]:
    return [await told(one) for one in asyncio.as_completed([play(ctx, node) for node in nodes])]


async def _timeout(ctx: Context, milliseconds: int, node: Node) -> Any:
    try:
        async with asyncio.timeout(milliseconds / 1000):
            return await play(ctx, node)
    except TimeoutError:
        return "timed out"


async def _finally(ctx: Context, node: Node, after: Node) -> Any:
    try:
        return await play(ctx, node)
    finally:
        await play(ctx, after)


async def _shield(ctx: Context, milliseconds: int, node: Node) -> Any:
    task = asyncio.create_task(play(ctx, node))
    try:
        return await asyncio.wait_for(asyncio.shield(task), milliseconds / 1000)
    except TimeoutError:
        return ["late", await told(task)]


async def _cancel(ctx: Context, node: Node, meanwhile: Node) -> Any:
    task = asyncio.create_task(play(ctx, node))
    await told(play(ctx, meanwhile))
    task.cancel()
    return await told(task)


async def _generator(ctx: Context, nodes: list[Node], most: int) -> list[Any]:
    async def each() -> AsyncIterator[Any]:
        try:
            for node in nodes:
                yield await play(ctx, node)
        finally:
            await ctx.state.set("generated", True)

    found: list[Any] = []
    made = each()
    async for one in made:
        found.append(one)
        if len(found) >= most:
            break
    await made.aclose()  # type: ignore[attr-defined]
    return found


async def _queue(ctx: Context, nodes: list[Node]) -> list[Any]:
    queue: asyncio.Queue[Any] = asyncio.Queue(1)

    async def fill() -> None:
        for node in nodes:
            await queue.put([await told(play(ctx, node))])
        await queue.put(None)

    filling = asyncio.create_task(fill())
    found: list[Any] = []
    while (one := await queue.get()) is not None:
        found += one
    await filling
    return found


async def _lock(ctx: Context, nodes: list[Node]) -> list[Any]:
    lock, found = asyncio.Lock(), []

    async def one(node: Node) -> None:
        async with lock:
            found.append(await told(play(ctx, node)))

    await asyncio.gather(*map(one, nodes))
    return found


async def _state(ctx: Context, name: str) -> list[str]:
    await ctx.state.set(name, [*(await ctx.state.get(name, [])), name])
    return await ctx.state.keys()


async def _event(ctx: Context, name: str, milliseconds: int) -> Any:
    try:
        return await ctx.wait_for_event(name, timeout=milliseconds / 1000)
    except agnt5.EventTimeoutError:
        return "no event"


async def _send(ctx: Context, name: str) -> None:
    agnt5.send_event(name, ctx.run_id, run=ctx.run_id)


async def _object(ctx: Context) -> str:
    return await (await ctx.get_object(Counter, f"of {ctx.run_id}")).add(1)


async def _start(ctx: Context, nodes: list[Node]) -> Any:
    return await (await ctx.start(below, nodes))


AGAIN = ConstantBackoff(max_attempts=3, interval=0.001)
PLAYED: dict[str, Callable[..., Awaitable[Any]]] = {
    "step": lambda ctx, *given: ctx.call(step, *given),
    "thread": lambda ctx, name: ctx.call(in_a_thread, name),
    "flaky": lambda ctx, name: ctx.call(flaky, name, retry_policy=AGAIN),
    "sleep": lambda ctx, milliseconds: ctx.sleep(milliseconds / 1000),
    "spawn": lambda ctx, calls: ctx.spawn([(step, (*call, False)) for call in calls]),
    "try": lambda ctx, node: told(play(ctx, node)),
    "child": lambda ctx, nodes: ctx.call(below, nodes),
    "function": lambda ctx, nodes: ctx.call(within, nodes),
}
for _fn in (_all, _group, _first, _as_completed, _timeout, _finally, _shield, _cancel, _generator, _queue, _lock):
    PLAYED[_fn.__name__[1:]] = _fn
for _fn in (_state, _event, _send, _object, _start):
    PLAYED[_fn.__name__[1:]] = _fn


def kinds_of(nodes: list[Any]) -> set[str]:
    """Every word in a program; the kinds of its nodes are among them."""
    found: set[str] = set()
    for node in nodes:
        found |= kinds_of(node) if isinstance(node, list) else {node} if isinstance(node, str) else set()
    return found


def random_program(random: Random) -> list[Node]:
    return [_node(random, 3, inside=False) for _ in range(random.randint(1, 4))]


_LEAVES = ("step", "step", "step", "thread", "flaky", "sleep", "state", "spawn", "object", "event", "send")
_BRANCHES = tuple(set(PLAYED) - set(_LEAVES))


def _node(random: Random, depth: int, *, inside: bool) -> Node:
    pick, kinds = random.choice, [*_LEAVES, *sorted(_BRANCHES) * (depth > 0)]
    kind = pick([one for one in kinds if one in IN_FUNCTIONS or not inside])

    def node(within: bool = inside) -> Node:
        return _node(random, depth - 1, inside=within)

    def nodes(within: bool = inside) -> list[Node]:
        return [node(within) for _ in range(random.randint(1, 3))]

    match kind:
        case "step":
            return [kind, f"n{random.randint(0, 6)}", pick([0, 0, 1, 3]), random.random() < 0.12]
        case "thread" | "flaky":
            return [kind, f"n{random.randint(0, 6)}"]
        case "sleep":
            return [kind, pick([0, 1, 3])]
        case "state" | "send":
            return [kind, pick("ab")]
        case "spawn":
            return [kind, [[f"s{number}", pick([0, 1, 3])] for number in range(random.randint(1, 3))]]
        case "object":
            return [kind]
        case "event":
            return [kind, pick("ab"), pick([1, 5, 20])]
        case "child" | "start":
            return [kind, nodes(False)]
        case "function":
            return [kind, nodes(True)]
        case "timeout" | "shield":
            return [kind, pick([0, 1, 5, 200]), node()]
        case "try":
            return [kind, node()]
        case "finally" | "cancel":
            return [kind, node(), node()]
        case "generator":
            return [kind, nodes(), random.randint(1, 3)]
        case _:
            return [kind, nodes()]
