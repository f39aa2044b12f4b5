"""`python -m benches [NAME ...] [--json]`: run all benchmarks, or the named ones, and print what they found."""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3

import agnt5

from . import agents, importing, memory, notebook, objects, panels, peers, replaying, steps, timetravel
from .report import Finding

BENCHES = {
    "sequential": steps.sequential,
    "concurrent": steps.concurrent,
    "replay": replaying.replay,
    "resume": replaying.resume,
    "timetravel": timetravel.replay,
    "diff": timetravel.diff,
    "check": timetravel.check,
    "files": timetravel.files,
    "import": importing.import_cost,
    "notebook": notebook.load_ext,
    "objects": objects.one_key,
    "memory": memory.search,
    "agents": agents.conversation,
    "panels": panels.panels,
    "peers": peers.peers,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)} [default: all]")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    wanted = parser.parse_args()
    unknown = [name for name in wanted.names if name not in BENCHES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(BENCHES)}")
    if not wanted.json:
        print(
            f"agnt5 {agnt5.__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}; "
            f"floor: sqlite3 {sqlite3.sqlite_version}, write-ahead log, synchronous=FULL, 200-byte rows\n"
        )
    found: list[Finding] = []
    for name in wanted.names or BENCHES:
        for finding in BENCHES[name]():
            found.append(finding)
            if not wanted.json:
                print(finding, flush=True)
    if wanted.json:
        print(json.dumps([finding.as_json() for finding in found], indent=2))


if __name__ == "__main__":
    main()
