"""`agnt5 doctor`: what is installed, whether this platform is supported, and how each store is."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import click

from .. import __version__, config
from ..errors import AGNT5Error
from .options import as_json_option, of_store
from .stores import Choice, open_reader
from .text import as_json, colour, shown, size

PLATFORMS = {
    "Linux": "supported",
    "Darwin": "supported",
    "Windows": "not supported yet: locks and sockets of the store are POSIX; WSL works",
}
DURABILITY = {
    "full": "committed data survives a crash of the process and, if the disk honours flush, power loss",
    "process": "committed data survives a crash of the process; a power loss may take the last commits",
}
# A lock or a shared-memory file on a network is not what SQLite's WAL needs.
NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs", "lustre"}


@click.command()
@of_store
@as_json_option
def doctor(choice: Choice, json_: bool) -> None:
    """Check the installation and the stores: versions, platform, owners, health, durability."""
    report = examine(choice)
    click.echo(as_json(report) if json_ else "\n".join(render(report)))
    if report["problems"]:
        raise AGNT5Error(f"{len(report['problems'])} of these checks failed: {'; '.join(report['problems'])}")


def examine(choice: Choice) -> dict[str, Any]:
    """Everything the command shows, as JSON."""
    report: dict[str, Any] = {"versions": versions(), "platform": support(), "home": str(choice.root()), "stores": []}
    problems: list[str] = []
    try:
        report["durability"] = config.settings().durability
    except AGNT5Error as error:
        problems.append(str(error))
    core = report["versions"]["core"]
    if core not in (None, __version__):
        problems.append(f"agnt5 {__version__} has the core of {core}: reinstall agnt5, or `make setup` in a checkout")
    if core is None:
        problems.append("the compiled core is missing (reinstall agnt5, or `make setup` in a checkout)")
    elif not report["platform"]["supported"]:
        problems.append(f"{platform.system()} is not supported yet")
    else:
        for directory in choice.stores():
            report["stores"].append(state := store_state(directory))
            problems += [f"{directory.name}: {problem}" for problem in state["problems"]]
    return report | {"problems": problems}


def versions() -> dict[str, str | None]:
    """Versions of what a bug report should name; None where it is missing."""
    python = f"{platform.python_version()} ({platform.python_implementation()})"
    found: dict[str, str | None] = {"agnt5": __version__, "python": python}
    try:
        from .. import _core
    except ImportError:
        return found | {"core": None, "sqlite": None}
    return found | {"core": _core.__version__, "sqlite": _core.sqlite_version}


def support() -> dict[str, Any]:
    """This platform, and whether stores work on it."""
    verdict = PLATFORMS.get(platform.system(), "not tried: no one has reported on it")
    name = f"{platform.system()} {platform.release()} {platform.machine()}"
    return {"name": name, "supported": verdict == "supported", "verdict": verdict}


def store_state(directory: Path) -> dict[str, Any]:
    """One store: owner, health, size and the file system below it."""
    state: dict[str, Any] = {"name": directory.name, "directory": str(directory), "problems": []}
    state["file_system"] = kind = file_system(directory)
    if kind in NETWORK:
        state["problems"].append(f"lies on a network file system ({kind}): use a local disk")
    try:
        reader = open_reader(directory)
        state["owner"] = json.loads(reader.owner() or "null")
        state["health"] = health = json.loads(reader.health())
    except AGNT5Error as error:
        state["problems"].append(str(error))
        return state
    check = health.get("quick_check", "ok")
    if check != "ok":
        state["problems"].append(f"the database is damaged: {check}")
    return state


def file_system(directory: Path) -> str | None:
    """The type of the file system that holds the directory, where the system tells (Linux)."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    real = directory.resolve()
    best = ("", "")
    for mount in mounts:
        _, point, kind, *_ = mount.split(" ")
        point = point.replace("\\040", " ")
        if real.is_relative_to(point) and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1] or None


def render(report: dict[str, Any]) -> list[str]:
    """The report as lines for a person."""
    lines = [colour("versions", "bold")]
    lines += [f"  {name:<12} {value or 'missing'}" for name, value in report["versions"].items()]
    lines += [colour("platform", "bold"), f"  {report['platform']['name']}: {report['platform']['verdict']}"]
    lines += [f"  {name:<12} {verdict}" for name, verdict in PLATFORMS.items()]
    lines += [colour("home", "bold"), f"  {shown(report['home'])}"]
    if durability := report.get("durability"):
        lines += [colour("durability of new runs", "bold"), f"  {durability}: {DURABILITY[durability]}"]
    for store in report["stores"]:
        lines += [colour(f"store {shown(store['name'])}", "bold")]
        lines += [f"  {name:<16} {shown(value)}" for name, value in store_facts(store) if value]
    if not report["stores"]:
        lines.append("  no store yet: nothing has been run here")
    lines += [f"{colour('problem', 'failed')} {shown(problem)}" for problem in report["problems"]]
    return lines if report["problems"] else [*lines, colour("all is well", "completed")]


def store_facts(store: dict[str, Any]) -> list[tuple[str, str]]:
    """The facts of one store as name and text."""
    owner, health = store.get("owner"), store.get("health", {})
    owned = f"process {owner['pid']}" + (" (this one)" if owner["pid"] == os.getpid() else "") if owner else "nobody"
    facts = [("owner", owned), ("file system", store["file_system"] or "unknown")]
    for name, value in health.items():
        text = size(value) if isinstance(value, int) and ("size" in name or "bytes" in name) else str(value)
        facts.append((name.replace("_", " "), text))
    return facts
