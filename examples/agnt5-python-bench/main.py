"""A small shop on durable agents, workflows and objects: everything starts on the engine of this process.

Run it with `python main.py`. It needs no network: the agents follow a script unless AGNT5_MODEL names a model. A person
(here: this program) agrees to a refund and sends a technician.
"""

import asyncio

import agnt5
from agents.customer_service import handle_customer_request
from agnt5 import Run
from objects.customer_session import CustomerSession
from objects.order_tracker import OrderTracker
from workflows.issue_resolution import TECHNICIAN, resolve_issue
from workflows.order_processing import process_order_workflow

OVER = ("completed", "failed", "cancelled", "paused")


async def agree_to_all(run: Run) -> None:
    """Be the person that the run's tools wait for."""
    while run.status not in OVER:
        for asked in run.approvals:
            print(f"  a person agrees: {asked.tool} {asked.arguments}")
            asked.approve()
            while asked in run.approvals:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)


async def main() -> None:
    print(process_order_workflow)

    print("\nTwo orders")
    for number, items in (("A-100", ["lamp"]), ("A-200", ["lamp", "chair"])):
        print(f"  {await process_order_workflow.run({'number': number, 'items': items})}")

    print("\nA customer")
    for text in ("Where is A-100?", "I want my money back for A-100."):
        run = handle_customer_request.start("ann", text)
        await agree_to_all(run)
        print(f"  {text} -> {await run}")
    for who, said in await agnt5.get_object(CustomerSession, "ann").transcript():
        print(f"  | {who}: {said}")
    print(f"  A-100 was: {', '.join(await agnt5.get_object(OrderTracker, 'A-100').history())}")

    print("\nTwo issues")
    quiet = resolve_issue.start("It makes a noise.")
    smoky = resolve_issue.start("There is smoke!")
    print(f"  {await quiet}")
    agnt5.send_event(TECHNICIAN, "Bo", run=smoky)
    print(f"  {await smoky}")

    print(f"\nThe journal of the last run\n{smoky.journal}")


if __name__ == "__main__":
    asyncio.run(main())
