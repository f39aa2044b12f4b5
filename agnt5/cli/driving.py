"""This process at work on one store: the user's code is loaded, and runs are driven here when nobody else does."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ConfigurationError
from .text import shown

if TYPE_CHECKING:
    from ..run import Run


@contextlib.contextmanager
def at_work(home: Path, directory: Path, app: str | None) -> Generator[None]:
    """The library configured for this store, with the code of `app`. Runs that are interrupted stay so."""
    import agnt5

    from ..runtime import close_runtime
    from .usercode import load_app

    agnt5.configure(home=home, store=directory.name, recover="ask")
    if app is not None:
        load_app(app)
    try:
        yield
    finally:
        close_runtime()


def need_code(directory: Path, components: Iterable[str]) -> ConfigurationError:
    """The error for a run that would be driven here without its code."""
    names = ", ".join(sorted(set(components)))
    return ConfigurationError(
        f"nobody owns the store {directory.name}, so {names} must be driven here: name the code with --app module, "
        "file.py or notebook.ipynb (or AGNT5_APP)"
    )


def told_result(run: Run) -> str:
    """Drive a run to its end and tell it in a line. Raises what it failed with."""
    click.echo(f"driving {run.id} here", err=True)
    return f"{run.id} completed: {shown(repr(run.result()))[:200]}"


def value_of(text: str) -> Any:
    """JSON, or the text itself when it is none."""
    with contextlib.suppress(ValueError):
        return json.loads(text)
    return text


def pair(text: str, option: str) -> tuple[str, str]:
    """`NAME=VALUE`, split."""
    name, found, value = text.partition("=")
    if not found or not name:
        raise click.UsageError(f"{option} takes NAME=VALUE, not {text!r}")
    return name, value
