"""Replay, fork, diff, tree and memory in JupyterLab: walked by clicks and keys, hostile text inert."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from browser.lab import Chromium

FLOW = """
import asyncio
from agnt5 import flow, runs
from agnt5.memory import Memory
from agnt5_jupyter.display import display_diff, display_memory, display_replay, display_tree
memory = Memory(namespace="weather")
async def fetch(place):
    return {"place": place, "degrees": 10 + len(place)}
async def measure(ctx, place):
    found = await ctx.call(fetch, place)
    await ctx.sleep(0.01)
    return found["degrees"]
@flow
async def weather(ctx, places):
    degrees = await asyncio.gather(*(measure(ctx, place) for place in places))
    await ctx.state.set("warmest", max(degrees))
    await memory.working.store("degrees", degrees)
    for place in places:
        last = await ctx.call(fetch, place + " again")
    return max(degrees), last["place"]
"""
START = "run = weather.start(['Oslo', 'Berlin'])\nrun.result()\nreplay = run.replay()\ndisplay_replay(replay)"


def stands(panel: Locator, index: int) -> None:
    """The panel shows this position in the list, on the slider and by the code's line."""
    expect(panel.locator("[data-index]")).to_have_attribute("data-index", str(index))
    expect(panel.get_by_label("Position", exact=True)).to_have_value(str(index))
    expect(panel.locator('[role="row"][aria-current="step"]')).to_have_attribute("data-place", str(index))


def test_walk_by_buttons_slider_keys_and_stops(chromium: Chromium) -> None:
    notebook = chromium.notebook([FLOW, START])
    notebook.run_all()
    panel = notebook.panel("replay")
    source = panel.get_by_label("Source", exact=True)
    stands(panel, 0)
    expect(panel.get_by_label("Frames of live code").get_by_role("button")).to_have_count(3)
    panel.get_by_role("button", name="Step").click()
    stands(panel, 1)
    expect(source.locator('[aria-current="step"]')).to_contain_text("await ctx.sleep(0.01)")
    expect(panel.get_by_role("row", name="found")).to_contain_text("new")
    expect(panel.get_by_label("Entry", exact=True)).to_contain_text("'Oslo'")
    panel.get_by_role("button", name="Back").click()
    stands(panel, 0)

    slider = panel.get_by_label("Position", exact=True)
    slider.fill("5")
    stands(panel, 5)
    expect(panel.get_by_label("Memory", exact=True)).to_contain_text("[14, 16]")
    expect(panel.get_by_label("State", exact=True)).to_contain_text("16")
    slider.press("ArrowLeft")
    stands(panel, 4)
    expect(panel.get_by_label("Memory", exact=True)).to_contain_text("Nothing was stored")
    source.press("ArrowRight")
    stands(panel, 5)
    source.press("Home")
    stands(panel, 0)
    source.press("End")
    stands(panel, 7)
    expect(source).to_contain_text("completed: (16, 'Berlin again')")

    source.press("Home")
    panel.get_by_role("button", name="Stop at fetch#3").click()
    expect(panel.get_by_role("button", name="Remove the stop at fetch#3")).to_be_visible()
    panel.get_by_role("button", name="Run to stop").click()
    stands(panel, 6)
    source.press("b")
    expect(panel.get_by_role("button", name="Remove the stop at")).to_have_count(0)
    source.press("ArrowLeft")
    stands(panel, 5)
    source.press("b")
    expect(panel.get_by_role("button", name="Remove the stop at")).to_have_count(1)
    panel.get_by_label("Speed of play").select_option("80")
    source.press("Home")
    source.press("Space")
    stands(panel, 5)
    expect(panel.get_by_role("button", name="Play")).to_have_attribute("aria-pressed", "false")
    notebook.picture("replay", panel)
    notebook.is_clean()


SLOW = """
import time
from agnt5_jupyter.display.replaypanel import ReplayPanel
move = ReplayPanel.do_move
def slowly(self, to):
    time.sleep(0.15)
    move(self, to)
ReplayPanel.do_move = slowly
"""


def at_once(target: Locator, *keys: str) -> None:
    """Press keys faster than any answer can come."""
    press = """(element, keys) => {
        for (const key of keys) {
            element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        }
    }"""
    target.evaluate(press, keys)


def test_keys_pressed_at_once_lose_no_move_and_play_passes_no_stop(chromium: Chromium) -> None:
    notebook = chromium.notebook([FLOW, SLOW, START])
    notebook.run_all()
    panel = notebook.panel("replay")
    source = panel.get_by_label("Source", exact=True)
    play = panel.get_by_role("button", name="Play")
    stands(panel, 0)
    at_once(source, *["ArrowRight"] * 4)
    expect(panel.get_by_label("Position", exact=True)).to_have_value("4")
    stands(panel, 4)
    at_once(source, "ArrowLeft", "ArrowLeft", "ArrowRight")
    stands(panel, 3)
    at_once(source, "End", "ArrowLeft")
    stands(panel, 6)
    at_once(source, "Home", "ArrowLeft", "ArrowRight")
    stands(panel, 1)
    at_once(panel.get_by_role("grid", name="Positions of the run"), "ArrowDown", "ArrowDown", "ArrowUp", "ArrowDown")
    stands(panel, 3)

    panel.get_by_role("button", name="Stop at fetch#3").click()
    expect(panel.get_by_role("button", name="Remove the stop at fetch#3")).to_be_visible()
    at_once(source, "End")
    stands(panel, 7)
    panel.get_by_label("Speed of play").select_option("80")
    at_once(source, "Home", " ")
    stands(panel, 6)
    expect(play).to_have_attribute("aria-pressed", "false")
    at_once(source, " ")
    stands(panel, 7)
    expect(play).to_have_attribute("aria-pressed", "false")
    run_to_stop = panel.get_by_role("button", name="Run to stop")
    run_to_stop.evaluate("""(button) => {
        const press = (key) => button.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        press("Home");
        button.click();
        press("ArrowLeft");
    }""")
    stands(panel, 5)
    notebook.is_clean()


def test_fork_with_an_edited_answer_and_see_the_tree_after_a_restart(chromium: Chromium) -> None:
    notebook = chromium.notebook([FLOW, START, ""])
    notebook.run_all()
    panel = notebook.panel("replay")
    panel.get_by_role("button", name="Step").click()
    panel.get_by_role("button", name="Fork here").click()
    form = panel.get_by_label("Fork here", exact=True)
    expect(form).to_contain_text("runs live")
    form.get_by_role("textbox").fill('{"place": "Oslo", "degrees": ')
    expect(form.get_by_role("alert")).to_contain_text("No JSON yet")
    expect(form.get_by_role("button", name="Start the fork")).to_be_disabled()
    form.get_by_role("textbox").fill('{"place": "Oslo", "degrees": 77}')
    form.get_by_role("button", name="Start the fork").click()
    made = panel.get_by_test_id("agnt5-fork")
    expect(made.get_by_test_id("agnt5-status")).to_contain_text("completed")
    expect(made.get_by_label("Result")).to_contain_text("77")
    notebook.picture("forked", panel)
    notebook.is_clean()

    notebook.replace(1, "fork = runs()[0]\ndisplay_tree(fork)")
    notebook.replace(2, "display_replay(fork.replay())")
    notebook.restart()
    notebook.run_all()
    tree = notebook.panel("tree")
    expect(tree.get_by_role("option")).to_have_count(2)
    expect(tree.get_by_role("option", selected=True)).to_contain_text("fetch given")
    tree.get_by_role("option").first.click(modifiers=["Shift"])
    tree.get_by_role("button", name="Compare these two").click()
    diff = tree.get_by_test_id("agnt5-diff")
    expect(diff.get_by_label("What differs")).to_contain_text("output['degrees']")
    again = notebook.panel("replay")
    again.get_by_role("button", name="Step").click()
    stands(again, 1)
    expect(again.get_by_label("Entry", exact=True)).to_contain_text("a person's word")
    notebook.is_clean()


HOSTILE = """
from agnt5.memory import SemanticMemory
bad = "<img src=x onerror='window.pwned=1'><script>window.pwned=1</script>\\x1b[31m\\u202e"
@flow(name=bad)
async def hostile(ctx, text):
    await ctx.state.set(bad, text)
    await memory.working.store(bad, text)
    return await ctx.call(fetch, text, name=bad)
one, two = hostile.start(bad), hostile.start(bad + " & more")
one.result(), two.result()
async def fill():
    await memory.episodic.remember("<b>kind</b>", {bad: [bad]})
    for text in (bad, "the cat sleeps", "a dog barks"):
        await memory.semantic.add(text, bad)
    await memory.procedural.learn("<i>brew</i>", [bad])
    await memory.procedural.reinforce("<i>brew</i>", True)
await fill()
"""


def test_hostile_text_is_inert_in_replay_diff_tree_and_memory(chromium: Chromium) -> None:
    shown = ["display_replay(one.replay().step())", "display_diff(one.diff(two))", "display_tree(one)"]
    notebook = chromium.notebook([FLOW, HOSTILE, *shown, "display_memory(memory)"])
    notebook.run_all()
    expect(notebook.panel("replay").get_by_label("Entry", exact=True)).to_contain_text("onerror")
    differs = notebook.panel("diff").get_by_label("What differs")
    expect(differs).to_contain_text("& more")
    expect(notebook.panel("tree").get_by_role("option")).to_have_count(1)
    memory = notebook.panel("memory")
    expect(memory.get_by_role("tabpanel", name="Working")).to_contain_text("onerror")
    memory.get_by_role("tab", name="Episodes").click()
    expect(memory.get_by_role("list", name="Episodes")).to_contain_text("<b>kind</b>")
    memory.get_by_role("tab", name="Facts").click()
    expect(memory.get_by_role("listbox", name="Facts").get_by_role("option")).to_have_count(3)
    memory.get_by_label("Search the facts").fill("which animal is asleep?")
    memory.get_by_label("Search the facts").press("Enter")
    expect(memory.get_by_role("list", name="Facts").get_by_role("listitem").first).to_contain_text("the cat sleeps")
    memory.get_by_role("tab", name="Procedures").click()
    expect(memory.get_by_role("tabpanel", name="Procedures")).to_contain_text("1 of 1 use went well")
    inside = ".agnt5 img, .agnt5 script, .agnt5 b, .a5-static img, .a5-static script, .a5-static b"
    assert notebook.page.locator(inside).count() == 0
    assert notebook.page.evaluate("window.pwned") is None
    notebook.is_clean()
