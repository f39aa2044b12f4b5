"""A body that may run at most once, killed at each moment that matters: it is run again only when that is safe."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from scenarios.processes import lines, play

PROGRAM = """
    AT = os.environ.get("AT", "")
    def note(word):
        with open("ledger", "a") as file:
            file.write(word + "\\n")
    def die():
        os.kill(os.getpid(), signal.SIGKILL)
    def charge(by_policy=False):
        tries = Path("ledger").read_text().split().count("charge") if Path("ledger").exists() else 0
        note("charge")
        if AT == f"in try {tries + 1}":
            die()
        if tries == 0 and by_policy:
            raise ConnectionError("no route: nothing was sent")
        return "charged"
    @flow
    async def once(ctx: Context):
        return await ctx.call(charge, effect="at_most_once")
    @flow
    async def once_a_try(ctx: Context):
        policy = agnt5.ConstantBackoff(max_attempts=3, interval=float(os.environ.get("WAIT", "0.02")))
        return await ctx.call(charge, True, effect="at_most_once", retry_policy=policy)
    @function(effect="at_most_once")
    async def pays(ctx: Context):
        return charge()
    @flow
    async def pays_inside(ctx: Context):
        return await ctx.call(pays)
    FLOWS = {"once": once, "once_a_try": once_a_try, "pays": pays, "pays_inside": pays_inside}
    def outcome(run):
        try:
            return run.result(20)
        except agnt5.RunPaused as error:
            return "paused: " + str("uncertain" in str(error))
    """


def _charges(home: Path) -> int:
    return (home / "ledger").read_text().split().count("charge")


@pytest.mark.parametrize("name", ["once", "pays", "pays_inside", "once_a_try"])
def test_killed_in_the_body_it_asks(tmp_path: Path, name: str) -> None:
    start = f'{PROGRAM}\n    print(FLOWS["{name}"].start(run_id="r1").result(20))'
    go_on = f'{PROGRAM}\n    print(outcome(agnt5.get_run("r1")))'
    assert play(tmp_path, start, AT="in try 1").returncode == -signal.SIGKILL
    assert lines(play(tmp_path, go_on)) == ["paused: True"]
    assert lines(play(tmp_path, go_on)) == ["paused: True"], "and stays so"
    assert _charges(tmp_path) == 1


def test_killed_in_a_second_try_that_a_policy_allowed_it_asks(tmp_path: Path) -> None:
    start = f'{PROGRAM}\n    print(once_a_try.start(run_id="r1").result(20))'
    go_on = f'{PROGRAM}\n    print(outcome(agnt5.get_run("r1")))'
    assert play(tmp_path, start, AT="in try 2").returncode == -signal.SIGKILL
    assert lines(play(tmp_path, go_on)) == ["paused: True"]
    assert _charges(tmp_path) == 2


def test_killed_while_it_waits_for_a_second_try_it_is_tried(tmp_path: Path) -> None:
    start = f"""{PROGRAM}
    run = once_a_try.start(run_id="r1")
    while run.status != "waiting":
        time.sleep(0.005)
    die()
    """
    go_on = f'{PROGRAM}\n    print(outcome(agnt5.get_run("r1")))'
    assert play(tmp_path, start, WAIT="1").returncode == -signal.SIGKILL
    assert lines(play(tmp_path, go_on)) == ["charged"]
    assert _charges(tmp_path) == 2


def test_a_function_that_is_killed_in_a_try_its_policy_allowed_asks(tmp_path: Path) -> None:
    more = """
    @function(effect="at_most_once", retry_policy=agnt5.ConstantBackoff(max_attempts=3, interval=0.02))
    async def tries(ctx: Context):
        return charge(True)
    """
    start = f'{PROGRAM}{more}\n    print(tries.start(run_id="r1").result(20))'
    go_on = f'{PROGRAM}{more}\n    print(outcome(agnt5.get_run("r1")))'
    assert play(tmp_path, start, AT="in try 2").returncode == -signal.SIGKILL
    assert lines(play(tmp_path, go_on)) == ["paused: True"]
    assert _charges(tmp_path) == 2


def test_a_try_that_fell_due_while_nobody_was_there_is_made_once(tmp_path: Path) -> None:
    program = f"""{PROGRAM}
    async def quick():
        note("quick")
        if Path("ledger").read_text().split().count("quick") == 1:
            raise ConnectionError("down")
        return "up"
    @flow
    async def retries(ctx: Context):
        policy = agnt5.ConstantBackoff(max_attempts=5, interval=0.1)
        return await asyncio.gather(*(ctx.call(quick, retry_policy=policy) for _ in range(1)))
    """
    start = f"""{program}
    run = retries.start(run_id="r1")
    while run.status != "waiting":
        time.sleep(0.005)
    die()
    """
    assert play(tmp_path, start).returncode == -signal.SIGKILL
    said = lines(play(tmp_path, f'{program}\n    time.sleep(0.3)\n    print(outcome(agnt5.get_run("r1")))'))
    assert said == ["['up']"]
    assert (tmp_path / "ledger").read_text().split() == ["quick", "quick"]
