"""An order from the basket to the parcel: checked, reserved and charged side by side, then sent."""

from agnt5 import Context, Step, Workflow
from objects.order_tracker import OrderTracker

PRICES = {"lamp": 40.0, "chair": 120.0}


def check_order(order: dict) -> dict:
    unknown = [item for item in order["items"] if item not in PRICES]
    if unknown:
        raise ValueError(f"we do not sell {', '.join(unknown)}")
    return order


async def reserve_items(ctx: Context, order: dict) -> list:
    tracker = await ctx.get_object(OrderTracker, order["number"])
    await tracker.move("reserved")
    return [f"{item} is reserved" for item in order["items"]]


def charge_card(order: dict) -> dict:
    return {"number": order["number"], "paid": sum(PRICES[item] for item in order["items"])}


def add_gift(done: dict) -> dict:
    return done | {"gift": "a candle"}


async def send_parcel(ctx: Context, done: dict) -> str:
    tracker = await ctx.get_object(OrderTracker, done["charge"]["number"])
    await tracker.move("sent")
    gift = f", with {done['gift']}" if "gift" in done else ""
    return f"order {done['charge']['number']} is sent{gift}; {done['charge']['paid']:.2f} euros were paid"


def is_large(done: dict) -> bool:
    return done["charge"]["paid"] > 100


process_order_workflow = Workflow(
    [
        Step("check", check_order),
        [Step("reserve", reserve_items, retry=3), Step("charge", charge_card, retry=3, timeout=30)],
        Step("gift", add_gift, when=is_large),
        Step("send", send_parcel),
    ],
    name="process_order",
)
