"""Options that several commands share, written once."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import click

from .stores import Choice

_LAST = re.compile(r"-\d+")
# No argument can hold it.
_HIDING = "\0"


class RunCommand(click.Command):
    """A command whose IDs may be -1: click would take that for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        takers = {name for p in self.params if isinstance(p, click.Option) and not p.is_flag for name in p.opts}
        hidden = [
            f"{_HIDING}{one}" if _LAST.fullmatch(one) and (i == 0 or args[i - 1] not in takers) else one
            for i, one in enumerate(args)
        ]
        rest = super().parse_args(ctx, hidden)
        for name, value in ctx.params.items():
            if isinstance(value, str):
                ctx.params[name] = value.removeprefix(_HIDING)
        return [one.removeprefix(_HIDING) for one in rest]


def of_store(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --home and --store; the command receives them as one `choice`."""

    @click.option(
        "--home", metavar="DIR", help="Directory of the stores [default: AGNT5_HOME, else the nearest .agnt5]"
    )
    @click.option("--store", metavar="NAME", envvar="AGNT5_STORE", help="One store of the home [default: all of them]")
    @functools.wraps(command)
    def with_choice(*, home: str | None, store: str | None, **rest: Any) -> Any:
        return command(choice=Choice(home, store), **rest)

    return with_choice


as_json_option = click.option("--json", "json_", is_flag=True, help="Print JSON for programs")

app_option = click.option(
    "--app",
    metavar="APP",
    envvar="AGNT5_APP",
    help="The code: a module, file.py or notebook.ipynb [default: AGNT5_APP]",
)
