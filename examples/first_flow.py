"""The smallest flow: two steps, one after the other, and its journal."""

from agnt5 import Context, flow


def fetch(city: str) -> dict[str, float]:
    """A step: ordinary Python, any I/O. Its result is recorded once."""
    return {"Oslo": {"celsius": 4.5}, "Lima": {"celsius": 19.0}}[city]


def describe(weather: dict[str, float]) -> str:
    return "coat" if weather["celsius"] < 12 else "shirt"


@flow
async def what_to_wear(ctx: Context, city: str) -> str:
    weather = await ctx.call(fetch, city)
    return await ctx.call(describe, weather)


if __name__ == "__main__":
    run = what_to_wear.start("Oslo")
    print(run.result())
    print(run.journal)
