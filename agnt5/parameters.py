"""The parameters of a tool: the JSON schema a model gets, and the check of what it sends.

They come from a function's signature, or from a JSON schema that somebody else wrote. This module calls no tool.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, cast

import msgspec

from agnt5.errors import ConfigurationError, ToolArgumentError
from agnt5.hints import annotations_of, described, optional, struct_in, understood
from agnt5.llm.schema import convert, schemas_of_types

Problems = dict[str, str]
"""What is wrong with an argument, by name."""


class Parameters(Protocol):
    """What a Tool asks of its parameters. `json_schema` is of type "object"."""

    @property
    def json_schema(self) -> dict[str, Any]: ...

    def read(self, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], Problems]:
        """The arguments as the function takes them, and what is wrong with the others."""
        ...


class _Slot(NamedTuple):
    """One parameter. `annotation` is Any where the function names none."""

    name: str
    annotation: Any
    required: bool
    default: Any
    description: str


class SignatureParameters:
    """Parameters of a Python function, from its signature, annotations and the descriptions in its docstring."""

    def __init__(self, fn: Callable[..., Any], descriptions: Mapping[str, str], *, context: bool, tool: str) -> None:
        visible = visible_parameters(fn, context=context, tool=tool)
        hints = annotations_of(fn, {one.name for one in visible}, tool)
        self._extra: Any = None  # the annotation of `**kwargs`, if there are any
        self._open = False
        self._slots: dict[str, _Slot] = {}
        for parameter in visible:
            annotation = understood(hints.get(parameter.name, Any))
            struct = struct_in(annotation)
            if struct is not None:
                raise ConfigurationError(
                    f"{tool}: the parameter {parameter.name!r} holds {struct.__name__}, a msgspec.Struct, which "
                    f"journals cannot keep. Make it a dataclass."
                )
            if type(parameter.default).__name__ == "FieldInfo":
                raise ConfigurationError(
                    f"{tool}: Field(...) as a default means nothing to a function. Write `{parameter.name}: "
                    f"Annotated[type, Field(...)]`, and the default after it."
                )
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                self._open, self._extra = True, annotation
                continue
            required = parameter.default is inspect.Parameter.empty
            description = described(annotation) or descriptions.get(parameter.name, "")
            if parameter.default is None:
                annotation = optional(annotation)
            self._slots[parameter.name] = _Slot(parameter.name, annotation, required, parameter.default, description)
        self.json_schema = self._schema(tool)

    def read(self, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], Problems]:
        values: dict[str, Any] = {}
        problems: Problems = {}
        for name, value in arguments.items():
            slot = self._slots.get(name)
            if slot is None and not self._open:
                problems[name] = _unknown(name, self._slots)
                continue
            try:
                values[name] = _value(name, value, self._extra if slot is None else slot.annotation)
            except ValueError as error:
                problems[name] = str(error)
        for slot in self._slots.values():
            if slot.required and slot.name not in arguments:
                problems[slot.name] = "is missing"
        return values, problems

    def _schema(self, tool: str) -> dict[str, Any]:
        annotations = {slot.name: slot.annotation for slot in self._slots.values()}
        if self._open:
            annotations["**"] = self._extra
        try:
            schemas, definitions = schemas_of_types(list(annotations.values()))
        except ConfigurationError:
            for name, annotation in annotations.items():
                try:
                    schemas_of_types([annotation])
                except ConfigurationError as error:
                    raise ConfigurationError(
                        f"{tool}: the parameter {name!r} cannot be told a model. {error}"
                    ) from None
            raise
        found = dict(zip(annotations, schemas, strict=True))
        extra = found.pop("**", None)
        made: dict[str, Any] = {
            "type": "object",
            "properties": {name: _property(self._slots[name], schema) for name, schema in found.items()},
            "required": [slot.name for slot in self._slots.values() if slot.required],
            "additionalProperties": False if extra is None else extra or True,
        }
        return {**made, "$defs": definitions} if definitions else made


class SchemaParameters:
    """Parameters as a JSON schema tells them. Values pass as they are, once they fit."""

    def __init__(self, schema: Mapping[str, Any], tool: str) -> None:
        from jsonschema import Draft202012Validator, SchemaError
        from jsonschema.validators import validator_for
        from referencing import Registry

        if schema.get("type") != "object":
            raise ConfigurationError(f'{tool}: the JSON schema of its parameters has {{"type": "object"}} at its top.')
        self.json_schema = dict(schema)
        found = validator_for(self.json_schema, default=Draft202012Validator)
        try:
            found.check_schema(self.json_schema)
        except SchemaError as error:
            raise ConfigurationError(f"{tool}: the JSON schema of its parameters is wrong: {error.message}") from None
        # An empty registry: a reference to an address must never make this process fetch it.
        make: Any = found
        nowhere: Any = Registry
        self._validator: Any = make(self.json_schema, registry=nowhere())

    def read(self, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], Problems]:
        problems: Problems = {}
        try:
            for error in self._validator.iter_errors(dict(arguments)):
                place = ".".join(map(str, error.absolute_path)) or "arguments"
                problems[place] = f"{problems[place]}; {error.message}" if place in problems else error.message
        except Exception as error:  # of many kinds: a reference that leads nowhere, or in a circle
            problems["arguments"] = f"cannot be checked, for the tool's own schema is wrong: {str(error)[:200]}"
        return dict(arguments), problems


def visible_parameters(fn: Callable[..., Any], *, context: bool, tool: str) -> list[inspect.Parameter]:
    """The parameters a model is told: not the context, not those that functools.partial filled in by name."""
    try:
        found = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"{tool}: {fn!r} does not tell its parameters. Write a function around it, or give `parameters=`."
        ) from None
    given: set[str] = set()
    inner: Any = fn
    while isinstance(inner, functools.partial):
        given |= set(inner.keywords)
        inner = inner.func
    for parameter in found[1:] if context else found:
        if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_ONLY):
            star = "*" if parameter.kind is inspect.Parameter.VAR_POSITIONAL else ""
            raise ConfigurationError(
                f"{tool}: a model names each argument, so `{star}{parameter.name}` cannot be filled. Make it a named "
                f"parameter, such as `{parameter.name}: list[str]`."
            )
    return [one for one in (found[1:] if context else found) if one.name not in given]


def _property(slot: _Slot, schema: dict[str, Any]) -> dict[str, Any]:
    made = dict(schema)
    if slot.description and "description" not in made:
        made["description"] = slot.description
    if not slot.required:
        # A default that JSON cannot tell stays the function's own affair.
        with contextlib.suppress(TypeError, ValueError, msgspec.MsgspecError):
            made["default"] = msgspec.json.decode(msgspec.json.encode(slot.default))
    return made


def _value(name: str, value: Any, annotation: Any) -> Any:
    """Exactly first, so that "3" stays a text where a text may stand, then as people mean it: "3" for 3."""
    try:
        return convert(value, annotation)
    except ValueError as exact:
        try:
            return convert(value, annotation, strict=False)
        except ValueError:
            raise ValueError(str(exact).replace(" - at `$", f" at `{name}")) from None


def _unknown(name: str, slots: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, slots, 1)
    if near:
        return f"is not a parameter; did you mean {near[0]!r}?"
    return f"is not a parameter; there are: {', '.join(slots) or 'none'}"


def checked(parameters: Parameters, arguments: Any, tool: str) -> dict[str, Any]:
    """The arguments as the function takes them. ToolArgumentError names all that is wrong, for the model to mend."""
    if not isinstance(arguments, Mapping):
        problems: Problems = {"arguments": f"must be a JSON object, not {type(arguments).__name__}"}
    else:
        values, problems = parameters.read(cast("Mapping[str, Any]", arguments))
        if not problems:
            return values
    lines = "\n".join(f"- {name}: {problem}" for name, problem in problems.items())
    raise ToolArgumentError(
        f"The arguments of {tool} do not fit, so it was not called. Call it again with these mended:\n{lines}",
        tool=tool,
        fields=tuple(problems),
    )
