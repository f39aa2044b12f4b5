"""The panel of a run in JupyterLab: live, steered by clicks, there again after a restart."""

from __future__ import annotations

from playwright.sync_api import expect

from browser.lab import Chromium

FLOW = """
import asyncio
from agnt5 import flow
from agnt5_jupyter.display import display_run, display_journal
async def fetch(place, seconds):
    await asyncio.sleep(seconds)
    print("fetched", place)
    return {"place": place, "degrees": 12.5}
@flow
async def weather(ctx, places):
    found = await asyncio.gather(*(ctx.call(fetch, place, 0.3 + n / 5) for n, place in enumerate(places)))
    await ctx.sleep(0.4)
    return await ctx.call(fetch, "the sum of " + ", ".join(one["place"] for one in found), 0.3)
"""


def test_run_all_shows_a_run_from_its_first_step_to_its_result(chromium: Chromium) -> None:
    notebook = chromium.notebook([FLOW, "run = weather.start(['Oslo', 'Rome', 'Lima'])\ndisplay_run(run)"])
    notebook.run_all()
    panel = notebook.panel("run")
    expect(panel.get_by_test_id("agnt5-status")).to_contain_text("completed")
    expect(panel.get_by_role("row")).to_have_count(5)
    expect(panel.get_by_label("Result")).to_contain_text("the sum of Oslo")
    notebook.picture("run_done")
    assert notebook.errors() == []
    assert notebook.complaints == []
    assert notebook.strays == []
