"""An agent that is killed with SIGKILL at every point of a conversation of six calls pays for nothing twice.

The provider is a real server in this process and counts what it is asked; the agent is a process of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from threading import Event

import pytest

import agnt5
from llm.wire.acts import Act, Answer, Call, Held
from llm.wire.openai import OpenAIDialect
from llm.wire.received import Received
from llm.wire.server import WireServer

PAGES = 5
POINTS = [
    f"{place}:{number}"
    for number in range(PAGES + 1)
    for place in ("asked", "streaming", "begun", "done")
    if number < PAGES or place in ("asked", "streaming")
]


class Provider:
    """Asks for one page after the other, then answers; kills whoever asks where it is told to."""

    def __init__(self) -> None:
        self.trap = ""
        self.victim: subprocess.Popen[str] | None = None
        self.asked: Counter[int] = Counter()

    def __call__(self, request: Received) -> Act:
        number = sum(message["role"] == "tool" for message in request.json["messages"])
        self.asked[number] += 1
        answer = Answer(calls=(Call("page", {"number": number}, f"call_{number}"),))
        if number == PAGES:
            answer = Answer("All pages were read.")
        if self.trap == f"asked:{number}":
            self.kill()
        if self.trap == f"streaming:{number}":
            return Held(answer, _Kills(self), after=2)
        return answer

    def kill(self) -> None:
        assert self.victim is not None
        self.victim.send_signal(signal.SIGKILL)
        self.victim.wait()


class _Kills(Event):
    """A gate that kills who waits behind it."""

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self._provider = provider

    def wait(self, timeout: float | None = None) -> bool:
        self._provider.kill()
        return True


def test_a_killed_agent_repeats_no_recorded_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider()
    environment = os.environ | {"AGNT5_HOME": str(tmp_path / "home"), "AGNT5_RECOVER": "auto"}
    with WireServer(OpenAIDialect(), provider) as server:

        def live(trap: str) -> tuple[int, str]:
            provider.trap = trap
            program = [sys.executable, str(Path(__file__).with_name("talker.py")), server.url, trap]
            process = subprocess.Popen(
                program, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            provider.victim = process
            out, err = process.communicate(timeout=60)
            assert process.returncode in (0, -signal.SIGKILL), err
            return process.returncode, out

        for point in POINTS:
            assert live(point)[0] == -signal.SIGKILL, f"nobody came by {point}"
        code, out = live("")
    assert code == 0
    assert "All pages were read." in out
    # Two deaths before each answer was recorded, and never a question after that.
    assert provider.asked == dict.fromkeys(range(PAGES + 1), 3)
    # The first death of a tool came before its effect, the second after it and before its record.
    assert Counter((tmp_path / "calls").read_text().split()) == {str(number): 2 for number in range(PAGES)}
    monkeypatch.setenv("AGNT5_HOME", str(tmp_path / "home"))
    journal = agnt5.get_run("talk").journal
    assert [entry.path for entry in journal if entry.name == "chat"] == ["chat", *(f"chat#{n}" for n in range(2, 7))]
    assert all(entry.meta["possibly_billed"] for entry in journal if entry.name == "chat"), "the deaths are told"
