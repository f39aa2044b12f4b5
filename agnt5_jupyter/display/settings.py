"""Whether what is saved may hold prompts and values."""

from __future__ import annotations

import agnt5


def values_saved() -> bool:
    """Whether static pages show values: `outputs` is "full". Panels show them in any case: no file keeps a message."""
    return agnt5.settings().outputs == "full"
