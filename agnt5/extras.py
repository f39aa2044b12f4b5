"""Optional packages: whether one is there, and how to get it. It imports none of them."""

from __future__ import annotations

from importlib.util import find_spec

from agnt5.errors import ConfigurationError


def has_telemetry() -> bool:
    """Whether OpenTelemetry's API is installed."""
    try:
        return find_spec("opentelemetry.trace") is not None and find_spec("opentelemetry.metrics") is not None
    except ModuleNotFoundError:
        return False


def require_telemetry(wish: str) -> None:
    """ConfigurationError when `wish` (a setting, as people write it) asks for reports and the package is missing."""
    if not has_telemetry():
        raise ConfigurationError(
            f'{wish} reports to OpenTelemetry, which is not installed: pip install "agnt5[telemetry]". Or leave it out.'
        )
