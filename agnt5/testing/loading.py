"""`load_app`: the user's code for a test, as `--app` loads it for the command line."""

from __future__ import annotations

import os
from pathlib import Path


def load_app(app: str | os.PathLike[str], *, as_main: bool = False) -> None:
    """Import `package.module`, `file.py` or `notebook.ipynb`; its components are registered for this test.

    Of a notebook only the definitions are executed, as the module `__main__`: no cell is run. `as_main`: a file of
    copied cells as that module too. ConfigurationError names what is missing.
    """
    from agnt5.cli.usercode import load_app as load
    from agnt5.cli.usercode import load_as_main

    if as_main:
        load_as_main(Path(app))
    else:
        load(os.fspath(app))
