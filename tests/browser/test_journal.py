"""The panel of a journal in JupyterLab: long ones scroll, the keyboard moves, words are found, nothing is obeyed."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from browser.lab import Chromium, Notebook

BIG = """
import asyncio
from agnt5 import flow
from agnt5_jupyter.display import display_journal
async def square(n):
    return {"n": n, "square": n * n}
@flow
async def squares(ctx, n):
    for start in range(0, n, 1000):
        await asyncio.gather(*(ctx.call(square, i) for i in range(start, start + 1000)))
    return n
run = squares.start(50_000)
assert await run == 50_000
journal = run.journal
"""
SMALL = """
%load_ext agnt5_jupyter
from agnt5 import flow, function
def fetch(place):
    print("looking at", place)
    return {"place": place, "degrees": [1, 2, 3]}
def explode(x):
    return 1 / x
@function
async def both(ctx, a, b):
    return [await ctx.call(fetch, a), await ctx.call(fetch, b)]
@flow
async def weather(ctx):
    await ctx.call(both, "Oslo", "Rome")
    try:
        await ctx.call(explode, 0, retry_policy=1)
    except ZeroDivisionError:
        pass
    return await ctx.call(fetch, "Lima")
run = weather.start()
await run
run.journal
"""


def current(panel: Locator) -> Locator:
    return panel.locator('.list-row[aria-selected="true"]')


def test_heads_stand_above_their_columns_also_when_other_panels_follow(chromium: Chromium) -> None:
    notebook = chromium.notebook([SMALL, "run"])
    notebook.run_all()
    expect(notebook.panel("run").get_by_test_id("agnt5-status")).to_contain_text("completed")
    panel = notebook.panel("journal")
    for column in range(2):
        head = panel.locator(".heads .row-value").nth(column).bounding_box()
        value = panel.locator(".list-row").first.locator(".row-value").nth(column).bounding_box()
        assert head is not None
        assert value is not None
        assert head["x"] == value["x"]


def test_a_panel_whose_kernel_is_gone_says_so_and_not_that_it_is_busy(chromium: Chromium) -> None:
    notebook = chromium.notebook([SMALL, "%agnt5 replay run"])
    notebook.run_all()
    panel = notebook.panel("replay")
    step = panel.get_by_role("button", name="Step")
    expect(step).to_be_enabled()
    notebook.restart()
    step.click()
    expect(panel).to_contain_text("The kernel of this panel is gone.")
    notebook.page.wait_for_timeout(2_500)  # it would call a kernel busy after two seconds
    assert not panel.get_by_text("The kernel is busy").is_visible()


def test_a_journal_of_50_000_steps_opens_scrolls_and_is_searched(chromium: Chromium) -> None:
    notebook = chromium.notebook([BIG, "display_journal(journal)"])
    notebook.run_all()
    panel = notebook.panel("journal")
    grid = panel.get_by_role("treegrid")
    expect(grid).to_have_attribute("aria-rowcount", "50000")
    expect(panel.locator("[data-opened]")).to_have_count(1)
    opened = panel.locator("[data-opened]").get_attribute("data-opened")
    print(f"\n50,000 entries: opened {opened} ms after the view began")
    expect(panel.get_by_role("row").first).to_contain_text("'square': 0")
    assert panel.get_by_role("row").count() < 40, "only rows in sight exist"
    grid.press("End")
    expect(panel.get_by_role("row").last).to_contain_text("'n': 49999")
    notebook.picture("big_end")
    grid.evaluate("(list) => list.scrollTo(0, list.scrollHeight / 2)")
    expect(panel.get_by_role("row").filter(has_text="'n': 25000,")).to_have_count(1)
    panel.get_by_role("searchbox").fill("2499700009")
    expect(grid).to_have_attribute("aria-rowcount", "1")
    expect(panel.get_by_role("row")).to_contain_text("'n': 49997")
    panel.get_by_role("searchbox").fill("no such thing")
    expect(panel).to_contain_text("Nothing fits")
    notebook.is_clean()


def test_the_keyboard_moves_folds_opens_and_closes_also_where_it_is_narrow(chromium: Chromium) -> None:
    notebook = chromium.notebook([SMALL])
    notebook.run_all()
    panel = notebook.panel("journal")
    grid = panel.get_by_role("treegrid")
    expect(panel.get_by_role("row")).to_have_count(5)
    grid.focus()
    cells = notebook.page.locator(".jp-Cell").count()
    for key in ("d", "d", "x", "a"):
        grid.press(key)
    grid.press("ArrowDown")
    expect(current(panel)).to_contain_text("both")
    grid.press("ArrowLeft")
    expect(panel.get_by_role("row")).to_have_count(3)
    expect(current(panel)).to_have_attribute("aria-expanded", "false")
    grid.press("ArrowRight")
    expect(panel.get_by_role("row")).to_have_count(5)
    grid.press("ArrowDown")
    entry = panel.get_by_role("region", name="Entry")
    expect(entry).to_contain_text("looking at Oslo")
    notebook.picture("journal_entry")
    grid.press("ArrowDown")
    grid.press("ArrowDown")
    expect(entry).to_contain_text("ZeroDivisionError: division by zero")
    expect(entry).to_contain_text("return 1 / x")
    grid.press("Tab")
    notebook.page.keyboard.press("Escape")
    expect(entry).to_be_hidden()
    expect(grid).to_be_focused()
    assert notebook.page.locator(".jp-Cell").count() == cells, "keys in a panel are no commands of the notebook"
    panel.get_by_label("State").select_option("failed")
    expect(panel.get_by_role("row")).to_have_count(1)
    panel.get_by_label("State").select_option("")
    panel.get_by_label("Kind").select_option("call")
    expect(panel.get_by_role("row")).to_have_count(1)
    panel.get_by_label("Kind").select_option("")

    notebook.page.set_viewport_size({"width": 620, "height": 900})
    expect(panel.get_by_role("row").last).to_contain_text("'place': 'Lima'")
    panel.get_by_role("row").last.click()
    expect(entry).to_contain_text("degrees")
    notebook.picture("narrow")
    wide = panel.evaluate("(panel) => [panel.scrollWidth, panel.clientWidth]")
    assert wide[0] <= wide[1], "nothing sticks out of a narrow panel"
    notebook.is_clean()


NASTY = r"""
EVIL = [
    "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>",
    "<svg onload='window.hacked = 3'><a href='javascript:window.hacked=4'>x</a></svg>",
    "javascript:window.hacked=5",
    "<button data-commandlinker-command='notebook:delete-all-cells' data-commandlinker-args='{}'>click</button>",
    "\x1b[2J\x1b]8;;http://example.com\x1b\\link\x1b]8;;\x1b\\ \x1b[31mred\x1b[0m \u202e reversed \x00 end",
    "</pre></style></td><style>* { display: none }</style><iframe src='http://example.com'></iframe>",
    "$\\href{javascript:window.hacked=6}{x}$ ![x](http://example.com/x.png)",
]
from agnt5 import flow, Agent, tool
from agnt5.llm.scripted import ScriptedLLM
from agnt5_jupyter.display import display_run, display_journal
def take(*given, **named):
    print(*given)
    return {text: [text, {"deep": text}] for text in EVIL}
def fail(text):
    raise ValueError(text)
@flow
async def nasty(ctx, *given):
    for text in EVIL:
        await ctx.call(take, text, name=text.replace("\x00", "").replace("\x1b", "")[:60])
        try:
            await ctx.call(fail, text, retry_policy=1)
        except ValueError:
            pass
        await ctx.state.set(text, text)
    await ctx.wait_for_event(EVIL[0], timeout=0.01)
    raise RuntimeError(" ".join(EVIL))
import asyncio, contextlib
run = nasty.start(*EVIL)
with contextlib.suppress(Exception):
    await run
display_run(run)
display_journal(run.journal)
"""
CHAT = r"""
@tool(requires_approval=True)
def order(item: str) -> str:
    "Order"
    return EVIL[0]
script = ScriptedLLM([{"tool": "order", "arguments": {"item": EVIL[0] + EVIL[3]}}, " ".join(EVIL)])
clerk = Agent(name="clerk", instructions=EVIL[1], tools=[order], llm=script)
asked = clerk.start(" ".join(EVIL))
display_run(asked)
"""


def test_nothing_in_a_journal_is_obeyed(chromium: Chromium) -> None:
    notebook = chromium.notebook([NASTY, CHAT], alone=True)
    notebook.run_all()
    run, journal = notebook.page.get_by_test_id("agnt5-run").first, notebook.panel("journal")
    expect(run.get_by_test_id("agnt5-status")).to_contain_text("failed")
    for panel in (run, journal):
        for place in range(3):
            panel.get_by_role("row").nth(place).click()
            expect(panel.get_by_role("region", name="Entry")).to_contain_text("<script>window.hacked = 1</script>")
            panel.locator("details").evaluate_all("(folds) => folds.forEach((fold) => (fold.open = true))")
    chat = notebook.panel("run")
    expect(chat.get_by_test_id("agnt5-ask")).to_contain_text("<script>")
    chat.get_by_role("button", name="Approve").click()
    expect(chat.get_by_test_id("agnt5-status")).to_contain_text("completed")
    chat.get_by_role("row").last.click()
    expect(chat.get_by_role("region", name="Entry")).to_contain_text("commandlinker")
    inert(notebook)
    # The static pages, as they would be read without a kernel.
    notebook.page.add_style_tag(content=".jp-OutputArea-child:has(.a5-static) { display: grid !important; }")
    expect(notebook.page.locator(".a5-static", has_text="<script>").first).to_be_attached()
    inert(notebook)
    notebook.is_clean()


def inert(notebook: Notebook) -> None:
    found = notebook.page.evaluate("""() => {
        const ours = [...document.querySelectorAll('.agnt5, .a5-static')];
        const made = 'script, iframe, svg, img, a, [onerror], [onload], [data-commandlinker-command]';
        return {
            hacked: window.hacked ?? null,
            made: ours.flatMap((one) => [...one.querySelectorAll(made)]).length,
            bare: ours.some((one) => /[\\u0000\\u001b\\u202e]/.test(one.textContent)),
            cells: document.querySelectorAll('.jp-Cell').length,
        };
    }""")
    assert found == {"hacked": None, "made": 0, "bare": False, "cells": 2}
