"""What the golden stores hold: flows with every kind of entry. Never change one: its runs are recorded. Add another."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from agnt5 import ConstantBackoff, Context, NoRetry, flow, function
from agnt5.durable import object as durable_object


@dataclass
class Parcel:
    item: str
    weight: float
    marks: tuple[str, ...] = ()


def weigh(item: str) -> Parcel:
    return Parcel(item, len(item) / 2, ("fragile", item))


def speak(text: str) -> str:
    print("speaking", text)
    return text.upper()


_tried: list[str] = []


def stumble(name: str) -> str:
    _tried.append(name)
    if _tried.count(name) < 3:
        raise ConnectionError(f"{name} is down")
    return name


def refuse(reason: str) -> None:
    raise ValueError(reason)


def large(letter: str) -> str:
    return letter * 100_000


@function(name="golden.collect")
async def collect(ctx: Context, items: list[str]) -> list[Parcel]:
    return list(await asyncio.gather(*(ctx.call(weigh, item) for item in items)))


@durable_object(name="golden.Shelf")
class Shelf:
    def __init__(self) -> None:
        self.parcels: list[str] = []

    async def put(self, item: str) -> int:
        self.parcels.append(item)
        return len(self.parcels)


@flow(name="golden.steps")
async def steps(ctx: Context, items: list[str]) -> list[Parcel]:
    parcels = [await ctx.call(weigh, item) for item in items]
    await ctx.call(speak, "done")
    await ctx.state.set("count", len(parcels))
    await ctx.state.set("gone", 1)
    await ctx.state.delete("gone")
    await ctx.sleep(0.001)
    return parcels


@flow(name="golden.retries")
async def retries(ctx: Context) -> list[str]:
    patient = ConstantBackoff(5, 0.001)
    found = [await ctx.call(stumble, "one", retry_policy=patient)]
    try:
        await ctx.call(refuse, "closed", retry_policy=NoRetry())
    except ValueError as error:
        found.append(str(error))
    return found


@flow(name="golden.nested")
async def nested(ctx: Context) -> Any:
    parcels = await ctx.call(collect, ["tea", "pot"])
    shelf = await ctx.get_object(Shelf, "left")
    counted = [await shelf.put("tea"), await shelf.put("pot")]
    child = steps.start(["cup"])
    return [parcels, counted, await child, await ctx.call(number_of, 1)]


@flow(name="golden.child")
async def number_of(ctx: Context, number: int) -> int:
    return number + len(await ctx.call(large, "x"))


@flow(name="golden.timeouts")
async def timeouts(ctx: Context) -> list[str]:
    said = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await ctx.wait_for_event("never")
    said.append("gave up")
    await ctx.send_event("echo", {"n": 1})
    said.append(str(await ctx.wait_for_event("echo")))
    return said


@flow(name="golden.fails")
async def fails(ctx: Context, parcel: Parcel) -> None:
    await ctx.call(weigh, parcel.item)
    raise RuntimeError("this one failed")


@flow(name="golden.waits")
async def waits(ctx: Context, name: str) -> str:
    first = await ctx.call(speak, name)
    answer = await ctx.wait_for_event(f"go {name}")
    return f"{first} {answer}"


@flow(name="golden.relays")
async def relays(ctx: Context, leg: int, past: list[Parcel]) -> list[Parcel]:
    past = [*past, await ctx.call(weigh, "x" * leg)]
    if leg < 3:
        await ctx.continue_as(leg + 1, past)
    return past


def letters(texts: list[str]) -> list[list[float]]:
    return [[float(text.lower().count(letter)) for letter in "aeiou nrst"] for text in texts]


def memory() -> Any:
    """Since store version 3."""
    from agnt5.memory import Memory, SemanticMemory

    return Memory(namespace="golden", semantic=SemanticMemory(embed=letters))
