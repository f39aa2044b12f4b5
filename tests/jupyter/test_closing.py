"""Panels that end: closed by anybody at any moment, and the store that their user has closed stays closed."""

from __future__ import annotations

import faulthandler
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import agnt5
from agnt5 import flow
from agnt5.memory import Memory
from agnt5.runtime import close_runtime, open_runtime
from agnt5_jupyter import views
from agnt5_jupyter.display import follower as following
from agnt5_jupyter.display.desk import Desk
from agnt5_jupyter.display.journalpanel import JournalPanel
from agnt5_jupyter.display.memorypanel import MemoryPanel
from agnt5_jupyter.display.replaypanel import ReplayPanel
from agnt5_jupyter.display.runpanel import RunPanel
from agnt5_jupyter.display.treepanel import TreePanel
from panels import ask, listening, until


def note(word: Any) -> Any:
    return {"word": word}


@flow
async def closing(ctx: Any, words: list[str]) -> int:
    for word in words:
        await ctx.call(note, word)
    return len(words)


@flow
async def closing_waits(ctx: Any) -> Any:
    await ctx.call(note, "before")
    return await ctx.wait_for_event("go")


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """A deadlock ends the process, and shows where all threads stand."""
    faulthandler.dump_traceback_later(120, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def answered(panel: Any, said: Any, **message: Any) -> Any:
    """What the panel answers, at its desk or at once."""
    panel._hear(panel, {**message, "id": "late"}, [])
    until(lambda: any(one.fields.get("answer") == "late" for one in said))
    found = next(one for one in said if one.fields.get("answer") == "late")
    said.remove(found)
    assert "error" not in found.fields
    return found


def test_the_garbage_collector_may_close_a_panel_in_the_middle_of_anything() -> None:
    run = closing.start(["a"])
    run.result()
    closed, never_followed = JournalPanel(run), JournalPanel(run)
    closed.close()
    done = threading.Event()

    def collect() -> None:  # as when it comes while this thread holds these locks
        with following.follower._lock, closed.desk._lock, never_followed.desk._lock:
            closed.__del__()
            never_followed.__del__()
        done.set()

    threading.Thread(target=collect, daemon=True).start()
    assert done.wait(30), "closing waits for a lock that its own thread holds"


HURRY = """
import faulthandler, gc, threading, ipywidgets
faulthandler.dump_traceback_later(100, exit=True)
import agnt5
from agnt5_jupyter.display.replaypanel import ReplayPanel
from agnt5_jupyter.display.runpanel import RunPanel

async def note(word):
    return word

@agnt5.flow
async def hurried(ctx):
    await ctx.call(note, "a")
    return await ctx.wait_for_event("go")

ended = hurried.start()
agnt5.send_event("go", run=ended)
ended.result()
live = [hurried.start() for _ in range(4)]
gc.set_threshold(5, 2, 2)  # garbage is looked for all the time, on all threads
for _ in range(25):
    panels = [RunPanel(run) for run in live] + [ReplayPanel(ended.replay()) for _ in range(3)]
    for panel in panels:
        for word in ("hello", "walk", "index", "draft"):
            panel._hear(panel, {"ask": word, "id": word}, [])
    ipywidgets.Widget.close_all()
    del panels, panel
print("closed all", sum(one.name == "agnt5-panel" for one in threading.enumerate()) < 3)
for run in live:
    run.cancel()
"""


def test_closing_all_widgets_again_and_again_ends() -> None:
    store = agnt5.settings()
    place = {"AGNT5_HOME": str(store.home), "AGNT5_STORE": "hurried"}
    done = subprocess.run([sys.executable, "-c", HURRY], env={**os.environ, **place}, capture_output=True, text=True)
    assert done.stdout == "closed all True\n", done.stderr


def test_a_desk_keeps_order_and_has_a_thread_only_while_it_works() -> None:
    desk, did = Desk(), list[int]()
    gate = threading.Event()
    desk.put(gate.wait)
    for number in range(100):
        desk.put(lambda number=number: did.append(number))
    assert desk.busy
    gate.set()
    until(lambda: not desk.busy)
    assert did == list(range(100))
    desk.put(lambda: did.append(100))
    until(lambda: not desk.busy)
    assert did[-1] == 100
    desk.close()
    desk.put(lambda: did.append(101))
    assert (desk.busy, did[-1]) == (False, 100)


def test_a_replays_panel_keeps_no_thread_while_nobody_asks() -> None:
    run = closing.start(["a", "b"])
    run.result()
    panel = ReplayPanel(run.replay())
    said = listening(panel)
    answered(panel, said, ask="hello")
    answered(panel, said, do="move", to=1)
    assert panel.replay.index == 1
    until(lambda: not panel.desk.busy)
    panel.close()


def test_panels_show_a_store_that_was_closed_and_do_not_open_it() -> None:
    run, live = closing.start(["a"]), closing_waits.start()
    run.result()
    until(lambda: live.status == "waiting")
    memory = Memory(namespace="closed")
    panels: list[Any] = [RunPanel(run), RunPanel(live), JournalPanel(live), TreePanel(run)]
    panels += [ReplayPanel(run.replay()), MemoryPanel(memory)]
    panels[0].told = lambda: repr(views.run_table(run))
    panels[1].told = lambda: repr(views.run_table(live))
    panels[2].told = lambda: repr(views.journal_table(live.journal))
    panels[3].told = lambda: repr(views.tree_table(run))
    close_runtime()
    for panel in panels:
        said = listening(panel)
        answered(panel, said, ask="hello")
        assert panel.printed().text
        panel.tick()
    said = listening(panels[0])
    assert ask(panels[0], said, ask="result", path=[]).buffers
    head = answered(panels[1], listening(panels[1]), ask="hello").fields["head"]
    assert (head["status"], head["interrupted"]) == ("waiting", True), "nobody drives it now"
    time.sleep(0.2)
    assert open_runtime() is None
    assert live.cancel(), "who steers a run opens its store"
    for panel in panels:
        panel.close()
    gc.collect()
