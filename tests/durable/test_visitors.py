"""Runs that another process owns and drives: waited for, resumed and decided about from here."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import agnt5
from agnt5 import waiting
from owning import owner


@pytest.fixture(autouse=True)
def asking(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a notebook: interrupted runs wait for a person."""
    monkeypatch.setenv("AGNT5_RECOVER", "ask")


@pytest.mark.parametrize("recover", ["ask", "auto"])
def test_a_run_that_was_resumed_is_waited_for_before_its_owner_has_its_code(
    tmp_path: Path, recover: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(waiting, "_QUIET_SECONDS", 0.0)
    (tmp_path / "go").touch()
    with owner(tmp_path, recover) as other:
        run = agnt5.get_run("r_works")
        assert run.interrupted
        with pytest.raises(agnt5.RunPaused, match="was interrupted"):
            run.result()
        assert run.resume() is (recover == "ask"), "the other one goes on by itself"
        assert not run.interrupted, "nobody has to resume it any more"
        with pytest.raises(TimeoutError):
            run.result(0.3)
        assert "has not begun: the process that owns its store drives it when 'works' is defined" in caplog.text
        threading.Timer(0.2, other.define).start()
        assert run.result(30) == 3


async def test_the_same_when_it_is_awaited(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    with owner(tmp_path) as other:
        run = agnt5.get_run("r_works")
        run.resume()
        threading.Timer(0.2, other.define).start()
        assert await run == 3


def test_who_waits_is_told_when_the_owner_went_away(tmp_path: Path) -> None:
    with owner(tmp_path) as other:
        other.define()
        run = agnt5.get_run("r_works")
        run.resume()
        threading.Timer(0.2, other.kill).start()
        with pytest.raises(agnt5.RunPaused, match="was interrupted: its process went away"):
            run.result(30)


def test_where_the_code_is_missing_waiting_says_so(tmp_path: Path) -> None:
    with owner(tmp_path):
        pass
    run = agnt5.get_run("r_works")
    assert run.resume()
    with pytest.raises(agnt5.RunPaused, match="goes on as soon as 'works' is defined in this process"):
        run.result()


@pytest.mark.parametrize(
    "decision", [{"values": {"pay": 40}}, {"errors": {"pay": ValueError("lost")}}, {"again": ["pay"]}]
)
def test_a_persons_decisions_reach_the_owner(tmp_path: Path, decision: dict[str, object]) -> None:
    (tmp_path / "go").touch()
    with owner(tmp_path, component="pays") as other:
        other.define()
        run = agnt5.get_run("r_works")
        run.resume()
        with pytest.raises(agnt5.RunPaused):
            run.result(30)
        assert run.resume(**decision)  # type: ignore[arg-type]
        if "errors" in decision:
            with pytest.raises(agnt5.RunFailed, match="ValueError: lost"):
                run.result(30)
        else:
            assert run.result(30) == (41 if "values" in decision else 3)


def test_a_body_that_may_run_once_goes_on_when_a_person_elsewhere_says_so(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    with owner(tmp_path, "auto", component="pay"):
        run = agnt5.get_run("r_works")
        with pytest.raises(agnt5.RunPaused, match="may run at most once"):
            run.result(30)
        assert run.resume()
        assert run.result(30) == 2


def test_the_reason_of_a_pause_reaches_the_owner(tmp_path: Path) -> None:
    with owner(tmp_path) as other:
        other.define()
        run = agnt5.get_run("r_works")
        run.resume()
        run.pause("for lunch")
        assert run.error == "for lunch"
