"""What a script recorded is the same to who imports it, whether by `--app shop.py` or by `--app shop`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from calling import Call

SHOP = """
from dataclasses import dataclass
from enum import Enum
import agnt5
from agnt5 import Context, flow

class Kind(Enum):
    TEA = 3
    POT = 20

@dataclass
class Order:
    kind: Kind
    count: int

class SoldOut(Exception):
    pass

def take(kind: Kind, count: int) -> Order:
    return Order(kind, count)

def price(order: Order) -> int:
    return order.kind.value * order.count

def refuse(order: Order) -> None:
    raise SoldOut(order.kind.name)

@flow
async def shop(ctx: Context, kind: Kind) -> int:
    order = await ctx.call(take, kind, 2)
    paid = await ctx.call(price, order)
    try:
        await ctx.call(refuse, order)
    except SoldOut:
        await ctx.state.set("sold out", order)
    return paid

if __name__ == "__main__":
    print(shop.start(Kind.POT, run_id="r_pots").result())
"""


@pytest.mark.parametrize("how", [("shop.py",), ("-m", "shop")], ids=" ".join)
@pytest.mark.parametrize("given", ["shop.py", "shop"])
def test_a_scripts_runs_replay_are_checked_and_reused(
    app: Path,
    how: tuple[str, ...],
    given: str,
) -> None:
    (app.parent / "shop.py").write_text(SHOP)

    def run(*words: str) -> str:
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def agnt5(*words: str) -> str:
        return run("-m", "agnt5.cli", *words, "--app", given)

    assert run(*how) == "40\n"
    assert "completed: 40" in agnt5("replay", "r_pots")
    assert "1 of 1 recorded run replays" in agnt5("check")
    again = agnt5("rerun", "r_pots")
    assert "completed: 40" in again
    assert "2 results of r_pots reused, 1 step executed" in again, "what failed is tried again, and nothing else"
    assert "2 of 2 recorded runs replay" in agnt5("check")


def test_what_another_module_calls_itself_is_left_alone(app: Path, cli: Call) -> None:
    """A class of a module keeps that module's name, also while a script runs."""
    (app.parent / "kinds_of_shop.py").write_text(SHOP.partition("if __name__")[0])
    (app.parent / "main.py").write_text("from kinds_of_shop import Kind, shop\nprint(shop.run_sync(Kind.TEA))\n")
    done = subprocess.run([sys.executable, "main.py"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "6\n"
    assert "1 of 1 recorded run replays" in cli("check", "--app", "kinds_of_shop").out
