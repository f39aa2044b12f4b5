"""Peers, when installed: the same two workloads on DBOS (SQLite) and LangGraph (SQLite saver, durability "sync").

They are no dependency of this project: `pip install -r requirements/peers.txt` where the benchmarks run. Each of them
guarantees other things; the lines say what a step costs, not which is better.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from . import steps
from .bench import scratch
from .report import Finding

STEPS = 500
FLOWS, EACH = 50, 20
ROUNDS = 3

Rates = tuple[float, float]


def peers() -> list[Finding]:
    """Rounds of one after the other, so that a slow moment of the disk hits all; ratios are peer to AGNT5."""
    contenders: dict[str, Callable[[Path], Rates]] = {"AGNT5": _agnt5}
    for name, module, measure in (("DBOS", "dbos", _dbos), ("LangGraph", "langgraph.checkpoint.sqlite", _langgraph)):
        if _missing(module):
            print(f"{name} is not installed and left out: pip install -r requirements/peers.txt", file=sys.stderr)
        else:
            contenders[name] = measure
    if len(contenders) == 1:
        return []
    rates: dict[str, list[Rates]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, measure in contenders.items():
            with scratch() as directory:
                rates[name].append(measure(directory))
    findings: list[Finding] = []
    for at, what in enumerate((f"one flow, {STEPS} steps", f"{FLOWS} flows x {EACH} steps at once")):
        own = median(rate[at] for rate in rates["AGNT5"])
        for name, found in rates.items():
            value = median(rate[at] for rate in found)
            if name == "AGNT5":
                findings.append(Finding(f"{name}: {what}", value, "steps/s"))
            else:
                findings.append(Finding(f"{name}: {what}", value, "steps/s", own, "steps/s of AGNT5"))
    return findings


def _missing(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is None
    except ModuleNotFoundError:
        return True


def _rate(count: int, work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def _agnt5(directory: Path) -> Rates:
    sequential = steps.one_flow(directory / "one", STEPS)
    _, concurrent = steps.many_flows(directory / "many", FLOWS, EACH)
    return sequential, concurrent


def _dbos(directory: Path) -> Rates:
    from dbos import DBOS  # pyright: ignore[reportMissingImports]

    DBOS(
        config={
            "name": "bench",
            "system_database_url": f"sqlite:///{directory}/dbos.sqlite",
            "run_admin_server": False,
            "log_level": "ERROR",
        }
    )

    @DBOS.step()
    def trivial(which: int) -> str:
        return steps.RESULT

    @DBOS.workflow()
    def steps_of(which: int, count: int) -> None:
        for _ in range(count):
            trivial(which)

    DBOS.launch()
    try:
        steps_of(0, 20)

        def many() -> None:
            handles = [DBOS.start_workflow(steps_of, which, EACH) for which in range(FLOWS)]
            for handle in handles:
                handle.get_result()

        return _rate(STEPS, lambda: steps_of(0, STEPS)), _rate(FLOWS * EACH, many)
    finally:
        DBOS.destroy(destroy_registry=True)


def _langgraph(directory: Path) -> Rates:
    from typing import TypedDict

    from langgraph.checkpoint.sqlite import SqliteSaver  # pyright: ignore[reportMissingImports]
    from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingImports]

    class State(TypedDict):
        number: int
        last: int
        text: str

    def trivial(state: State) -> State:
        return {"number": state["number"] + 1, "last": state["last"], "text": steps.RESULT}

    logging.getLogger("langgraph").setLevel(logging.ERROR)
    graph = StateGraph(State)
    graph.add_node("trivial", trivial)
    graph.add_edge(START, "trivial")
    graph.add_conditional_edges("trivial", lambda state: END if state["number"] >= state["last"] else "trivial")
    with SqliteSaver.from_conn_string(f"{directory}/langgraph.sqlite") as saver:
        saver.conn.execute("PRAGMA synchronous = FULL")
        app = graph.compile(checkpointer=saver)

        def steps_of(thread: str, count: int) -> None:
            config = {"configurable": {"thread_id": thread}, "recursion_limit": count + 5}
            app.invoke({"number": 0, "last": count, "text": ""}, config, durability="sync")

        def many() -> None:
            with ThreadPoolExecutor(FLOWS) as pool:
                list(pool.map(lambda which: steps_of(f"many {which}", EACH), range(FLOWS)))

        steps_of("warm", 20)
        return _rate(STEPS, lambda: steps_of("one", STEPS)), _rate(FLOWS * EACH, many)
