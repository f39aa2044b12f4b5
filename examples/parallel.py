"""Plain asyncio in a flow: branches run side by side, and every replay sees the same interleaving."""

import asyncio

from agnt5 import Context, flow


def square(number: int) -> int:
    return number * number


@flow
async def sum_of_squares(ctx: Context, numbers: list[int]) -> int:
    async with asyncio.timeout(60):  # a durable deadline
        squares = await asyncio.gather(*(ctx.call(square, number) for number in numbers))
    await asyncio.sleep(0.05)  # a durable timer: it goes on after a restart
    more = await ctx.spawn([(square, 10), (square, 20)])
    return sum(squares) + sum(more)


if __name__ == "__main__":
    print(sum_of_squares.run_sync([1, 2, 3]))
