"""The warning about a body that blocks the host loop: it names a body, or is not given."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator

import pytest

from agnt5.execution import watchdog
from agnt5.log import logger


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop on a thread of its own, watched as if bodies were under way."""
    monkeypatch.setattr(watchdog, "_PERIOD", 0.2)
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    watching = watchdog.Watchdog(made)
    assert thread.ident is not None
    watching.host_ident = thread.ident
    watching.watch(True)
    yield made
    watching.close()
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logger, "propagate", True)
    caplog.set_level(logging.WARNING, logger.name)
    return caplog


def hogs() -> None:
    time.sleep(1.5)


def test_a_body_that_blocks_is_named(loop: asyncio.AbstractEventLoop, said: pytest.LogCaptureFixture) -> None:
    _wait_for(loop, hogs)
    assert "`hogs` has blocked the host loop" in said.text


def test_a_machine_too_busy_to_run_the_loop_blames_nobody(
    loop: asyncio.AbstractEventLoop, said: pytest.LogCaptureFixture
) -> None:
    """As when the start of a thread takes a second: only the standard library's code stands there."""
    _wait_for(loop, threading.Event().wait, 1.5)
    assert said.text == ""


def _wait_for(loop: asyncio.AbstractEventLoop, work: object, *args: object) -> None:
    done = threading.Event()
    loop.call_soon_threadsafe(work, *args)  # type: ignore[arg-type]
    loop.call_soon_threadsafe(done.set)
    assert done.wait(60)
