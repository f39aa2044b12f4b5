"""`write_test`: a run turned into a test that a person reads and keeps: its journal in a file, and a module beside it
that replays that journal against the code of the day.

It writes files and nothing else. What could not be replayed, or not imported by a test, is refused before anything is
written, and no file is replaced unless that was asked for.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agnt5 import config
from agnt5.errors import ConfigurationError, DivergenceError
from agnt5.testing.homes import Home, home_of
from agnt5.testing.replays import assert_replays, flow_of
from agnt5.types import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnt5.journal import Journal

_AT_REST = (Status.WAITING, Status.PAUSED)


class WrittenTest(NamedTuple):
    """The files of one test. `code`: what the cells of a notebook without a known file were written to."""

    test: Path
    journal: Path
    code: Path | None

    def __str__(self) -> str:
        told = [f"wrote {_shown(self.test)}, which replays {_shown(self.journal)}"]
        if self.code is not None:
            told[0] += f" against {_shown(self.code)}"
            told.append(
                f"{_shown(self.code)} is a copy of this session's cells, for the notebook's file is not known: an "
                "edited cell is not tested until you write the test again"
            )
        return "\n".join([*told, f"run it with: pytest {_shown(self.test)}"])


def write_test(
    journal: Journal, to: str | os.PathLike[str] | None = None, *, force: bool = False, cells: Sequence[str] = ()
) -> WrittenTest:
    """Write a test that fails when the code of the journal's component asks otherwise than this run did.

    `to`: the test's file, or a directory for it [default: tests/test_<component>.py]. The journal lies beside it.
    `force`: replace files that are there. `cells`: sources of this session's cells, used when the component was defined
    in a notebook whose file is not known.

    ConfigurationError for runs that are no flows, are still at work, do not replay with the code of now, or whose
    component cannot be imported; and for files that are there.
    """
    component = flow_of(journal)
    _refuse_unfinished(journal)
    home = home_of(component, cells)
    slug = re.sub(r"\W+", "_", component.name).strip("_").lower() or "flow"
    test = _target(to, f"test_{slug}.py")
    # Named after the test, so that another test of the same component has cells of its own.
    cells_file = test.with_name(f"{test.stem.removeprefix('test_')}_cells.py") if home.copied else None
    made = WrittenTest(test, test.with_suffix(".agnt5"), cells_file)
    _refuse_there(made, force)
    try:
        assert_replays(journal, component)
    except DivergenceError as error:
        first = str(error).splitlines()[0]
        raise ConfigurationError(
            f"The code of now does not replay {journal.run_id}, so a test of it would fail from the start: {first}"
        ) from None
    test.parent.mkdir(parents=True, exist_ok=True)
    journal.save(made.journal)
    if made.code is not None:
        made.code.write_text(_CELLS.format(name=component.name) + home.copied, encoding="utf-8")
    test.write_text(_text(journal, home, made, slug), encoding="utf-8")
    return made


def _refuse_unfinished(journal: Journal) -> None:
    status = journal.status
    if status.terminal or status in _AT_REST:
        return
    raise ConfigurationError(
        f"Run {journal.run_id} is {status}: its journal is still being written. Wait until it has ended (or waits for "
        f"an event, or is paused), then make the test."
    )


def _target(to: str | os.PathLike[str] | None, name: str) -> Path:
    if to is None:
        return Path("tests") / name
    path = Path(to)
    if path.is_dir() or os.fspath(to).endswith(("/", os.sep)):
        return path / name
    if path.suffix != ".py":
        raise ConfigurationError(f"A test is a file that ends in .py, or a directory for one, not {str(path)!r}.")
    return path


def _refuse_there(made: WrittenTest, force: bool) -> None:
    for path in (made.test, made.journal, made.code):
        if path is None:
            continue
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise ConfigurationError(f"{str(path)!r} is no ordinary file; name another one.")
        if path.exists() and not force:
            raise ConfigurationError(
                f"{str(path)!r} is there already; name another file, or replace it with --force (`force=True`)."
            )


_CELLS = '"""What {name} needs, copied from the cells of the session in which its run was turned into a test."""\n\n'


class _Way(NamedTuple):
    """How a test gets its component: lines above the directory's name, below it, and in the test itself; then what
    `assert_replays` is given."""

    above: tuple[str, ...]
    below: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    given: str = ""


def _way(home: Home, code: Path | None, here: Path) -> _Way:
    if not home.module:
        file = Path(home.file) if code is None else code
        what = "its definitions; no cell is run" if file.suffix == ".ipynb" else f"defines {home.name}"
        how = "" if code is None else ", as_main=True"
        loads = f"load_app({_place(str(file), here)}{how})  # {what}"
        return _Way(("from agnt5.testing import assert_replays, load_app",), within=(loads,))
    above, imports = ("from agnt5.testing import assert_replays",), f"from {home.module} import {home.name}"
    if not home.root:
        return _Way((*above, imports), given=f", {home.name}")
    finds = f"sys.path.insert(0, str({_place(home.root, here)}))  # where {home.module} lies"
    return _Way(above, (finds, "", f"{imports}  # noqa: E402"), given=f", {home.name}")


def _text(journal: Journal, home: Home, made: WrittenTest, slug: str) -> str:
    """The test module. It holds no value of the run: those are in the journal."""
    way = _way(home, made.code, Path(os.path.realpath(made.test)).parent)
    # A question that names no model is asked of the configured one, which no test inherits.
    model = config.settings().model if journal.chats else None
    default = () if model is None else (f'monkeypatch.setenv("AGNT5_MODEL", {_quoted(model)})  # the default then',)
    checks = f"assert_replays(HERE / {_quoted(made.journal.name)}{way.given})"
    day = datetime.fromtimestamp(journal.facts.created / 1e6, UTC).date()
    lines = [
        f'"""{_plain(journal.component)} still asks what it asked in run {_plain(journal.run_id)} of {day}.',
        "",
        f"No step runs: every answer comes from {made.journal.name}. When this fails, the code asks otherwise than it",
        "did, and runs that are under way would not go on with it. The message says where.",
        '"""',
        "",
        *(["import sys"] if way.below else []),
        "from pathlib import Path",
        "",
        *way.above,
        "",
        "HERE = Path(__file__).resolve().parent",
        *way.below,
        "",
        "",
        f"def test_{slug}_replays({'monkeypatch' if default else ''}):",
        *(f"    {line}" for line in (*default, *way.within, checks)),
    ]
    return "\n".join(lines) + "\n"


def _place(path: str, here: Path) -> str:
    """Python that finds a path from where the test lies, so that the project may be moved."""
    steps = [step for step in os.path.relpath(os.path.realpath(path), here).split(os.sep) if step != os.curdir]
    up = steps.count(os.pardir)
    base = "HERE" if up == 0 else "HERE.parent" if up == 1 else f"HERE.parents[{up - 1}]"
    down = "/".join(steps[up:])
    return f"{base} / {_quoted(down)}" if down else base


def _quoted(text: str) -> str:
    return '"' + repr(text)[1:-1].replace('"', '\\"') + '"'


def _plain(text: str) -> str:
    """In a docstring nothing of a name may end it."""
    return re.sub(r'["\\]|[^\x20-\x7e]', "_", text)


def _shown(path: Path) -> str:
    found = os.path.relpath(path)
    return found if not found.startswith(os.pardir) else str(path)
