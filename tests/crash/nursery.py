"""Brings up the lives of a chain: `python -m crash.nursery`. It has imported what the program needs and forks, so that
each life is a process of its own that begins where an import would have ended. Nothing of agnt5 is open here.

A line of standard input is a life, as JSON: `argv` of the program, `said`, the file of its output, and `kill`, seconds
after which it is killed from outside, or null. A line of standard output is its exit code, as subprocess counts it.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import time

import agnt5.execution.driver
import agnt5.execution.host
import agnt5.runtime
import agnt5.telemetry.observer  # noqa: F401
import crash.trap  # noqa: F401

_TIMEOUT = 60


def main() -> None:
    for line in sys.stdin:
        life = json.loads(line)
        child = os.fork()
        if not child:
            _live(life)
            return
        print(_end_of(child, life["kill"]), flush=True)


def _live(life: dict[str, object]) -> None:
    """In the child: the program as if it had just been started."""
    said = os.open(str(life["said"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (said, 1), (said, 2)):
        os.dup2(source, target)
    sys.argv[1:] = life["argv"]  # type: ignore[assignment]
    runpy.run_module("crash.program", run_name="__main__", alter_sys=True)


def _end_of(child: int, kill: float | None) -> int:
    def give_up(*_: object) -> None:
        os.kill(child, signal.SIGABRT)  # faulthandler says where it hung

    if kill is not None:
        time.sleep(kill)
        os.kill(child, signal.SIGKILL)
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_TIMEOUT)
    _, status = os.waitpid(child, 0)
    signal.alarm(0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    main()
