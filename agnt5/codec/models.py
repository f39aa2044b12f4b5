"""pydantic models, written and read by their state: fields, which of them were set, extra and private values.

Validators are not run again: what comes back is what was there. pydantic itself is only imported when it is already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnt5.codec.registry import class_name
from agnt5.codec.state import without_cached
from agnt5.errors import SerializationError

if TYPE_CHECKING:
    from agnt5.codec.reader import Read, Reader
    from agnt5.codec.writer import Write, Writer


def writer_for(cls: Any) -> Write:
    name = class_name(cls)

    def write(w: Writer, value: Any) -> Any:
        extra = value.__pydantic_extra__
        private = value.__pydantic_private__
        return {
            "~model": [
                name,
                w.fields(without_cached(cls, value.__dict__)),
                sorted(value.__pydantic_fields_set__),
                None if extra is None else w.fields(extra),
                None if private is None else w.fields(private),
            ]
        }

    return write


def _read_model(r: Reader, payload: Any) -> Any:
    name, fields, given, extra, private = payload
    known = r.known(name)
    state = r.fields(fields)
    if known.decode is not None:
        return known.decode(state)
    cls: Any = known.cls
    if not hasattr(cls, "__pydantic_core_schema__"):
        raise SerializationError(f"{name} has changed since: it was a pydantic model when this value was recorded.")
    for field_name, field in cls.model_fields.items():
        if field_name in state:
            continue
        if field.is_required():
            raise SerializationError(
                f"{name} has changed since: the recorded value has no field {field_name!r}. Give that field a default, "
                f"or teach the codec to read old values with agnt5.register_type({cls.__name__}, decode=...)."
            )
        state[field_name] = field.get_default(call_default_factory=True)
    made = object.__new__(cls)
    made.__setstate__(
        {
            "__dict__": state,
            "__pydantic_fields_set__": {name for name in given if type(name) is str},
            "__pydantic_extra__": None if extra is None else r.fields(extra),
            "__pydantic_private__": None if private is None else r.fields(private),
        }
    )
    return made


READERS: dict[str, Read] = {"~model": _read_model}
