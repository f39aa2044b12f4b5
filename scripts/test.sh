#!/bin/sh
# All tests: the core's (cargo) and Python's (pytest). The last line names what was left out, so that a green run cannot
# hide a hole. Arguments go to pytest; with arguments only pytest runs.
set -u
cd "$(dirname "$0")/.."
left_out=target/left-out.txt
mkdir -p target
# Hundreds of programs are started here; without its cache each of them would compile the package anew.
unset PYTHONDONTWRITEBYTECODE
: >"$left_out"
status=0

if [ $# -eq 0 ]; then
    cargo test --locked --quiet || status=1
    # Tests wait more than they compute: one process more than there are cores, see tests/spread.py.
    cores=$(.venv/bin/python -c 'import os; print(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)')
    set -- --numprocesses "${AGNT5_TEST_PROCESSES:-$((cores + 1))}" --no-loadscope-reorder
else
    echo "the core's tests (arguments given: pytest only)" >>"$left_out"
fi
AGNT5_LEFT_OUT="$left_out" .venv/bin/python -m pytest "$@" || status=1

[ $status -eq 0 ] || echo "tests failed" >&2
if [ -s "$left_out" ]; then
    echo "left out: $(sort -u "$left_out" | paste -s -d ';' - | sed 's/;/; /g')"
else
    echo "left out: nothing"
fi
exit $status
