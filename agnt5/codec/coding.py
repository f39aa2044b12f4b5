"""encode and decode: the fast path when JSON suffices, the tagging pass when it does not.

This file decides between the two and turns every fault into a SerializationError; what values look like is elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agnt5.codec import registry
from agnt5.codec.fault import Fault, key_segment
from agnt5.codec.plain import MARKER, MAX_BYTES, dump, is_plain, is_plain_call, load
from agnt5.codec.reader import Reader
from agnt5.codec.registry import Namespace
from agnt5.codec.writer import WRITERS, Writer, too_deep
from agnt5.errors import SerializationError


def encode(value: Any, *, root: str = "value", limit: int = MAX_BYTES) -> bytes:
    """The canonical bytes of a value.

    Raises SerializationError, whose `path` starts with `root`, when the value would not come back exactly, contains
    itself, is nested too deep, or takes more than `limit` bytes.
    """
    if is_plain(value):
        try:
            data = dump(value)
        except UnicodeEncodeError:  # a lone surrogate
            return _encode_tagged(value, root, limit)
        if MARKER not in data and len(data) <= limit:
            return data
    return _encode_tagged(value, root, limit)


def decode(
    data: bytes,
    *,
    namespace: Namespace | None = None,
    strict: bool = False,
    classes: bool = True,
    root: str = "value",
) -> Any:
    """The value of bytes made by `encode`.

    Classes come from `namespace` (a mapping of globals, if given), then from the registry. What neither knows becomes a
    `Raw` view, or a SerializationError when `strict`. Without `classes` none is looked up and every instance is a Raw
    view: for bytes that a stranger wrote. Damaged bytes raise SerializationError.
    """
    try:
        node = load(data)
        if MARKER in data:
            return Reader(namespace, strict, classes).value(node)
        return node
    except SerializationError:
        raise
    except Exception as error:
        raise _unreadable(root, error) from error


def encode_call(args: tuple[Any, ...], kwargs: dict[str, Any], *, root: str = "input", limit: int = MAX_BYTES) -> bytes:
    """The bytes of the arguments of a call: `[[args...], {kwargs}]`."""
    if is_plain_call(args, kwargs):
        try:
            data = dump((args, kwargs))
        except UnicodeEncodeError:
            return _encode_call_tagged(args, kwargs, root, limit)
        if MARKER not in data and len(data) <= limit:
            return data
    return _encode_call_tagged(args, kwargs, root, limit)


def decode_call(
    data: bytes,
    *,
    namespace: Namespace | None = None,
    strict: bool = False,
    classes: bool = True,
    root: str = "input",
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of bytes made by `encode_call`; as `decode` otherwise."""
    try:
        args, kwargs = load(data)
        if type(args) is not list or type(kwargs) is not dict:
            raise ValueError("not the arguments of a call")
        if MARKER in data:
            reader = Reader(namespace, strict, classes)
            return tuple(reader.items(args)), reader.fields(kwargs)
        return tuple(args), kwargs
    except SerializationError:
        raise
    except Exception as error:
        raise _unreadable(root, error) from error


def register_type(
    cls: type,
    encode: Callable[[Any], Any] | None = None,
    decode: Callable[[Any], Any] | None = None,
    name: str | None = None,
) -> None:
    """Teach the codec a class.

    `encode(value)` gives anything the codec knows, `decode(that)` gives the value back; both must be pure. Without them
    the attributes are recorded (and, for a subclass of str, int, list and the like, the plain value), and instances are
    rebuilt without calling the class. `decode` alone reads values of a dataclass, model, enum or named tuple that were
    recorded before the class changed. `name` is what records call the class; by default `module:qualname`.
    """
    registry.add(cls, encode, decode, name)
    WRITERS.pop(cls, None)


def _encode_tagged(value: Any, root: str, limit: int) -> bytes:
    return _finish(lambda: Writer().tree(value), root, limit)


def _encode_call_tagged(args: tuple[Any, ...], kwargs: dict[str, Any], root: str, limit: int) -> bytes:
    def tree() -> Any:
        w = Writer()
        named: dict[str, Any] = {}
        for name, value in kwargs.items():
            try:
                named[name] = w.tree(value)
            except Fault as fault:
                raise fault.at(key_segment(name)) from fault.__cause__
        return [w.items(args), named]

    return _finish(tree, root, limit)


def _finish(tree: Callable[[], Any], root: str, limit: int) -> bytes:
    try:
        data = dump(tree())
    except Fault as fault:
        raise fault.error(root) from fault.__cause__
    except RecursionError:
        raise SerializationError(f"{root} cannot be recorded: {too_deep()}", path=root) from None
    except Exception as error:  # code of a value's class, or a container that changed meanwhile
        raise SerializationError(f"{root} cannot be recorded: {type(error).__name__}: {error}", path=root) from error
    if len(data) > limit:
        raise SerializationError(
            f"{root} cannot be recorded: it takes {len(data):,} bytes, and {limit:,} is the limit. Store it elsewhere "
            f"and record where, or raise the limit with agnt5.configure(max_payload=...).",
            path=root,
        )
    return data


def _unreadable(root: str, error: Exception) -> SerializationError:
    if isinstance(error, RecursionError):
        why = "it is nested too deep"
    else:
        why = f"{type(error).__name__}: {error}"
    return SerializationError(
        f"{root} cannot be read back: {why[:500]}. The bytes are damaged, or a class in them has changed.", path=root
    )
