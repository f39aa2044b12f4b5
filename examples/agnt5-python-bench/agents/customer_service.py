"""Customer service: looks orders up, gives money back when a person agrees, and remembers the conversation."""

import re

from agents.model import model, tools_done
from agnt5 import Agent, Context, flow, tool
from agnt5.llm import Request
from objects.customer_session import CustomerSession
from objects.order_tracker import OrderTracker


@tool
async def look_up_order(ctx: Context, order: str) -> str:
    """Where an order is."""
    tracker = await ctx.get_object(OrderTracker, order)
    return await tracker.where()


@tool(requires_approval=True)
async def refund(ctx: Context, order: str, amount: float) -> str:
    """Give money back. Amounts are in euros."""
    tracker = await ctx.get_object(OrderTracker, order)
    await tracker.move("refunded")
    return f"{amount:.2f} euros for {order} are on their way back"


def script(request: Request) -> object:
    """What the offline model says: it looks the order up, and refunds it when the customer wants that."""
    asked = next(message.text for message in reversed(request.turns) if message.role == "user")
    order = (re.findall(r"A-\d+", asked) or ["A-100"])[0]
    done = tools_done(request)
    if not done:
        return {"tool": "look_up_order", "arguments": {"order": order}}
    if "money back" in asked and len(done) == 1:
        return {"tool": "refund", "arguments": {"order": order, "amount": 40}}
    return f"Your order {order}: {done[-1]}."


customer_service = Agent(
    name="customer_service",
    instructions="You serve the customers of a shop. Look orders up before you answer. Be brief and kind.",
    tools=[look_up_order, refund],
    llm=model(script),
)


@flow
async def handle_customer_request(ctx: Context, customer: str, text: str) -> str:
    """One message of a customer: kept in the session, answered by the agent, and the answer kept too."""
    session = await ctx.get_object(CustomerSession, customer)
    await session.say(customer, text)
    answer = await ctx.call(customer_service, text)
    await session.say("service", str(answer))
    return str(answer)
