"""Annotations of a function, evaluated, and in the words of msgspec, which describes and checks them.

It looks at annotations only; nothing here may need the function itself to be called.
"""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Collection
from typing import Annotated, Any, cast

import msgspec

from agnt5.errors import ConfigurationError

_BOUNDS = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern")
_CONTAINERS = (list, set, frozenset, tuple, dict)


def annotations_of(fn: Callable[..., Any], wanted: Collection[str], tool: str) -> dict[str, Any]:
    """The evaluated annotations of the wanted parameters; those of the context and the result are nobody's business."""
    inner: Any = fn
    while isinstance(inner, functools.partial):
        inner = cast("functools.partial[Any]", inner).func
    if isinstance(inner, type):
        inner = inner.__init__
    elif not inspect.isroutine(inner):
        inner = type(inner).__call__
    function: Any = inspect.unwrap(getattr(inner, "__func__", inner))
    local: dict[str, Any] = dict(inspect.getclosurevars(function).nonlocals) if inspect.isfunction(function) else {}
    try:
        annotations = {name: one for name, one in getattr(inner, "__annotations__", {}).items() if name in wanted}
        found: Any = types.SimpleNamespace(__annotations__=annotations)
        return typing.get_type_hints(found, getattr(function, "__globals__", {}), local, include_extras=True)
    except (NameError, TypeError, SyntaxError, AttributeError) as error:
        raise ConfigurationError(
            f"{tool}: an annotation of {getattr(inner, '__qualname__', inner)} cannot be evaluated: {error}. Its types "
            f"must be known where it is defined: at the top of the module, not under TYPE_CHECKING."
        ) from None


def struct_in(annotation: Any) -> type | None:
    """A msgspec.Struct in an annotation. They cannot be rebuilt without running their code, so the codec has none."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    return next((found for one in typing.get_args(annotation) if (found := struct_in(one))), None)


def understood(annotation: Any) -> Any:
    """The annotation with pydantic's Field and the marks of annotated-types as msgspec's Meta, inside of it too."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return _marked(understood(annotation.__origin__), annotation.__metadata__)
    if origin in (typing.Union, types.UnionType):
        return typing.Union[tuple(map(understood, typing.get_args(annotation)))]  # noqa: UP007
    if origin in _CONTAINERS:
        return cast("Any", origin)[tuple(map(understood, typing.get_args(annotation)))]
    return annotation


def _marked(inner: Any, marks: tuple[Any, ...]) -> Any:
    bounds: dict[str, Any] = {}
    text = ""
    for one in marks:
        if type(one).__name__ == "FieldInfo":
            text = one.description or text
        elif isinstance(one, msgspec.Meta):
            continue
        for mark in getattr(one, "metadata", [one]):
            bounds |= {name: value for name in _BOUNDS if (value := getattr(mark, name, None)) is not None}
    if bounds:
        inner = _bounded(inner, msgspec.Meta(**bounds))
    return functools.reduce(lambda made, mark: Annotated[made, mark], (*marks, *_meta(text)), inner)


def _bounded(inner: Any, meta: msgspec.Meta) -> Any:
    """Bounds of an optional value are bounds of the value."""
    options = typing.get_args(inner) if typing.get_origin(inner) is typing.Union else ()
    if type(None) in options and len(options) == 2:
        value: Any = next(one for one in options if one is not type(None))
        return typing.Optional[Annotated[value, meta]]  # noqa: UP045
    return Annotated[inner, meta]


def _meta(text: str) -> tuple[msgspec.Meta, ...]:
    return (msgspec.Meta(description=text),) if text else ()


def optional(annotation: Any) -> Any:
    """The annotation, None allowed: what people mean who write `limit: int = None`."""
    plain = annotation.__origin__ if typing.get_origin(annotation) is Annotated else annotation
    if plain is Any or plain is None or type(None) in typing.get_args(plain):
        return annotation
    return typing.Optional[annotation]  # noqa: UP045


def described(annotation: Any) -> str:
    """What `Annotated` says of a parameter: the description of a Meta, or a plain text, which many people write."""
    if typing.get_origin(annotation) is not Annotated:
        return ""
    texts = (one.description if isinstance(one, msgspec.Meta) else one for one in reversed(annotation.__metadata__))
    return next((one for one in texts if isinstance(one, str)), "")
