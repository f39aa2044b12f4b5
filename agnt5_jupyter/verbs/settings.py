"""`components`, `status` and `config`: what this notebook knows, where its runs lie, and what is set."""

from __future__ import annotations

import dataclasses
from collections import Counter

import agnt5

from .. import show
from ..display.lists import own_components
from ..table import Table
from ..usage import Parser
from .verb import Call, Verb

_ALL = 1_000_000


def _components(call: Call) -> None:
    show.show_components()


def _status(call: Call) -> Table:
    settings = agnt5.settings()
    runs = agnt5.runs(limit=_ALL)
    counts = Counter(str(run.status) for run in runs)
    interrupted = sum(run.interrupted for run in runs)
    rows = [
        ("agnt5", agnt5.__version__),
        ("store", settings.store_directory),
        ("durability", settings.durability),
        ("model", settings.model or "none configured"),
        ("outputs", settings.outputs),
        ("components", len(own_components(agnt5.components()))),
        ("runs", ", ".join(f"{count} {status}" for status, count in counts.items()) or "none yet"),
    ]
    if interrupted:
        rows.append(("interrupted", f"{interrupted}: %agnt5 resume lets them go on"))
    return Table(("status", ""), rows)


def _takes_config(parser: Parser) -> None:
    parser.take("key", metavar="KEY", nargs="?", kind="setting", help="a setting (default: list all)")
    parser.take("value", metavar="VALUE", nargs="?", help="its value from now on")
    parser.take("--unset", action="store_true", help="back to the environment and the defaults")


def _config(call: Call) -> Table:
    settings = agnt5.settings()
    if call.key is not None and (call.value is not None or call.unset):
        settings = agnt5.configure(**{call.key: None if call.unset else call.value})
    known = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    if call.key is not None and call.key not in known:
        agnt5.configure(**{call.key: None})  # says which there are
    shown = known if call.key is None else {call.key: known[call.key]}
    return Table(("setting", "value"), shown.items())


VERBS = (
    Verb("components", "list the components that can be run", _components),
    Verb("status", "where runs lie, and how many there are", _status),
    Verb("config", "show or change settings, as in `config outputs summary`", _config, _takes_config),
)
