"""Values to bytes and back: JSON with tags for what JSON lacks, canonical, exact or refused.

Encoding never pickles and never guesses: what would not come back exactly raises SerializationError with the path to
it. Decoding never imports a module and never builds a class the program has not registered.
"""

from __future__ import annotations

from agnt5.codec.annotations import register_annotations
from agnt5.codec.coding import decode, decode_call, encode, encode_call, register_type
from agnt5.codec.failure import Failure, decode_failure, encode_failure, read_failure
from agnt5.codec.plain import MAX_BYTES, MAX_DEPTH
from agnt5.codec.preview import preview
from agnt5.codec.raw import Raw

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
    "preview",
    "read_failure",
    "register_annotations",
    "register_type",
]
