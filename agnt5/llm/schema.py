"""What an answer or a tool's arguments must look like: a Python type, or a JSON schema, with its validation.

Types are described and checked by msgspec; pydantic's own models, and unions of several classes, by pydantic. Nothing
here may talk to a model.
"""

from __future__ import annotations

import contextlib
import functools
import re
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, cast

import msgspec

from agnt5.errors import ConfigurationError, OutputInvalid

_OWNER = "\0owner"
# What msgspec says of types for which it has no way, and pydantic has one: Approve | Reject, an Enum of 1 and "one".
_FOR_PYDANTIC = ("Type unions ", "Enums must contain")


class Schema:
    """A JSON schema and the function that turns JSON text into the value it describes.

    `json_schema` is of type "object" in any case, because providers ask for that: a type that is none is wrapped as
    `{"value": ...}`, and unwrapped by `parse`.
    """

    __slots__ = ("_read", "_wrapped", "json_schema", "name")

    def __init__(
        self, name: str, json_schema: dict[str, Any], read: Callable[[Any], Any], *, wrapped: bool = False
    ) -> None:
        self.name = name
        self.json_schema = json_schema
        self._read = read
        self._wrapped = wrapped

    @staticmethod
    def of(found: Any) -> Schema:
        """The schema of a dataclass, TypedDict, pydantic model, any type of msgspec, or a JSON schema (a dict)."""
        if isinstance(found, Schema):
            return found
        if isinstance(found, dict):
            return _of_json_schema(cast("dict[str, Any]", found))
        if is_model(found):
            return _formed(found.__name__, _opened(found.model_json_schema()), lambda value: read_model(found, value))
        return _of_type(found)

    @property
    def text(self) -> str:
        """Name and JSON schema on one line, the same for the same type."""
        return f"{self.name} {msgspec.json.encode(self.json_schema, order='sorted').decode()}"

    def parse(self, text: str) -> Any:
        """The value that a model's text holds. OutputInvalid says what is wrong, in words the model can act on."""
        try:
            value = msgspec.json.decode(_unfenced(text))
        except (msgspec.DecodeError, RecursionError) as error:  # a model may write brackets without end
            raise OutputInvalid(f"The answer is no JSON: {error}.", text=text) from None
        if self._wrapped:
            if not isinstance(value, dict) or "value" not in value:
                raise OutputInvalid('The answer must be a JSON object with the key "value".', text=text)
            value = cast("dict[str, Any]", value)["value"]
        try:
            return self._read(value)
        except (ValueError, TypeError) as error:
            raise OutputInvalid(f"The answer does not fit {self.name}: {error}", text=text) from None


def is_model(found: Any) -> bool:
    """Whether this is a class made with pydantic, which is not imported to find out."""
    base = getattr(sys.modules.get("pydantic.main"), "BaseModel", None)
    return base is not None and isinstance(found, type) and issubclass(found, base)


def read_model(model: Any, value: Any) -> Any:
    """An instance of a pydantic model from plain data. ValueError with one line a problem."""
    return _read_by_pydantic(lambda: model.model_validate(value))


def _read_by_pydantic(read: Callable[[], Any]) -> Any:
    from pydantic import ValidationError

    try:
        return read()
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, one['loc'])) or 'value'}: {one['msg']}" for one in error.errors())
        raise ValueError("; ".join(problems)) from None


def schema_of_type(found: Any) -> dict[str, Any]:
    """The JSON schema of a type, references resolved to `$defs` of its own. ConfigurationError for one without."""
    (schema,), definitions = schemas_of_types([found])
    return _opened({**schema, "$defs": definitions} if definitions else schema)


def _opened(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with what it points to in its own place, because providers want the type of an answer at the top.

    What holds itself stays among the definitions too.
    """
    definitions = dict(schema.get("$defs", {}))
    if set(schema) - {"$defs"} != {"$ref"}:
        return schema
    reference = schema["$ref"]
    name = reference.rpartition("/")[2]
    found = definitions[name]
    if not _refers(definitions, reference):
        del definitions[name]
    return {**found, "$defs": definitions} if definitions else found


def _refers(schema: Any, reference: str) -> bool:
    if isinstance(schema, dict):
        found = cast("dict[str, Any]", schema)
        return found.get("$ref") == reference or any(_refers(one, reference) for one in found.values())
    return isinstance(schema, list) and any(_refers(one, reference) for one in cast("list[Any]", schema))


def schemas_of_types(types: Sequence[Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The JSON schemas of types, in order, and the definitions under `#/$defs` that they refer to."""
    try:
        schemas, definitions = _by_msgspec(types)
    except TypeError as error:
        adapters = [_adapter(one) for one in types]
        if not any(adapters):
            shown = ", ".join(getattr(one, "__name__", None) or repr(one) for one in types)
            raise ConfigurationError(f"{shown} has no JSON schema: {error}. {_hint(str(error))}") from None
        others, definitions = schemas_of_types([one for one, by in zip(types, adapters, strict=True) if by is None])
        left = iter(others)
        described = zip(types, adapters, strict=True)
        schemas = tuple(next(left) if by is None else _by_pydantic(one, by) for one, by in described)
    hoisted: dict[str, Any] = {}
    made = [_hoist(schema, hoisted) for schema in schemas]
    return made, {name: _hoist(schema, hoisted) for name, schema in definitions.items()} | hoisted


def _by_msgspec(types: Sequence[Any]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    return msgspec.json.schema_components(types, schema_hook=_model_schema, ref_template="#/$defs/{name}")


def _by_pydantic(found: Any, adapter: Any) -> dict[str, Any]:
    owner = "_".join(re.findall(r"\w+", re.sub(r"\w+\.", "", getattr(found, "__name__", None) or repr(found))))
    return {_OWNER: owner, **adapter.json_schema(ref_template=f"#/$defs/{owner}_{{model}}")}


def _adapter(found: Any) -> Any:
    """pydantic's way with a type that msgspec has no way with; None where msgspec has one, or pydantic is not there."""
    try:
        return _kept_adapter(found)
    except TypeError:  # it cannot be hashed: what stands in an Annotated need not
        return _kept_adapter.__wrapped__(found)


@functools.lru_cache(maxsize=512)
def _kept_adapter(found: Any) -> Any:
    try:
        _by_msgspec([found])
    except TypeError as error:
        if str(error).startswith(_FOR_PYDANTIC) and find_spec("pydantic") is not None:
            from pydantic import PydanticUserError, TypeAdapter

            with contextlib.suppress(PydanticUserError, NameError):
                adapter: Any = TypeAdapter(found)
                adapter.json_schema()
                return adapter
    return None


def _hint(problem: str) -> str:
    if problem.startswith(_FOR_PYDANTIC) and find_spec("pydantic") is None:
        return "With pydantic there is a way: pip install pydantic."
    return "Use dataclasses, TypedDicts, pydantic models and plain types."


def _hoist(schema: Any, hoisted: dict[str, Any]) -> Any:
    """A schema without the definitions that pydantic puts inside it: references count from the top."""
    if isinstance(schema, list):
        return [_hoist(one, hoisted) for one in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    found = cast("dict[str, Any]", schema)
    owner = found.get(_OWNER)
    if owner is None:
        return {name: _hoist(value, hoisted) for name, value in found.items()}
    for name, value in found.get("$defs", {}).items():
        if hoisted.setdefault(f"{owner}_{name}", value) != value:
            raise ConfigurationError(f"Two models called {owner} hold different {name}: give one of them another name.")
    return {name: value for name, value in found.items() if name not in ("$defs", _OWNER)}


def convert(value: Any, found: Any, *, strict: bool = True) -> Any:
    """Plain data as an instance of a type. ValueError says where and what; not `strict` also takes "3" for 3."""
    try:
        return msgspec.convert(value, found, strict=strict, str_keys=True, dec_hook=_read_hook)
    except TypeError:
        adapter = _adapter(found)
        if adapter is None:
            raise
    # From JSON, where strict still takes a text for a date and a list for a tuple.
    return _read_by_pydantic(lambda: adapter.validate_json(msgspec.json.encode(value), strict=strict))


def _model_schema(found: Any) -> dict[str, Any]:
    if is_model(found):
        owner = found.__name__
        return {_OWNER: owner, **found.model_json_schema(ref_template=f"#/$defs/{owner}_{{model}}")}
    raise TypeError(f"{getattr(found, '__name__', found)} is no type that JSON can describe")


def _read_hook(found: Any, value: Any) -> Any:
    if is_model(found):
        return read_model(found, value)
    if isinstance(value, found):
        return value
    raise ValueError(f"Expected {getattr(found, '__name__', found)}, got {type(value).__name__}")


def _of_type(found: Any) -> Schema:
    schema = schema_of_type(found)
    name = getattr(found, "__name__", "answer")

    def read(value: Any) -> Any:
        return convert(value, found)

    return _formed(name, schema, read)


def _formed(name: str, schema: dict[str, Any], read: Callable[[Any], Any]) -> Schema:
    """A type's schema, wrapped when it is no object."""
    if schema.get("type") == "object":
        return Schema(name, schema, read)
    schema = dict(schema)
    definitions = schema.pop("$defs", None)
    outer = {"type": "object", "properties": {"value": schema}, "required": ["value"], "additionalProperties": False}
    return Schema(name, {**outer, "$defs": definitions} if definitions else outer, read, wrapped=True)


def _of_json_schema(found: dict[str, Any]) -> Schema:
    from jsonschema import Draft202012Validator, SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    if found.get("type") != "object":
        raise ConfigurationError('A JSON schema for an answer has {"type": "object"} at its top.')
    try:
        Draft202012Validator.check_schema(found)
    except SchemaError as error:
        raise ConfigurationError(f"response_format is no valid JSON schema: {error.message}") from None
    # An empty registry: a reference to an address must never make this process fetch it.
    make: Any = Draft202012Validator
    nowhere: Any = Registry
    validator: Any = make(found, registry=nowhere())

    def read(value: Any) -> Any:
        try:
            problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
        except Unresolvable as error:
            raise ConfigurationError(f"response_format refers to {error.ref!r}, which is not in it.") from None
        if problems:
            raise ValueError("; ".join(problems))
        return value

    return Schema(str(found.get("title", "answer")), found, read)


def _unfenced(text: str) -> str:
    """The JSON inside a Markdown fence, which some models put around it in spite of everything."""
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```") and len(stripped) > 6:
        return stripped[3:-3].removeprefix("json").strip()
    return stripped
