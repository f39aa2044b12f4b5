"""Settings: what `configure` was told, else what the environment says, else the defaults.

It reads the environment and looks for the home directory; it creates nothing, opens nothing, and never guesses past a
bad value.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agnt5.errors import ConfigurationError
from agnt5.notebook import notebook_name, under_ipython

HOME_NAME: Final = ".agnt5"
DURABILITY: Final = ("full", "process")
RECOVER: Final = ("auto", "ask")
REDACT: Final = ("mask", "refuse")
OUTPUTS: Final = ("full", "summary")
LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
STORE_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, as it is in force now."""

    home: Path
    """Directory of all stores; absolute. It may not exist yet."""
    store: str
    """Name of the store: a directory in `home`."""
    runtime: Any = None
    """Where runs execute: None in this process, else an address or a RuntimeConfig."""
    model: str | None = None
    """`provider/name` for agents that name none."""
    durability: str = "full"
    """"full": each commit reaches the disk; "process": a power loss may take the last commits."""
    max_concurrency: int = 1000
    """Runs driven at the same time."""
    max_payload: int = 268_435_456
    """Bytes that one recorded value may have."""
    recover: str = "auto"
    """Interrupted runs resume by themselves ("auto") or wait for `resume` ("ask")."""
    redact: str = "mask"
    """Credentials found in values: masked where they are shown, or the step is refused."""
    outputs: str = "full"
    """What displays in notebooks show: "full", or "summary": names, times and counts, no prompts and no values."""
    log_level: str = "INFO"
    service_name: str = "agnt5"
    service_version: str = ""
    dev_mode: bool = False
    hot_reload: bool = False
    trace_enabled: bool = False
    metrics_enabled: bool = False
    trace_content: bool = False
    """Spans tell what people and models wrote, credentials masked."""

    @property
    def store_directory(self) -> Path:
        return store_directory(self.home, self.store)


# The runtime reads these when it opens; changing them afterwards would change nothing, silently.
ENGINE_SETTINGS: Final = frozenset(
    {"trace_enabled", "metrics_enabled", "trace_content"}
    | {"home", "store", "runtime", "durability", "max_concurrency", "max_payload", "recover", "redact"}
)

_VARIABLES: Final[Mapping[str, str]] = {
    "store": "AGNT5_STORE",
    "runtime": "AGNT5_RUNTIME_ENDPOINT",
    "model": "AGNT5_MODEL",
    "durability": "AGNT5_DURABILITY",
    "max_concurrency": "AGNT5_MAX_CONCURRENCY",
    "max_payload": "AGNT5_MAX_PAYLOAD",
    "recover": "AGNT5_RECOVER",
    "redact": "AGNT5_REDACT",
    "outputs": "AGNT5_OUTPUTS",
    "log_level": "AGNT5_LOG_LEVEL",
    "service_name": "AGNT5_SERVICE_NAME",
    "service_version": "AGNT5_SERVICE_VERSION",
    "dev_mode": "AGNT5_DEV_MODE",
    "hot_reload": "AGNT5_HOT_RELOAD",
    "trace_enabled": "AGNT5_TRACE_ENABLED",
    "metrics_enabled": "AGNT5_METRICS_ENABLED",
    "trace_content": "AGNT5_TRACE_CONTENT",
}
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "durability": DURABILITY,
    "recover": RECOVER,
    "redact": REDACT,
    "outputs": OUTPUTS,
}
_NAMES: Final = tuple(field.name for field in dataclasses.fields(Settings))

_lock = threading.RLock()
_explicit: dict[str, Any] = {}
_holds: dict[object, str] = {}


def configure(**settings_to_change: Any) -> Settings:
    """Set what is named, keep the rest, and return what is in force. See `Settings` for the names.

    None gives a setting back to the environment and the defaults. ConfigurationError for an unknown name or a bad
    value (then nothing changes), and for settings the runtime has read already once it is open.
    """
    with _lock:
        wanted = dict(_explicit)
        for name, value in settings_to_change.items():
            if name not in _NAMES:
                raise ConfigurationError(f"configure() has no setting {name!r}. There are: {', '.join(_NAMES)}.")
            wanted.pop(name, None)
            if value is not None:
                wanted[name] = _checked(name, value, f"configure({name}=)")
        after = _resolve(wanted)
        if _holds:
            _refuse_engine_changes(settings_to_change, _resolve(_explicit), after)
        _explicit.clear()
        _explicit.update(wanted)
        return after


def settings() -> Settings:
    """What is in force now. Reads the environment anew: hold on to the result where it matters."""
    with _lock:
        return _resolve(_explicit)


def reset() -> None:
    """Forget everything `configure` was told. For tests; the runtime must be closed."""
    with _lock:
        _explicit.clear()
        _holds.clear()


def hold(reason: str) -> Callable[[], None]:
    """The runtime calls this when it opens: until the returned function is called, engine settings cannot change.

    `reason` completes "cannot change ... because", for example "a runtime is open on the store default".
    """
    token = object()
    with _lock:
        _holds[token] = reason

    def release() -> None:
        with _lock:
            _holds.pop(token, None)

    return release


def find_home(home: str | os.PathLike[str] | None = None) -> Path:
    """The home directory: `home` if given, else AGNT5_HOME, else the nearest `.agnt5` upward, else `./.agnt5`."""
    given = home if home is not None else os.environ.get("AGNT5_HOME") or None
    if given is not None:
        return Path(os.path.abspath(os.path.expanduser(given)))
    here = Path.cwd()
    for directory in (here, *here.parents):
        if (directory / HOME_NAME).is_dir():
            return directory / HOME_NAME
    return here / HOME_NAME


def store_directory(home: Path, store: str) -> Path:
    """Where a store of this name lies. ConfigurationError for a name that would leave the home."""
    return home / _store_name(store, "store")


def _resolve(explicit: Mapping[str, Any]) -> Settings:
    found: dict[str, Any] = {"recover": "ask" if under_ipython() else "auto"}
    for name, variable in _VARIABLES.items():
        text = os.environ.get(variable, "")
        if text and name not in explicit:
            found[name] = _checked(name, text, variable)
    found.update(explicit)
    found["home"] = find_home(explicit.get("home"))
    if "store" not in found:
        found["store"] = notebook_name() or "default"
    return Settings(**found)


def _refuse_engine_changes(asked: Mapping[str, Any], before: Settings, after: Settings) -> None:
    changed = [n for n in asked if n in ENGINE_SETTINGS and getattr(before, n) != getattr(after, n)]
    if changed:
        raise ConfigurationError(
            f"Cannot change {', '.join(changed)} because {next(iter(_holds.values()))}. Call configure() before the "
            f"first run starts, or close the runtime first."
        )


def _checked(name: str, value: Any, source: str) -> Any:
    if name == "home":
        return _home(value, source)
    if name == "store":
        return _store_name(value, source)
    if name == "runtime":
        return _runtime(value, source)
    if name == "model":
        return _model(value, source)
    if name in _CHOICES:
        return _choice(value, source, _CHOICES[name])
    if name == "log_level":
        upper = value.strip().upper() if isinstance(value, str) else value
        return upper if upper in LOG_LEVELS else _choice(value, source, LOG_LEVELS)
    if name in ("max_concurrency", "max_payload"):
        return _count(value, source)
    if name in ("dev_mode", "hot_reload", "trace_enabled", "metrics_enabled", "trace_content"):
        return _switch(value, source)
    if not isinstance(value, str):
        raise ConfigurationError(f"{source} must be text, not {value!r}.")
    return value


def _home(value: Any, source: str) -> str:
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise ConfigurationError(f"{source} must be the path of a directory, not {value!r}.")
    path: str = os.fsdecode(os.fspath(value))  # pyright: ignore[reportUnknownArgumentType]
    return os.path.abspath(os.path.expanduser(path))


def _store_name(value: Any, source: str) -> str:
    if isinstance(value, str) and 0 < len(value) <= 100 and STORE_CHARACTERS.issuperset(value) and value[0] != ".":
        return value
    raise ConfigurationError(
        f"{source} must be a name of letters, digits, '.', '_' and '-' (at most 100, not starting with a dot), "
        f"not {value!r}. The directory goes into `home`."
    )


def _model(value: Any, source: str) -> str:
    """Which providers there are is known to `agnt5.llm`, when the model is first asked."""
    if isinstance(value, str) and all(value.partition("/")):
        return value
    raise ConfigurationError(f"{source} must be 'provider/name', as in 'openai/gpt-5-mini', not {value!r}.")


def _runtime(value: Any, source: str) -> Any:
    if isinstance(value, str):
        if not value.startswith(("http://", "https://", "grpc://", "grpcs://")) and value != "embedded":
            raise ConfigurationError(
                f"{source} must be an address like http://localhost:8081, or 'embedded', not {value!r}."
            )
        return None if value == "embedded" else value
    if not isinstance(getattr(value, "runtime_endpoint", None), str):
        raise ConfigurationError(f"{source} must be an address or a RuntimeConfig, not {value!r}.")
    return value


def _choice(value: Any, source: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ConfigurationError(f"{source} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def _count(value: Any, source: str) -> int:
    number = value
    if isinstance(value, str) and value.strip().isdecimal():
        number = int(value)
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number < 2**31:
        raise ConfigurationError(f"{source} must be a whole number from 1, not {value!r}.")
    return number


def _switch(value: Any, source: str) -> bool:
    if isinstance(value, bool):
        return value
    text = value.strip().lower() if isinstance(value, str) else None
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise ConfigurationError(f"{source} must be one of true, false, 1, 0, yes, no, on, off, not {value!r}.")
