"""Retries are durable: each failed attempt is an entry, and a flow may catch the error that remains."""

from agnt5 import Context, flow, function
from agnt5.durable import ExponentialBackoff

calls = {"primary": 0, "flaky": 0}


@function(retry_policy=ExponentialBackoff(max_attempts=4, initial=0.01))
async def flaky(ctx: Context) -> str:
    calls["flaky"] += 1
    if calls["flaky"] < 3:
        raise ConnectionError(f"attempt {calls['flaky']} failed")
    return f"worked at attempt {calls['flaky']}"


@function(retry_policy=ExponentialBackoff(max_attempts=2, initial=0.01))
async def primary(ctx: Context) -> str:
    calls["primary"] += 1
    raise ConnectionError("the primary is down")


def backup() -> str:
    return "the backup answered"


@flow
async def robust(ctx: Context) -> list[str]:
    first = await ctx.call(flaky)
    try:
        second = await ctx.call(primary)
    except ConnectionError:
        second = await ctx.call(backup)
    return [first, second]


if __name__ == "__main__":
    print(robust.run_sync())
    print(f"primary was tried {calls['primary']} times")
