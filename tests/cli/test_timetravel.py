"""`replay`, `fork`, `rerun`, `diff`, `check`, `save`, `load`: with and without an owner, on a terminal and not."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from agnt5.cli.app import agnt5
from calling import Call

SHOP = """
from agnt5 import Context, flow

def price(item: str) -> int:
    return {"tea": 3, "pot": 20}.get(item, 1)

def total(prices: list[int]) -> int:
    return sum(prices)

@flow
async def bill(ctx: Context, items: list[str]) -> int:
    prices = []
    for item in items:
        prices.append(await ctx.call(price, item))
    await ctx.state.set("prices", prices)
    return await ctx.call(total, prices)

if __name__ == "__main__":
    bill.start(["tea", "pot"], run_id="r_bill").result()
"""


@pytest.fixture
def shop(app: Path) -> Path:
    """A home with one completed run, `r_bill`, whose process is gone."""
    path = app.with_name("shop.py")
    path.write_text(SHOP)
    subprocess.run([sys.executable, path], check=True, timeout=60)
    return path


def test_replay_elsewhere_than_on_a_terminal_is_a_list(shop: Path, cli: Call) -> None:
    answer = cli("replay", "r_bill", "--app", str(shop))
    assert answer.code == 0, answer.err
    assert [line.split()[:3] for line in answer.out.splitlines()][1:3] == [
        ["1", "step", "price"],
        ["3", "step", "price#2"],
    ]
    assert "prices.append(await ctx.call(price, item))" in answer.out
    listed = json.loads(cli("replay", "r_bill", "--app", str(shop), "--json").out)
    assert listed["positions"][1]["locals"]["prices"] == "[3]"
    assert listed["positions"][-1]["state"] == {"prices": [3, 20]}
    assert listed["divergence"] is None


def test_replay_without_code_steps_over_the_entries(shop: Path, cli: Call) -> None:
    answer = cli("replay", "r_bill", "--at", "4")
    assert answer.out.splitlines()[0].split() == ["3", "step", "price#2"]
    assert cli("replay", "r_bill", "--at", "3").out == answer.out, "a number that is shown is the entry's"
    assert "completed: 23\nNo code was named" in answer.out
    assert "--recorded runs the source" in answer.out
    assert cli("replay", "r_bill", "--at", "price#2").out == answer.out
    assert "Did you mean 'price" in cli("replay", "r_bill", "--at", "price#3").err
    assert "defines nothing that is called 'bill'" in cli("replay", "r_bill", "--app", "json").out


def test_fork_shows_what_will_run_and_runs_it(shop: Path, cli: Call) -> None:
    asked = ("fork", "r_bill", "--set", "price#2=100", "--app", str(shop))
    planned = cli(*asked, "--dry-run")
    assert "given       step     price#2\n  runs again  step     total" in planned.out
    assert len(json.loads(cli("runs", "--json").out)) == 1, "nothing was made"
    answer = cli(*asked)
    assert answer.code == 0, answer.err
    assert answer.out.startswith("forks at entry 3, price#2: 2 entries are shared"), "the code is the same"
    assert "completed: 103" in answer.out
    told = json.loads(cli("fork", "r_bill", "--at", "1", "--state", "vip=true", "--app", str(shop), "--json").out)
    assert told["status"] == "completed"
    assert told["plan"]["cut"] == 2, "the first step is asked and not answered"


def test_fork_refuses_what_makes_no_sense(shop: Path, cli: Call) -> None:
    assert "name the code with --app" in cli("fork", "r_bill", "--set", "price=1").err
    assert "Did you mean 'price#2'?" in cli("fork", "r_bill", "--at", "3", "--set", "price#3=1", "--app", str(shop)).err
    assert cli("fork", "r_bill", "--set", "price").code == 2
    assert "has no entry 99: its last is 6 (total)" in cli("fork", "r_bill", "--at", "99", "--app", str(shop)).err
    assert "no exception of Python" in cli("fork", "r_bill", "--fail", "price=Nope", "--app", str(shop)).err
    failed = cli("fork", "r_bill", "--fail", "price#2=ValueError:out of stock", "--app", str(shop))
    assert failed.code == 1
    assert "ValueError: out of stock" in failed.err


def test_json_tells_results_errors_and_what_was_reused(shop: Path, cli: Call) -> None:
    asked = ("fork", "r_bill", "--json", "--app", str(shop))
    told = json.loads(cli(*asked, "--set", "price#2=100").out)
    assert (told["result"], told["error"], told["plan"]["given"]) == (103, None, ["price#2"])
    failed = cli(*asked, "--fail", "price=ValueError:none left")
    assert failed.code == 1
    assert json.loads(failed.out)["status"] == "failed"
    assert "ValueError: none left" in json.loads(failed.out)["error"]
    rerun = json.loads(cli("rerun", "r_bill", "--always", "total", "--app", str(shop), "--json").out)
    assert [one["path"] for one in rerun["reused"]["reused"]] == ["price", "price#2"]
    assert rerun["reused"]["executed"] == [{"seq": 6, "path": "total", "reason": "always executed, as asked"}]
    assert cli("fork", "r_bill", "--app", str(shop)).code == 2, "it must be said where"


def test_every_command_has_json() -> None:
    assert {name for name, one in agnt5.commands.items() if not any("--json" in p.opts for p in one.params)} == set()


def test_rerun_says_what_it_took_over(shop: Path, cli: Call) -> None:
    shop.write_text(SHOP.replace("sum(prices)", "sum(prices) * 2"))
    answer = cli("rerun", "r_bill", "--app", str(shop))
    assert "completed: 46" in answer.out, answer.err
    assert "2 results of r_bill reused, 1 step executed" in answer.out
    assert "total: " in answer.out


def test_diff_and_check(shop: Path, cli: Call) -> None:
    cli("fork", "r_bill", "--set", "price#2=100", "--app", str(shop))
    answer = cli("diff", "-2", "-1")
    assert "~ step price#2\n    output: 20 → 100" in answer.out
    assert json.loads(cli("diff", "-2", "-1", "--json").out)["first"]["path"] == "price#2"
    fine = cli("check", "--app", str(shop))
    assert (fine.code, fine.out) == (0, "bill: 2 of 2 recorded runs replay\n")
    shop.write_text(SHOP.replace('state.set("prices"', 'state.set("sums"'))
    broken = cli("check", "bill", "--app", str(shop))
    assert broken.code == 1
    assert 'await ctx.state.set("prices", prices)' in broken.out
    assert 'await ctx.state.set("sums", prices)' in broken.out
    assert not json.loads(cli("check", "--app", str(shop), "--json").out)["default"]["ok"]
    assert "name the code to check" in cli("check").err
    assert "defines nothing that is called 'bills'" in cli("check", "bills", "--app", str(shop)).err
    shop.write_text("from agnt5 import function\n" + SHOP.replace("def price", "@function\ndef price"))
    assert "<function price> is no flow" in cli("check", "price", "--app", str(shop)).err


def test_save_and_load(shop: Path, cli: Call, tmp_path: Path) -> None:
    file = str(tmp_path / "bill.agnt5")
    assert "saved r_bill" in cli("save", "-1", file).out
    loaded = cli("load", file)
    assert "component  bill" in loaded.out
    assert "price#2" in loaded.out
    assert json.loads(cli("load", file, "--json").out)["status"] == "completed"
    assert "= 4 the same" in cli("diff", "r_bill", file).out
    assert "is only data" in cli("replay", file).out
    assert "shop.py" in cli("replay", file, "--app", str(shop)).out
    Path(file).write_bytes(b"junk")
    answer = cli("load", file)
    assert answer.code == 1
    assert "no journal file" in answer.err
    assert answer.err.count("\n") == 1


def test_a_busy_owner_forks_and_reruns(busy: Path, cli: Call) -> None:
    forked = cli("fork", "r_doubled", "--set", "double=7")
    assert "goes on in the store's owner" in forked.out, forked.err
    assert "goes on in the store's owner" in cli("rerun", "r_doubled").out
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        listed = [one for one in json.loads(cli("runs", "--json").out) if one["component"] == "doubler"]
        if all(one["status"] == "completed" for one in listed):
            break
    shown = [json.loads(cli("show", one["id"], "--json").out)["entries"][0]["output"] for one in listed]
    assert sorted(shown) == [7, 42, 42]


class Terminal:
    """The stepper on a real pseudo-terminal."""

    def __init__(self, *arguments: str, kind: str = "xterm") -> None:
        self._end, other = pty.openpty()
        termios.tcsetwinsize(other, (40, 100))
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        environment["TERM"] = kind
        self._process = subprocess.Popen(
            [sys.executable, "-m", "agnt5.cli", *arguments], stdin=other, stdout=other, stderr=other, env=environment
        )
        os.close(other)
        self.screen = ""

    def press(self, keys: str, shows: str) -> str:
        """Type, and wait until the newest screen shows this text."""
        self.screen = ""
        os.write(self._end, keys.encode())
        return self.wait(shows)

    def wait(self, shows: str) -> str:
        deadline = time.monotonic() + 30
        # A screen comes in pieces: it is whole when nothing more follows.
        while self._reads() or shows not in self.screen:
            assert time.monotonic() < deadline, f"never shown: {shows!r} in {self.screen!r}"
        return self.screen

    def _reads(self) -> bool:
        if not select.select([self._end], [], [], 0.2)[0]:
            return False
        try:
            text = os.read(self._end, 65536).decode(errors="replace")
        except OSError:  # the program has ended
            return False
        self.screen = (self.screen + re.sub(r"\x1b\[[0-9;]*m", "", text)).rpartition("\x1b[2J")[2]
        return True

    def resize(self, lines: int, columns: int) -> None:
        """As the terminal does: it says so, and the program is told by a signal."""
        self.screen = ""
        termios.tcsetwinsize(self._end, (lines, columns))
        self._process.send_signal(signal.SIGWINCH)

    def leave(self, key: bytes = b"q") -> int:
        os.write(self._end, key)
        code = self._process.wait(30)
        os.close(self._end)
        return code


def test_the_stepper_moves_by_keys(shop: Path) -> None:
    terminal = Terminal("replay", "r_bill", "--app", str(shop))
    terminal.wait("0 of 3")
    screen = terminal.press("\x1b[C", "1 of 3")
    assert "price gave 3" in screen
    assert "* prices = [3]" in screen, "changed names are marked"
    assert re.search(r"→ +\d+ +prices\.append", screen)
    terminal.press("\x1b[D", "0 of 3")
    terminal.press("g3\r", "after entry 3, price#2: 2 of 3 answers")
    terminal.press("elen(prices) * 10\r", "len(prices) * 10 = 20")
    terminal.press("enope\r", "NameError")
    terminal.press("btotal\r", "breaks at total")
    terminal.press("\x1b[H", "0 of 3")
    terminal.press("c", "3 of 3")
    assert "state.prices = [3, 20]" in terminal.screen
    terminal.press("z", "no such key")
    assert terminal.leave() == 0


LONG = """
from agnt5 import Context, flow

def price(item: str) -> int:
    return 3

@flow
async def long(ctx: Context) -> int:
{names}
    total = await ctx.call(price, "tea")
{lines}
    return total

if __name__ == "__main__":
    long.start(run_id="r_long").result()
"""


def test_the_stepper_is_no_taller_than_the_terminal(app: Path) -> None:
    path = app.with_name("long.py")
    names = "\n".join(f"    n{number} = {number}" for number in range(40))
    path.write_text(LONG.format(names=names, lines="    total += 1\n" * 40))
    subprocess.run([sys.executable, path], check=True, timeout=60)
    terminal = Terminal("replay", "r_long", "--app", str(path))
    screen = terminal.wait("q quit")
    assert screen.count("\n") < 40
    assert "0 of 1" in screen
    assert re.search(r"→ +\d+ +total = await", screen)
    assert "more" in screen
    assert terminal.leave() == 0


def test_the_stepper_follows_the_size_of_the_terminal(shop: Path) -> None:
    terminal = Terminal("replay", "r_bill", "--app", str(shop))
    terminal.wait("q quit")
    for lines, columns in ((8, 30), (3, 12), (1, 1), (30, 90)):
        terminal.resize(lines, columns)
        screen = terminal.wait("\n").replace("\r", "").removeprefix("\x1b[H")
        assert screen.count("\n") < max(lines, 2)
        assert all(len(line) <= columns for line in screen.split("\n")), screen
    assert "r_bill" in screen
    assert "q quit" in screen
    terminal.press("bnothing\r", "no entry of this run has the name, path or kind 'nothing'")
    assert terminal.leave(b"\x1b") == 0


def test_a_terminal_that_cannot_be_cleared_gets_the_list(shop: Path) -> None:
    screen = Terminal("replay", "r_bill", "--app", str(shop), kind="dumb").wait("completed:")
    assert "\x1b" not in screen
    assert "step price#2" in screen


def test_a_fork_that_is_declined_is_not_made(shop: Path, cli: Call) -> None:
    terminal = Terminal("fork", "r_bill", "--set", "price=5", "--app", str(shop))
    assert "given       step     price" in terminal.wait("fork? [Y/n]").replace("\r", "")
    terminal.press("n\n", "no fork was made")
    assert len(json.loads(cli("runs", "--json").out)) == 1


def test_the_stepper_shows_a_divergence_whole(shop: Path) -> None:
    shop.write_text(SHOP.replace("for item in items:", "for item in items[1:]:"))
    terminal = Terminal("replay", "r_bill", "--app", str(shop))
    terminal.wait("`run.rerun()` from the start")
    assert "recorded was step \"price\" with ('tea')" in terminal.screen
    assert terminal.leave() == 0
