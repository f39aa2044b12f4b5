"""Values of the standard library: bytes, numbers, times, identifiers, paths and containers.

Each comes back as its exact class, or is refused. Subclasses are other kinds: none is taken for its base here.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
import zoneinfo
from base64 import b64decode, b64encode
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from fractions import Fraction
from pathlib import PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import TYPE_CHECKING, Any

from agnt5.codec.fault import Fault
from agnt5.codec.reader import read_pairs
from agnt5.codec.writer import write_pairs

if TYPE_CHECKING:
    from agnt5.codec.reader import Read, Reader
    from agnt5.codec.writer import Write, Writer

_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
_FACTORIES: dict[str, type] = {cls.__name__: cls for cls in (list, dict, set, int, float, str, tuple, bool, deque)}
_PATHS: dict[str, type[PurePath]] = {
    cls.__name__: cls for cls in (PosixPath, WindowsPath, PurePosixPath, PureWindowsPath)
}


def base64_of(data: bytes | bytearray | memoryview) -> str:
    return b64encode(data).decode("ascii")


def bytes_of(payload: Any) -> bytes:
    return b64decode(payload, validate=True)


def _bytes(w: Writer, value: bytes) -> Any:
    return {"~bytes": base64_of(value)}


def _bytearray(w: Writer, value: bytearray) -> Any:
    return {"~bytearray": base64_of(value)}


def _complex(w: Writer, value: complex) -> Any:
    return {"~complex": [w.tree(value.real), w.tree(value.imag)]}


def _read_complex(r: Reader, payload: Any) -> complex:
    real, imag = payload
    return complex(float(r.value(real)), float(r.value(imag)))


def _decimal(w: Writer, value: Decimal) -> Any:
    return {"~decimal": str(value)}


def _fraction(w: Writer, value: Fraction) -> Any:
    return {"~fraction": [w.tree(value.numerator), w.tree(value.denominator)]}


def zone_of(zone: dt.tzinfo | None) -> Any:
    """None, the key of a zone, or [microseconds] and perhaps the name of a fixed offset."""
    if zone is None:
        return None
    if type(zone) is zoneinfo.ZoneInfo:
        if zone.key is None or not _ZONE.fullmatch(zone.key):
            raise Fault("its ZoneInfo has no key to find it again; make it with ZoneInfo('Area/City').")
        return zone.key
    if type(zone) is dt.timezone:
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
        return [_microseconds(offset), *name]
    raise Fault(
        f"its time zone is a {type(zone).__module__}.{type(zone).__qualname__}; use zoneinfo.ZoneInfo or "
        f"datetime.timezone."
    )


def read_zone(payload: Any) -> dt.tzinfo | None:
    if payload is None:
        return None
    if isinstance(payload, str):
        if not _ZONE.fullmatch(payload):
            raise ValueError("no name of a time zone")
        return zoneinfo.ZoneInfo(payload)
    offset, *name = payload
    return dt.timezone(dt.timedelta(microseconds=offset), *name) if name or offset else dt.UTC


def _microseconds(delta: dt.timedelta) -> int:
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def _datetime(w: Writer, value: dt.datetime) -> Any:
    parts = [value.replace(tzinfo=None, fold=0).isoformat(), zone_of(value.tzinfo)]
    return {"~datetime": [*parts, 1] if value.fold else parts}


def _read_datetime(r: Reader, payload: Any) -> dt.datetime:
    text, zone, *fold = payload
    return dt.datetime.fromisoformat(text).replace(tzinfo=read_zone(zone), fold=fold[0] if fold else 0)


def _time(w: Writer, value: dt.time) -> Any:
    parts = [value.replace(tzinfo=None, fold=0).isoformat(), zone_of(value.tzinfo)]
    return {"~time": [*parts, 1] if value.fold else parts}


def _read_time(r: Reader, payload: Any) -> dt.time:
    text, zone, *fold = payload
    return dt.time.fromisoformat(text).replace(tzinfo=read_zone(zone), fold=fold[0] if fold else 0)


def _timedelta(w: Writer, value: dt.timedelta) -> Any:
    return {"~timedelta": [value.days, value.seconds, value.microseconds]}


def _read_timedelta(r: Reader, payload: Any) -> dt.timedelta:
    days, seconds, microseconds = payload
    return dt.timedelta(days, seconds, microseconds)


def _path(w: Writer, value: PurePath) -> Any:
    return {"~path": [type(value).__name__, w.tree(str(value))]}


def _read_path(r: Reader, payload: Any) -> PurePath:
    kind, text = payload
    return _PATHS[kind](r.value(text))


def _deque(w: Writer, value: deque[Any]) -> Any:
    return {"~deque": [value.maxlen, w.items(value)]}


def _read_deque(r: Reader, payload: Any) -> deque[Any]:
    limit, items = payload
    return deque(r.items(items), limit)


def _ordered(w: Writer, value: OrderedDict[Any, Any]) -> Any:
    return {"~ordereddict": write_pairs(w, value)}


def _counter(w: Writer, value: Counter[Any]) -> Any:
    return {"~counter": write_pairs(w, value)}


def _read_counter(r: Reader, payload: Any) -> Counter[Any]:
    made: Counter[Any] = Counter()
    dict.update(made, read_pairs(r, payload))  # Counter.update would add numbers
    return made


def _defaultdict(w: Writer, value: defaultdict[Any, Any]) -> Any:
    factory: Any = value.default_factory
    name = None if factory is None else getattr(factory, "__name__", "")
    if name is not None and _FACTORIES.get(name) is not factory:
        raise Fault("its default_factory is no built-in class; record dict(value).")
    return {"~defaultdict": [name, write_pairs(w, value)]}


def _read_defaultdict(r: Reader, payload: Any) -> defaultdict[Any, Any]:
    name, pairs = payload
    return defaultdict(None if name is None else _FACTORIES[name], read_pairs(r, pairs))


def _read_range(r: Reader, payload: Any) -> range:
    start, stop, step = r.items(payload)
    return range(start, stop, step)


WRITERS: dict[type, Write] = {
    bytes: _bytes,
    bytearray: _bytearray,
    complex: _complex,
    Decimal: _decimal,
    Fraction: _fraction,
    dt.datetime: _datetime,
    dt.date: lambda w, value: {"~date": value.isoformat()},
    dt.time: _time,
    dt.timedelta: _timedelta,
    dt.timezone: lambda w, value: {"~zone": zone_of(value)},
    zoneinfo.ZoneInfo: lambda w, value: {"~zone": zone_of(value)},
    uuid.UUID: lambda w, value: {"~uuid": str(value)},
    **dict.fromkeys(_PATHS.values(), _path),
    deque: _deque,
    OrderedDict: _ordered,
    Counter: _counter,
    defaultdict: _defaultdict,
    range: lambda w, value: {"~range": w.items([value.start, value.stop, value.step])},
}

READERS: dict[str, Read] = {
    "~bytes": lambda r, payload: bytes_of(payload),
    "~bytearray": lambda r, payload: bytearray(bytes_of(payload)),
    "~complex": _read_complex,
    "~decimal": lambda r, payload: Decimal(payload),
    "~fraction": lambda r, payload: Fraction(*r.items(payload)),
    "~datetime": _read_datetime,
    "~date": lambda r, payload: dt.date.fromisoformat(payload),
    "~time": _read_time,
    "~timedelta": _read_timedelta,
    "~zone": lambda r, payload: read_zone(payload),
    "~uuid": lambda r, payload: uuid.UUID(payload),
    "~path": _read_path,
    "~deque": _read_deque,
    "~ordereddict": lambda r, payload: OrderedDict(read_pairs(r, payload)),
    "~counter": _read_counter,
    "~defaultdict": _read_defaultdict,
    "~range": _read_range,
}
