"""A run's panel in JupyterLab with what belongs to it: runs below, forks, a dead process, one picture of the end."""

from __future__ import annotations

from playwright.sync_api import expect

from browser.lab import Chromium

FLOW = """
import asyncio
import agnt5
from agnt5 import Agent, Streamed, flow, function, runs, send_event
from agnt5.llm import Delta
from agnt5.llm.scripted import ScriptedLLM
from agnt5_jupyter.display import display_run
async def fetch(place, seconds=0.05):
    await asyncio.sleep(seconds)
    return {"place": place, "degrees": 12.5}
@flow
async def measure(ctx, place):
    found = await ctx.call(fetch, place)
    if place == "Lima":
        await ctx.wait_for_event("go")
    return found["degrees"]
script = ScriptedLLM(lambda request: "It is mild everywhere, says Oslo.")
teller = Agent(name="teller", instructions="Be brief.", llm=script)
@flow
async def report(ctx, places):
    degrees = await asyncio.gather(*(ctx.call(measure, place) for place in places))
    said = await teller.run(f"Tell: {degrees}")
    await ctx.call(fetch, "the end", 0.02)
    return str(said)
"""


def test_steps_of_runs_below_lie_under_their_entry_and_the_end_is_told_once(chromium: Chromium) -> None:
    notebook = chromium.notebook([FLOW, "run = report.start(['Oslo', 'Rome', 'Lima'])\ndisplay_run(run)", ""])
    notebook.run_all()
    panel = notebook.panel("run")
    timeline = panel.get_by_role("treegrid")
    expect(timeline.get_by_role("row")).to_have_count(7)
    expect(timeline.get_by_role("row", name="go, event, running")).to_have_attribute("aria-level", "2")
    oslo = timeline.get_by_role("row").filter(has_text="measure").first
    oslo.get_by_role("button", name="Fold").click()
    expect(timeline.get_by_role("row")).to_have_count(6)
    oslo.get_by_role("button", name="Unfold").click()
    timeline.get_by_role("row", name="go, event, running").click()
    detail = panel.get_by_role("region", name="Entry")
    expect(detail).to_contain_text("of run")
    notebook.picture("nested_live", panel)
    notebook.replace(2, "send_event('go')")
    notebook.run(2)
    expect(panel.get_by_test_id("agnt5-status")).to_contain_text("completed")
    expect(timeline.get_by_role("row", name="go, event, done")).to_have_attribute("aria-level", "2")
    expect(timeline.get_by_role("row")).to_have_count(10)
    notebook.is_clean()


TWO = """
run = report.start(['Oslo', 'Rome'])
run.result()
fork = run.fork(outputs={"measure": 99.5})
fork.result()
display_run(run)
display_run(fork)
"""
ENDS = """
@function
async def says(ctx):
    for word in ("Let me ", "think ", "of it."):
        ctx.emit(Streamed("says", Delta(text=word)))
    return 42
@flow
async def thinks(ctx):
    answer = await ctx.call(says)
    await ctx.wait_for_event("go")
    return {"answer": answer}
thinking = thinks.start()
display_run(thinking)
asked = teller.start("And now?")
display_run(asked)
"""
DEAD = '''
import os, signal, subprocess, sys
CODE = """
import agnt5
agnt5.configure(store="dead")
@agnt5.flow
async def left(ctx):
    await ctx.call(print, "begun", flush=True)
    return await ctx.wait_for_event("go")
left.start(run_id="r_left").result()
"""
import agnt5
from agnt5_jupyter.display import display_run
agnt5.configure(store="dead")
other = subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE)
other.stdout.readline()
display_run(agnt5.get_run("r_left"))
'''


def test_one_picture_of_the_end(chromium: Chromium) -> None:
    notebook = chromium.notebook([FLOW, TWO, ENDS, "send_event('go', run=thinking)"])
    notebook.run_all()
    first, forked, thinking, asked = (notebook.page.get_by_test_id("agnt5-run").nth(n) for n in range(4))
    expect(thinking.get_by_test_id("agnt5-status")).to_contain_text("completed")
    expect(thinking.get_by_label("Answer", exact=True).locator("summary")).to_have_text("What a model said on the way")
    expect(thinking.get_by_text("Let me think of it.")).to_be_hidden()
    expect(asked.get_by_label("Answer", exact=True)).to_contain_text("It is mild everywhere, says Oslo.")
    expect(first.get_by_label("Result", exact=True)).to_contain_text("says Oslo.")
    expect(first.get_by_label("Answer", exact=True)).to_be_hidden()
    given = forked.get_by_role("row", name="measure, child, done, given")
    expect(given).to_contain_text("given")
    for dark in (False, True):
        notebook.theme(dark)
        for name, panel in {"nested": first, "forked_run": forked, "thought": thinking, "asked": asked}.items():
            panel.scroll_into_view_if_needed()
            notebook.picture(f"{name}_{'dark' if dark else 'light'}", panel)
    notebook.is_clean()


def test_a_run_whose_process_died_says_how_it_goes_on(chromium: Chromium) -> None:
    notebook = chromium.notebook([DEAD, "os.kill(other.pid, signal.SIGKILL)"])
    notebook.run_all()
    panel = notebook.panel("run")
    status = panel.get_by_test_id("agnt5-status")
    expect(status).to_contain_text("interrupted")
    expect(panel).to_contain_text("%agnt5 resume r_left")
    for dark in (True, False):
        notebook.theme(dark)
        notebook.picture(f"interrupted_{'dark' if dark else 'light'}", panel)
    panel.get_by_role("button", name="Cancel").click()
    expect(status).to_contain_text("cancelled")
    notebook.is_clean()
