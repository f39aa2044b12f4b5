"""The ipykernels that the extension is tried on, each in a directory of its own that comes before what is installed.

They route output and messages in different ways. A directory is made once and kept between sessions.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = version("ipykernel")
# The last of the sixes, a seven that patches the loop with nest-asyncio2, and what is installed.
VERSIONS = list(dict.fromkeys(["6.31.0", "7.3.0", HERE]))
# The oldest IPython that is supported, with the oldest kernel.
OLD = {"6.31.0": ["ipython==8.18.1", "decorator==5.2.1"]}
# What an older kernel needs beside the packages that are installed, and what users apply to their loop.
BESIDE = ["nest-asyncio==1.6.0", f"nest-asyncio2=={version('nest-asyncio2')}"]


def equipped(kernel: str) -> Path:
    """The directory with this ipykernel. CalledProcessError when it cannot be installed."""
    home = ROOT / "target" / "kernels" / kernel
    done = home / "equipped"
    wanted = " ".join([f"ipykernel=={kernel}", *BESIDE, *OLD.get(kernel, [])])
    if not done.exists() or done.read_text() != wanted:
        shutil.rmtree(home, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--target", str(home), *wanted.split()], check=True, capture_output=True, text=True)
        done.write_text(wanted)
    return home
