"""What steps print and log is kept apart, bounded, and still reaches the screen."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agnt5.execution.capture import Capture, capture_into, ensure_installed


def speaking(capture: Capture, speak: Callable[[], None]) -> Capture:
    """Run `speak` as a step with this capture would."""

    def step() -> None:
        capture_into(capture)
        speak()

    ensure_installed()
    contextvars.copy_context().run(step)
    return capture


def texts(capture: Capture) -> list[tuple[str, str]]:
    return [(stream, text) for stream, _, text in json.loads(capture.dump() or b"[]")]


@pytest.fixture(autouse=True)
def _streams() -> Iterator[None]:
    out, err = sys.stdout, sys.stderr
    yield
    sys.stdout, sys.stderr = out, err


def test_prints_are_kept_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def speak() -> None:
        print("hello", 3)
        print("oh", file=sys.stderr)
        sys.stdout.writelines(["a", "b\n"])

    capture = speaking(Capture(), speak)
    assert texts(capture) == [("stdout", "hello 3\n"), ("stderr", "oh\n"), ("stdout", "ab\n")]
    assert capsys.readouterr() == ("hello 3\nab\n", "oh\n")
    times = [microseconds for _, microseconds, _ in capture.records()]
    assert times == sorted(times)
    assert times[0] > 1_600_000_000_000_000


def test_silence_costs_no_bytes() -> None:
    assert Capture().dump() == b""


def test_outside_of_steps_nothing_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    capture = speaking(Capture(), lambda: None)
    print("not a step")
    assert capture.records() == []
    assert capsys.readouterr().out == "not a step\n"


def test_steps_that_run_at_once_do_not_mix() -> None:
    captures = {name: Capture() for name in "abc"}

    async def step(name: str) -> None:
        capture_into(captures[name])
        for n in range(3):
            print(name, n)
            await asyncio.sleep(0)
        await asyncio.to_thread(print, name, "in a thread")

    async def main() -> None:
        ensure_installed()
        await asyncio.gather(*map(step, "abc"))

    asyncio.run(main())
    for name, capture in captures.items():
        said = "".join(text for _, text in texts(capture))
        assert said == f"{name} 0\n{name} 1\n{name} 2\n{name} in a thread\n"


def test_muted_output_is_neither_kept_nor_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def speak() -> None:
        print("replayed")
        logging.getLogger("muted").error("replayed")

    capture = speaking(Capture(muted=True), speak)
    assert capture.dump() == b""
    assert capsys.readouterr() == ("", "")


def test_logging_is_kept_once_even_when_a_handler_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("captured")
    ensure_installed()
    handler = logging.StreamHandler(sys.stderr)
    log.addHandler(handler)
    try:
        capture = speaking(Capture(), lambda: log.warning("%s is %d", "x", 3))
    finally:
        log.removeHandler(handler)
    assert texts(capture) == [("log", "WARNING captured: x is 3")]
    assert "x is 3" in capsys.readouterr().err


def test_a_record_that_cannot_be_formatted_is_kept_as_it_is() -> None:
    log = logging.getLogger("broken")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    ((stream, text),) = texts(speaking(Capture(), lambda: log.warning("%d", "no number")))
    assert stream == "log"
    assert "could not be formatted" in text


def test_listening_to_logging_configures_nothing() -> None:
    before = list(logging.getLogger().handlers)
    ensure_installed()
    assert logging.getLogger().handlers == before


def test_streams_that_are_exchanged_are_found_again() -> None:
    buffer = io.StringIO()

    def speak() -> None:
        with contextlib.redirect_stdout(buffer):
            print("redirected past the proxy")
            ensure_installed()
            print("redirected")
        print("back")

    assert texts(speaking(Capture(), speak)) == [("stdout", "redirected\nback\n"[:11]), ("stdout", "back\n")]
    assert buffer.getvalue() == "redirected past the proxy\nredirected\n"


def test_a_proxy_around_a_proxy_keeps_once() -> None:
    class Colour(io.TextIOBase):
        def __init__(self, inner: io.TextIOBase) -> None:
            self.inner = inner

        def write(self, text: str) -> int:
            return self.inner.write(text)

    def speak() -> None:
        sys.stdout = Colour(sys.stdout)  # type: ignore[arg-type]
        ensure_installed()
        print("once")

    assert texts(speaking(Capture(), speak)) == [("stdout", "once\n")]


def test_installing_twice_wraps_once_and_proxies_pass_for_the_stream() -> None:
    ensure_installed()
    first = sys.stdout
    ensure_installed()
    assert sys.stdout is first
    inner = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    sys.stdout = inner
    ensure_installed()
    assert sys.stdout is not inner
    assert sys.stdout.encoding == "utf-8"
    assert sys.stdout.buffer is inner.buffer
    assert not sys.stdout.isatty()
    sys.stdout.reconfigure(encoding="latin-1")  # type: ignore[attr-defined]
    assert inner.encoding.replace("-", "") in ("latin1", "iso88591")


def test_other_threads_without_the_context_are_not_kept() -> None:
    def speak() -> None:
        thread = threading.Thread(target=contextvars.Context().run, args=(print, "elsewhere"))
        thread.start()
        thread.join()

    assert texts(speaking(Capture(), speak)) == []


def test_lone_surrogates_do_not_lose_a_step_its_result() -> None:
    capture = Capture()
    capture.add("stdout", "file \udc80 name")
    assert texts(capture) == [("stdout", "file ? name")]


def test_a_mask_is_applied_when_it_is_dumped() -> None:
    capture = Capture(mask=lambda text: text.replace("secret", "***"))
    capture.add("stdout", "my sec")
    capture.add("stdout", "ret\n")
    assert texts(capture) == [("stdout", "my ***\n")]


@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr", "log"]), st.text(max_size=40)), max_size=60))
def test_what_is_kept_is_the_start_and_the_end_and_says_what_is_missing(pieces: list[tuple[str, str]]) -> None:
    capture = Capture(limit=100)
    for stream, text in pieces:
        capture.add(stream, text)
    said = "".join(text for _, text in pieces)
    records = capture.records()
    cut = [text for stream, _, text in records if stream == "cut"]
    if len(said) <= 100:
        assert cut == []
        assert "".join(text for _, _, text in records) == said
        return
    assert cut == [f"... {len(said) - 100} characters cut ..."]
    at = next(n for n, (stream, _, _) in enumerate(records) if stream == "cut")
    assert "".join(text for _, _, text in records[:at]) == said[:50]
    assert "".join(text for _, _, text in records[at + 1 :]) == said[-50:]


def test_a_write_that_is_replaced_by_one_which_calls_it_still_ends(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    ensure_installed()
    found = sys.stdout.write
    said = []

    def wrapper(text):
        said.append(text)
        return found(text)

    sys.stdout.write = wrapper
    print("once")
    assert stream.getvalue() == "once\n"
    del sys.stdout.write
    assert said == ["once", "\n"]
