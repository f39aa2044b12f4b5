"""The panel of a run in JupyterLab: live, steered by clicks, there again after a restart."""

from __future__ import annotations

from playwright.sync_api import expect

from browser.lab import Chromium

FLOW = """
%load_ext agnt5
import asyncio
from agnt5 import flow, runs
async def fetch(place, seconds):
    await asyncio.sleep(seconds)
    return {"place": place, "degrees": 12.5}
@flow
async def weather(ctx, places):
    found = await asyncio.gather(*(ctx.call(fetch, place, 0.1 + n / 10) for n, place in enumerate(places)))
    told = await ctx.wait_for_event("go")
    return await ctx.call(fetch, f"the sum of {len(found)}, {told}", 0.1)
"""
START = "%agnt5 run weather ['Oslo','Rome','Lima'] --as run"
AGENT = """
from agnt5 import Agent, tool
from agnt5.llm.scripted import ScriptedLLM
from agnt5_jupyter.display import display_run
@tool(requires_approval=True)
def order(item: str, amount: int) -> str:
    "Order more"
    return f"ordered {amount} {item}"
script = ScriptedLLM([{"tool": "order", "arguments": {"item": "lamp", "amount": 12}}, "They arrive on Tuesday."])
clerk = Agent(name="clerk", instructions="Be brief.", tools=[order], llm=script)
asked = clerk.start("A dozen lamps, please.")
display_run(asked)
answer = await asked
print("heard:", answer)
"""


def test_run_all_shows_a_run_from_its_first_step_to_its_result(chromium: Chromium) -> None:
    notebook = chromium.notebook([FLOW, START])
    notebook.run_all()
    panel = notebook.panel("run")
    status = panel.get_by_test_id("agnt5-status")
    expect(status).to_contain_text("waiting")
    expect(panel.get_by_role("row")).to_have_count(4)
    expect(panel.get_by_role("row").filter(has_text="fetch").nth(2)).to_contain_text("'Lima'")
    expect(panel.get_by_role("row").last).to_have_attribute("aria-label", "go, event, running")

    panel.get_by_role("button", name="Send event").click()
    expect(panel.get_by_label("Name of the event")).to_have_value("go")
    panel.get_by_label("Payload as JSON").fill("{no json")
    panel.get_by_label("Payload as JSON").press("Enter")
    expect(panel.get_by_role("alert").first).to_contain_text("The payload must be JSON")
    panel.get_by_label("Payload as JSON").fill('"degrees"')
    panel.get_by_label("Payload as JSON").press("Enter")

    expect(status).to_contain_text("completed")
    expect(panel.get_by_role("row")).to_have_count(5)
    expect(panel.get_by_label("Result")).to_contain_text("the sum of 3, degrees")
    expect(notebook.page.locator(".a5-static")).to_be_hidden()
    notebook.picture("run_done")
    notebook.is_clean()


def test_approve_by_click_with_other_arguments_while_a_cell_waits(chromium: Chromium) -> None:
    notebook = chromium.notebook([AGENT])
    notebook.run_all(wait=False)
    panel = notebook.panel("run")
    ask = panel.get_by_test_id("agnt5-ask")
    expect(ask).to_contain_text("clerk wants to call order")
    notebook.picture("approval")
    approve = ask.get_by_role("button", name="Approve")
    expect(approve).to_have_attribute("title", notebook.magic("approve", panel))
    ask.get_by_role("button", name="Edit arguments").click()
    ask.get_by_role("textbox").fill('{"item": "lamp", "amount": ')
    expect(ask.get_by_role("alert")).to_contain_text("No JSON yet")
    ask.get_by_role("textbox").fill('{"item": "lamp", "amount": 24}')
    ask.get_by_role("button", name="Approve these").click()

    expect(panel.get_by_test_id("agnt5-status")).to_contain_text("completed")
    expect(notebook.page.get_by_text("heard: They arrive on Tuesday.")).to_be_visible()
    expect(panel.get_by_label("Answer", exact=True)).to_contain_text("They arrive on Tuesday.")
    expect(panel.get_by_test_id("agnt5-ask")).to_have_count(0)
    panel.get_by_role("row").filter(has_text="chat").last.click()
    expect(panel.get_by_role("region", name="Entry")).to_contain_text("ordered 24 lamp")
    notebook.picture("conversation")
    notebook.is_clean()


def test_after_a_restart_of_the_kernel_the_cell_shows_the_run_again_and_steers_it(chromium: Chromium) -> None:
    notebook = chromium.notebook([FLOW, START])
    notebook.run_all()
    expect(notebook.panel("run").get_by_test_id("agnt5-status")).to_contain_text("waiting")
    notebook.replace(1, "run = runs()[0]\nrun")
    notebook.restart()
    notebook.run_all()
    panel = notebook.panel("run")
    expect(panel.get_by_test_id("agnt5-status")).to_contain_text("waiting")
    expect(panel.get_by_role("row")).to_have_count(4)
    status = panel.get_by_test_id("agnt5-status")
    panel.get_by_role("button", name="Pause").click()
    expect(status).to_contain_text("paused")
    panel.get_by_role("button", name="Resume").click()
    expect(status).to_contain_text("waiting")
    panel.get_by_role("button", name="Cancel").click()
    expect(status).to_contain_text("cancelled")
    expect(panel.get_by_role("toolbar").get_by_role("button")).to_have_count(0)
    notebook.is_clean()
