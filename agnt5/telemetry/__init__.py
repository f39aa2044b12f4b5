"""Reports to OpenTelemetry: spans out of journals when runs end, metrics while steps run.

It speaks to OpenTelemetry's API only, so nothing leaves the process unless the user has configured an SDK. A report
must never change a run, and nothing that was recorded is reported again by a replay.
"""

from __future__ import annotations

from agnt5.telemetry.observer import Observer, flush

__all__ = ["Observer", "flush"]
