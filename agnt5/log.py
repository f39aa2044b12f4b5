"""Logging of the package: stdlib logging to standard error, in lines or in JSON, with credentials masked.

Importing it configures nothing; only `setup_logging` does. Text is masked when it is formatted, never in the record,
which other handlers may still need.
"""

from __future__ import annotations

import datetime
import json as _json
import logging
import sys
from typing import Any, TextIO

from agnt5.config import LOG_LEVELS, settings
from agnt5.errors import ConfigurationError
from agnt5.secret import mask

logger = logging.getLogger("agnt5")
"""The package's logger; modules use children of it or this one."""

# What every LogRecord has; anything else came in by `extra=`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LineFormatter(logging.Formatter):
    """`12:00:00 INFO agnt5: text`, masked."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, then what `extra=` gave; masked."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        fields: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": mask(record.getMessage()),
        }
        fields.update((name, value) for name, value in vars(record).items() if name not in _STANDARD)
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return mask(_json.dumps(fields, default=str, ensure_ascii=False))


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to whatever `sys.stderr` is now: notebooks and test runners replace it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # pyright: ignore[reportIncompatibleVariableOverride]
        return sys.stderr


def setup_logging(level: str | int | None = None, json: bool = False) -> None:
    """Show the package's log on standard error; calling it again changes level and form, never doubles the lines.

    `level` is a name in any case or a number; without it `AGNT5_LOG_LEVEL` decides, then INFO. It applies to loggers
    below `agnt5`; others keep theirs, and their records are shown from WARNING on.
    """
    chosen = parse_level(level) if level is not None else _configured_level()
    root = logging.getLogger()
    ours = [handler for handler in root.handlers if isinstance(handler, _Handler)]
    handler = ours[0] if ours else _Handler()
    handler.setFormatter(JsonFormatter() if json else LineFormatter())
    if not ours:
        root.addHandler(handler)
    logger.setLevel(chosen)


def parse_level(level: str | int, name: str = "level") -> int:
    """The number of a level. ConfigurationError names the levels there are."""
    if isinstance(level, int) and not isinstance(level, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
        return level
    text = str(level).strip().upper()
    if text not in LOG_LEVELS:
        raise ConfigurationError(f"{name} must be one of {', '.join(LOG_LEVELS)}, not {level!r}.")
    return getattr(logging, text)


def _configured_level() -> int:
    return parse_level(settings().log_level)
