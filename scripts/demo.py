"""The quickstart notebook and the crash story, told in a terminal: what `make demo` runs.

It executes `notebooks/01_quickstart.ipynb` in a real kernel with a store that is thrown away, and prints each cell and
what it showed when it is done; then it runs `examples/word_atlas.py`. It writes nothing that outlives it and needs no
network.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks/01_quickstart.ipynb"
CRASH_STORY = ROOT / "examples/word_atlas.py"
# IPKernelApp's own warnings are about kernels that listen on a network; this one listens on loopback.
QUIET = ["--IPKernelApp.log_level=ERROR"]

COLOURED = sys.stdout.isatty() and "NO_COLOR" not in os.environ
WIDTH = min(shutil.get_terminal_size((100, 24)).columns, 120)
BOLD, DIM, BLUE = "1", "2", "34"


def paint(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m" if COLOURED and text else text


def prose(source: str) -> Iterator[str]:
    """Markdown as text: a heading stands out, paragraphs are wrapped, links keep their words."""
    for number, block in enumerate(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", source).split("\n\n")):
        if number:
            yield ""
        for line in block.splitlines():
            if line.startswith("#"):
                yield paint(line.lstrip("# "), BOLD)
            else:
                yield from textwrap.wrap(line, WIDTH, subsequent_indent="  " if line.startswith("- ") else "")


def shown(outputs: list[Any]) -> Iterator[str]:
    """What a cell showed, as lines that fit."""
    for output in outputs:
        if output.output_type == "stream":
            text = output.text
        else:
            text = output.get("data", {}).get("text/plain", "")
        for line in text.rstrip("\n").splitlines():
            yield line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def tell(cell: Any, **_: Any) -> None:
    """Print a cell that has been executed."""
    for line in cell.source.splitlines():
        print(paint(f"  │ {line}".rstrip(), BLUE))
    for line in shown(cell.outputs):
        print(line)
    print(flush=True)


def quickstart() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)

    def begin(cell: Any, **_: Any) -> None:
        if cell.cell_type == "markdown":
            print("\n".join(prose(cell.source)), end="\n\n", flush=True)

    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=120,
        extra_arguments=QUIET,
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
        on_cell_start=begin,
        on_cell_executed=tell,
    )
    try:
        client.execute()
    except CellExecutionError as error:
        sys.exit(f"a cell of {NOTEBOOK.name} failed:\n{error}")


def rule(title: str) -> None:
    print(paint(f"\n── {title} ".ljust(WIDTH, "─"), DIM), flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="agnt5-demo-") as home:
        # Jupyter names the notebook in the same way; its store is called after it.
        os.environ |= {"AGNT5_HOME": f"{home}/.agnt5", "JPY_SESSION_NAME": NOTEBOOK.name}
        rule(f"notebooks/{NOTEBOOK.name}")
        quickstart()
    del os.environ["JPY_SESSION_NAME"]
    rule("examples/word_atlas.py: a process is killed, its flow goes on")
    sys.exit(subprocess.call([sys.executable, str(CRASH_STORY)]))


if __name__ == "__main__":
    main()
