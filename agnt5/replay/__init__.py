"""Time travel: step through a run, fork it, rerun what changed, compare runs, check changed code.

Everything here reads journals or starts new runs; a recorded run is never changed.
"""

from agnt5.replay.rerun import why_not

__all__ = ["why_not"]
