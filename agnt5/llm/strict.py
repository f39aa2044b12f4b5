"""A JSON schema in the strict form that OpenAI and its kin can enforce while a model writes.

Strict means that every object lists all its keys as required and allows no others. What the form cannot say is left out
where leaving it out only allows more, since answers are checked against the full schema anyway; where it would forbid
right answers, there is no strict form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

# Keywords that only narrow, and that the strict form does not know.
_DROPPED = {
    *("default", "discriminator", "examples", "$schema", "$id", "$comment", "deprecated", "readOnly", "writeOnly"),
    *("uniqueItems", "contains", "minContains", "maxContains", "minProperties", "maxProperties", "propertyNames"),
    *("contentEncoding", "contentMediaType"),
}
# Keywords that change which answers are right in ways that it cannot say.
_IMPOSSIBLE = {
    *("allOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties"),
    *("prefixItems", "unevaluatedProperties", "unevaluatedItems", "$dynamicRef"),
}
_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}


class _NoStrictForm(Exception):
    """Some part of the schema has none."""


def strict_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The strict form, or None when the schema allows what cannot be said in it, such as maps with keys of any name."""
    try:
        return _strict(dict(schema), dict(schema), ())
    except _NoStrictForm:
        return None


def _strict(schema: Any, root: dict[str, Any], inside: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or not schema:
        raise _NoStrictForm  # anything at all
    made = {key: value for key, value in cast("Mapping[str, Any]", schema).items() if key not in _DROPPED}
    if "$ref" in made and set(made) - {"$ref", "$defs"}:
        return _strict(_inlined(made, root, inside), root, (*inside, str(made["$ref"])))
    if isinstance(made.get("allOf"), list) and len(made["allOf"]) == 1:
        made = {**made.pop("allOf")[0], **made}
        return _strict(made, root, inside)
    if _IMPOSSIBLE & set(made):
        raise _NoStrictForm
    if "oneOf" in made:
        made["anyOf"] = made.pop("oneOf")
    if "anyOf" in made:
        made["anyOf"] = [_strict(one, root, inside) for one in made["anyOf"]]
    if "$defs" in made:
        made["$defs"] = {name: _strict(one, root, inside) for name, one in made["$defs"].items()}
    if not {"$ref", "anyOf", "enum", "const", "type"} & set(made):
        raise _NoStrictForm
    if made.get("format") not in {None, *_FORMATS}:
        del made["format"]
    kind: Any = made.get("type")
    kinds = cast("list[Any]", kind) if isinstance(kind, list) else [kind]
    if "array" in kinds:
        made["items"] = _strict(made.get("items"), root, inside)
    if "object" in kinds:
        closed = made.get("additionalProperties")
        if closed is not False and (closed is not None or "properties" not in made):
            raise _NoStrictForm  # a map: its keys have no names
        properties = made.get("properties", {})
        made["properties"] = {name: _strict(one, root, inside) for name, one in properties.items()}
        made["required"] = list(properties)
        made["additionalProperties"] = False
    return made


def _inlined(schema: dict[str, Any], root: dict[str, Any], inside: tuple[str, ...]) -> dict[str, Any]:
    """The schema with its reference replaced by what it points to: beside a reference nothing else may stand."""
    reference = str(schema["$ref"])
    if reference in inside or not reference.startswith("#/"):
        raise _NoStrictForm  # it holds itself, with a description at each level
    found: Any = root
    for key in reference[2:].split("/"):
        found = cast("Mapping[str, Any]", found).get(key) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping):
        raise _NoStrictForm
    target = cast("Mapping[str, Any]", found)
    rest = {key: value for key, value in schema.items() if key != "$ref"}
    return {**{key: value for key, value in target.items() if key not in _DROPPED}, **rest}
