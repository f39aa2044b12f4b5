"""Values to bytes and back: JSON with tags for what JSON lacks, canonical, exact or refused.

Encoding never pickles and never guesses: what would not come back exactly raises SerializationError with the path to
it. Decoding never imports a module and never builds a class the program has not registered.

JSON holds str, bool, None, finite floats, ints of 64 bits, lists, and dicts with str keys as they are. Anything else is
an object with one key, its tag:

    ~tuple ~set ~frozenset      [items], sets sorted by their bytes     ~range        [start, stop, step]
    ~dict                       [[key, value], ...]: keys that are not str, or that look like a tag
    ~ordereddict ~counter       [[key, value], ...]                     ~deque        [maxlen, [items]]
    ~defaultdict                [factory, [[key, value], ...]]          ~float        "nan" "inf" "-inf"
    ~int                        "0x..." beyond 64 bits                  ~complex      [real, imaginary]
    ~str                        Python escapes: text with lone surrogates
    ~bytes ~bytearray           base64                                  ~decimal      "1.10"
    ~fraction                   [numerator, denominator]                ~uuid         "..."
    ~datetime ~time             [iso, zone] or [iso, zone, fold]        ~date         iso
    ~timedelta                  [days, seconds, microseconds]           ~path         [class, text]
    ~zone                       null, "Area/City", [offset in microseconds] or [offset, name]
    ~enum                       [class, member name, or value of a flag]
    ~dataclass                  [class, {field: value}]                 ~namedtuple   [class, [values]]
    ~model                      [class, {fields}, [fields set], {extra}, {private}] of a pydantic model
    ~type                       [name, what the registered encode= gave]
    ~state                      [class, plain value or null, {attributes}]
    ~error                      a failure document                      ~lost         [class, repr]: was not recordable
    ~ndarray ~npscalar          base64 of npy                           ~secret       name
    ~dataframe ~series          [base64 of an Arrow IPC stream, notes, name of the series]
    ~timestamp ~pdtimedelta     [count, unit, zone]                     ~pdmissing    "NaT" "NA"

A class is named `module:qualname`.
"""

from __future__ import annotations

from agnt5.codec.annotations import register_annotations
from agnt5.codec.coding import decode, decode_call, encode, encode_call, register_type
from agnt5.codec.failure import Failure, decode_failure, encode_failure, read_failure
from agnt5.codec.outline import outline, outline_call, outline_of, visible
from agnt5.codec.plain import MAX_BYTES, MAX_DEPTH
from agnt5.codec.preview import preview, preview_call
from agnt5.codec.raw import Raw
from agnt5.codec.registry import named_in

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "Failure",
    "Raw",
    "decode",
    "decode_call",
    "decode_failure",
    "encode",
    "encode_call",
    "encode_failure",
    "named_in",
    "outline",
    "outline_call",
    "outline_of",
    "preview",
    "preview_call",
    "read_failure",
    "register_annotations",
    "register_type",
    "visible",
]
