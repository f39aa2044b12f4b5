"""`approve`, `deny` and conversations: while a process owns the store, and after it was killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agnt5 import config
from calling import Call

APP = """
import os, sys, time
import agnt5
from agnt5 import Agent, tool
from agnt5.llm import ScriptedLLM

@tool(requires_approval=True)
def refund(order: str, amount: int) -> str:
    "Give money back."
    return f"refunded {amount} for {order}"

def script(request):
    if request.messages[-1].role == "tool":
        return request.messages[-1].text
    return {"tool": "refund", "arguments": {"order": "A1", "amount": 40}}

agent = Agent("support", "Be kind.", [refund], llm=ScriptedLLM(script))

if __name__ == "__main__":
    for run_id in ("r_first", "r_second"):
        agent.start("my order broke", run_id=run_id)
    while any(not agnt5.get_run(i).approvals for i in ("r_first", "r_second")):
        time.sleep(0.01)
    print("ready", flush=True)
    while True:  # a busy kernel
        pass
"""


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    app = tmp_path / "app.py"
    app.write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGNT5_HOME", str(tmp_path / ".agnt5"))
    for name in ("AGNT5_STORE", "AGNT5_APP"):
        monkeypatch.delenv(name, raising=False)
    process = subprocess.Popen([sys.executable, app], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert any("ready" in line for line in process.stdout)
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        config.reset()


def ended(cli: Call, run_id: str) -> dict[str, object]:
    deadline = time.monotonic() + 30
    while True:
        found = json.loads(cli("show", run_id, "--json").out)
        if found["status"] == "completed" or time.monotonic() > deadline:
            return found


def last_output(cli: Call, run_id: str) -> str:
    assert ended(cli, run_id)["status"] == "completed"
    chats = [one for one in ended(cli, run_id)["entries"] if one["name"] == "chat"]  # type: ignore[union-attr]
    return json.loads(cli("show", run_id, "--chat", str(chats[-1]["seq"]), "--json").out)[-1]["text"]


def test_a_busy_owner_takes_a_person_s_word(owner: subprocess.Popen[str], cli: Call) -> None:
    seen = cli("show", "r_first").out
    assert "1: support wants refund(order='A1', amount=40)" in seen
    assert "agnt5 approve r_first 1    agnt5 deny r_first 1 --reason TEXT" in seen
    assert json.loads(cli("show", "r_first", "--json").out)["approvals"] == [
        {
            "run": "r_first",
            "number": 1,
            "agent": "support",
            "tool": "refund",
            "arguments": {"order": "A1", "amount": 40},
        }
    ]
    approved = cli("approve", "r_first", "1", "--arguments", '{"order": "A1", "amount": 5}')
    assert approved.out == "approved 1: support wants refund(order='A1', amount=40)\n", approved.err
    assert last_output(cli, "r_first").endswith("refunded 5 for A1")
    denied = cli("deny", "r_second", "--reason", "no receipt")
    assert denied.code == 0, denied.err
    assert last_output(cli, "r_second") == "A person refused this call: no receipt"


def test_a_word_for_a_killed_owner_is_heard_when_the_run_resumes(owner: subprocess.Popen[str], cli: Call) -> None:
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert cli("approve", "r_first").code == 0
    denied = json.loads(cli("deny", "r_second", "1", "--json").out)
    assert (denied["answer"], denied["tool"], denied["number"]) == ("denied", "refund", 1)
    resumed = cli("resume", "--app", "app.py")
    assert resumed.code == 0, resumed.err
    assert last_output(cli, "r_first") == "refunded 40 for A1"
    assert last_output(cli, "r_second") == "A person refused this call."


def test_a_conversation_is_printed_whole(owner: subprocess.Popen[str], cli: Call) -> None:
    cli("approve", "r_first")
    assert last_output(cli, "r_first") == "refunded 40 for A1"
    table = cli("show", "r_first").out
    assert "user: my order broke" in table
    assert "waits for a person" not in table
    seq = [one["seq"] for one in ended(cli, "r_first")["entries"] if one["name"] == "chat"][-1]  # type: ignore[union-attr]
    shown = cli("show", "r_first", "--chat", str(seq)).out
    assert shown.splitlines()[:9] == [
        "system",
        "    Be kind.",
        "user",
        "    my order broke",
        "assistant",
        "    → refund(order='A1', amount=40)",
        "tool refund",
        "    refunded 40 for A1",
        "assistant",
    ]
    assert "model script" in shown
    unknown = cli("show", "r_first", "--chat", "999")
    assert unknown.code == 1
    assert "has no entry 999 (questions to models:" in unknown.err


def test_wrong_words_are_told(owner: subprocess.Popen[str], cli: Call) -> None:
    assert "is a JSON object" in cli("approve", "r_first", "--arguments", "[1]").err
    assert cli("approve", "r_first", "--arguments", "{").code == 2
    nothing = cli("approve", "r_first", "7")
    assert nothing.code == 1
    assert "say which by its number: 1: support wants" in nothing.err
