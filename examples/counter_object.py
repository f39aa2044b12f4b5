"""A durable object: its attributes persist per key, and its methods run one at a time."""

from agnt5 import Context, flow
from agnt5.durable import object


@object
class Account:
    def __init__(self) -> None:
        self.balance = 0

    async def deposit(self, amount: int) -> int:
        self.balance += amount
        return self.balance


@flow
async def save_up(ctx: Context, owner: str, amounts: list[int]) -> int:
    account = await ctx.get_object(Account, owner)
    balance = 0
    for amount in amounts:
        balance = await account.deposit(amount)
    return balance


if __name__ == "__main__":
    print(save_up.run_sync("ada", [10, 20]))
    print(save_up.run_sync("ada", [5]))
    print(save_up.run_sync("bob", [1]))
