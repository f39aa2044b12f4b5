"""Exceptions as records: type, message, arguments, attributes, traceback text, cause.

Writing one never fails: what cannot be recorded of it is left out and named. Reading one calls no code of its class,
and finds classes only in modules that are loaded, in the given namespace, or among those recorded in this process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agnt5.codec import registry
from agnt5.codec.fault import Fault
from agnt5.codec.plain import MARKER, dump, load
from agnt5.codec.raw import Raw
from agnt5.codec.reader import Reader, Unknown
from agnt5.codec.rebuild import LOST, fixed_members, is_group, lost_names, original, rebuild, set_cause
from agnt5.codec.registry import Namespace
from agnt5.codec.trace import message_of, traceback_text
from agnt5.codec.writer import Writer
from agnt5.errors import RetriesExhausted, SerializationError
from agnt5.secret import mask

if TYPE_CHECKING:
    from agnt5.codec.reader import Read

_MAX_MESSAGE = 100_000
_MAX_PART = 1_000_000
"""Bytes that one argument or attribute may take; a larger one is left out."""
_MAX_CAUSES = 8
_MAX_MEMBERS = 1_000


@dataclass(frozen=True, slots=True)
class Failure:
    """A recorded failure, for display. Making one resolves no class."""

    type: str
    """`module:qualname`."""
    message: str
    traceback: str
    """"" when none was recorded."""
    attempts: int
    cause: Failure | None = None
    members: tuple[Failure, ...] = ()
    """Of an exception group."""

    @property
    def name(self) -> str:
        """The class without its module."""
        return self.type.rpartition(":")[2]


def encode_failure(exc: BaseException, *, attempts: int = 1) -> bytes:
    """The failure document of an exception that ended `attempts` tries. Never fails."""
    try:
        return _masked(dump(_document(Writer(), exc, attempts, 0)))
    except Exception as error:  # text that UTF-8 lacks, or a class that breaks the rules of attributes
        name = registry.class_name(original(type(exc)))
        message = f"{message_of(exc)} (the rest could not be recorded: {type(error).__name__})"
        return _masked(
            dump(
                {
                    "type": _utf8(name),
                    "message": _utf8(message)[:_MAX_MESSAGE],
                    "args": [_utf8(message)[:_MAX_MESSAGE]],
                    "attrs": {},
                    "traceback": _utf8(traceback_text(exc)),
                    "cause": None,
                    "attempts": attempts,
                }
            )
        )


def _masked(document: bytes) -> bytes:
    """Without credentials: errors quote what they were given. The code sees what is recorded, live as in a replay."""
    text = document.decode()
    shown = mask(text)
    return document if shown == text else shown.encode()


def decode_failure(data: bytes, *, namespace: Namespace | None = None) -> BaseException:
    """The exception of a failure document, with `.attempts`: same class, message and arguments.

    A class that cannot be found gives RetriesExhausted in its place, with `cause_type`, `cause_message` and
    `traceback_text`. Reading an attribute that could not be recorded raises an AttributeError that says so. Raises
    SerializationError when the bytes are no failure document.
    """
    try:
        return _rebuilt(Reader(namespace), _loaded(data), MARKER in data)
    except SerializationError:
        raise
    except Exception as error:
        raise SerializationError(
            f"A recorded failure cannot be read back: {type(error).__name__}: {error}. The bytes are damaged."
        ) from error


def read_failure(data: bytes) -> Failure:
    """The failure for display. SerializationError when the bytes are no failure document."""
    try:
        return _view(_loaded(data), 0)
    except SerializationError:
        raise
    except Exception as error:
        raise SerializationError(f"A recorded failure cannot be read: {type(error).__name__}: {error}.") from error


def write_error(w: Writer, exc: BaseException) -> Any:
    """An exception as a value, for example one that `gather(..., return_exceptions=True)` gave.

    Where it was raised is left out: an argument's bytes are matched in replays, which raise from other frames.
    """
    return {"~error": _document(w, exc, 0, 0, value=True)}


def _document(w: Writer, exc: BaseException, attempts: int, depth: int, value: bool = False) -> dict[str, Any]:
    cls = original(type(exc))
    registry.note(cls)
    members: list[Any] | None = None
    arguments: tuple[Any, ...] = exc.args
    if isinstance(exc, BaseExceptionGroup):
        group: BaseExceptionGroup[BaseException] = exc
        arguments = (group.message,)
        members = [_document(w, member, 0, depth + 1, value) for member in group.exceptions[:_MAX_MEMBERS]]
    w.open.add(id(exc))
    try:
        args = [_part(w, argument)[0] for argument in arguments]
        attrs: dict[str, Any] = {}
        lost = list(lost_names(exc))
        for name, held in _attributes(cls, exc).items():
            tree, complete = _part(w, held)
            if complete:
                attrs[_utf8(name)] = tree
            elif name not in lost:
                lost.append(_utf8(name))
        cause = exc.__cause__
        if cause is None and not value and not exc.__suppress_context__:
            cause = exc.__context__
        if cause is not None and (depth >= _MAX_CAUSES or id(cause) in w.open):
            cause = None
        document: dict[str, Any] = {
            "type": _utf8(registry.class_name(cls)),
            "message": _utf8(message_of(exc))[:_MAX_MESSAGE],
            "args": args,
            "attrs": attrs,
            "traceback": _utf8(traceback_text(exc)) if depth == 0 and not value else "",
            "cause": None if cause is None else _document(w, cause, 0, depth + 1, value),
            "attempts": attempts,
        }
    finally:
        w.open.discard(id(exc))
    if lost:
        document["lost"] = lost
    if members is not None:
        document["members"] = members
    return document


def _attributes(cls: type[BaseException], exc: BaseException) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, descriptor in fixed_members(cls).items():
        try:
            value = descriptor.__get__(exc, type(exc))
        except AttributeError:
            continue
        if value is not None:
            found[name] = value
    found.update(vars(exc))
    found.pop(LOST, None)
    return found


def _part(w: Writer, value: Any) -> tuple[Any, bool]:
    """The tree of an argument or attribute, and whether it is one: else a note on what it was."""
    try:
        tree = w.tree(value)
        if type(value) in (int, bool, float, type(None)) or len(dump(tree)) <= _MAX_PART:
            return tree, True
    except (Fault, RecursionError, ValueError, TypeError, RuntimeError, AttributeError):
        pass  # the note below stands in
    try:
        text = repr(value)[:200]
    except Exception:
        text = "..."
    return {"~lost": [_utf8(registry.class_name(type(value))), _utf8(text)]}, False


def _rebuilt(r: Reader, document: dict[str, Any], tagged: bool = True, depth: int = 0) -> BaseException:
    try:
        return _build(r, document, tagged, depth)
    except Unknown:
        return _stand_in(document)


def _build(r: Reader, document: dict[str, Any], tagged: bool, depth: int) -> BaseException:
    cls = _find(document["type"], r.namespace) if r.classes else None
    if cls is None:
        raise Unknown(f"the exception class {document['type']!r:.200} is not loaded in this process")
    args = _list(document["args"])
    attrs = document["attrs"]
    lost = [name for name in document.get("lost", ()) if type(name) is str]
    if tagged:
        plain = Reader(r.namespace, classes=r.classes)  # a part of an exception may stay raw, even where values may not
        args = plain.items(args)
        attrs = plain.fields(attrs)
    members: list[BaseException] | None = None
    if is_group(cls):
        members = [_rebuilt(r, member, tagged, depth + 1) for member in _list(document.get("members"))]
        if not members:
            raise Unknown("an exception group without its members")
    elif not isinstance(attrs, dict):
        raise ValueError("attributes must be an object")
    exc = rebuild(cls, tuple(args), attrs, lost, str(document["message"]), members)
    attempts = document["attempts"]
    if type(attempts) is int and attempts > 0 and "attempts" not in vars(exc):
        vars(exc)["attempts"] = attempts
    cause = document["cause"]
    if type(cause) is dict and depth < _MAX_CAUSES:
        set_cause(exc, _rebuilt(r, cause, tagged, depth + 1))
    return exc


def _find(name: Any, namespace: Namespace | None) -> type[BaseException] | None:
    if type(name) is not str:
        return None
    found = registry.find_in(name, namespace) if namespace is not None else None
    if found is None:
        found = registry.find_loaded(name)
    if found is None:
        known = registry.resolve(name, None)
        found = None if known is None else known.cls
    return found if found is not None and issubclass(found, BaseException) else None


def _stand_in(document: dict[str, Any]) -> RetriesExhausted:
    view = _view(document, 0)
    return RetriesExhausted(
        f"{view.name}: {view.message}",
        cause_type=view.type,
        cause_message=view.message,
        traceback_text=view.traceback,
        attempts=view.attempts,
    )


def _view(document: Any, depth: int) -> Failure:
    cause = document.get("cause")
    members = document.get("members") or ()
    attempts = document.get("attempts")
    deeper = depth < _MAX_CAUSES * 2
    return Failure(
        type=str(document["type"]),
        message=str(document["message"]),
        traceback=str(document.get("traceback") or ""),
        attempts=attempts if type(attempts) is int else 1,
        cause=_view(cause, depth + 1) if type(cause) is dict and deeper else None,
        members=tuple(_view(member, depth + 1) for member in members) if deeper else (),
    )


def _loaded(data: bytes) -> dict[str, Any]:
    document = load(data)
    if type(document) is not dict or "type" not in document or "message" not in document:
        raise SerializationError("A recorded failure cannot be read back: the bytes are no failure document.")
    for name, empty in (("args", []), ("attrs", {}), ("cause", None), ("attempts", 1)):
        document.setdefault(name, empty)
    return document


def _read_error(r: Reader, payload: Any) -> Any:
    if type(payload) is not dict:
        raise ValueError("no failure document")
    return _build(r, payload, True, 0)


def _read_lost(r: Reader, payload: Any) -> Raw:
    return Raw("~lost", payload)


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise ValueError("a list was expected")
    return value


def _utf8(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


READERS: dict[str, Read] = {"~error": _read_error, "~lost": _read_lost}
