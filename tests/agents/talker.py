"""An agent over a provider on loopback, run as a program that is killed: `talker.py URL TRAP`.

It starts or goes on with the run "talk". The tool notes each execution in the file `calls` of its directory, and kills
the process where TRAP says so. TRAP is `place:number`; places of the provider are the test's to trap.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from agnt5 import Agent, tool
from agnt5.llm import create_llm

URL, TRAP = sys.argv[1:3]


def trap(place: str) -> None:
    if place == TRAP:
        os.kill(os.getpid(), signal.SIGKILL)


@tool
def page(number: int) -> str:
    """Read a page."""
    trap(f"begun:{number}")
    with Path("calls").open("a", encoding="utf-8") as file:
        file.write(f"{number}\n")
    trap(f"done:{number}")
    return f"text of page {number}"


if __name__ == "__main__":
    llm = create_llm("openai", "gpt-test", api_key="sk-test-0123456789abcdef", base_url=f"{URL}/v1")
    reader = Agent("reader", "Read the pages.", [page], llm=llm)
    print(reader.start("Read.", run_id="talk").result(timeout=60))
