"""Journal files as a stranger would craft them: taken apart, changed, and sealed again with right checksums."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import pyarrow as pa
from blake3 import blake3

HEAD = 7  # magic and version
SUM = 32
Pages = list[list[bytes]]


def taken_apart(file: bytes) -> tuple[bytes, Pages]:
    """The head of a journal file, and its segments, each a list of entries."""
    with pa.CompressedInputStream(pa.py_buffer(file[HEAD:-SUM]), "zstd") as stream:
        body = stream.read()
    parts = list(_delimited(body, 0, len(body)))
    pages: Pages = []
    for part in parts[1:]:
        _, start = _varint(part, 1)  # the segment is the first field of its message
        pages.append(list(_delimited(part[start:], 3, len(part) - start - 4)))
    return parts[0], pages


def sealed(head: bytes, pages: Pages) -> bytes:
    """A journal file of these, whatever they hold."""
    body = _with_length(head)
    for page in pages:
        segment = b"A5\x01" + b"".join(_with_length(entry) for entry in page)
        segment += zlib.crc32(segment).to_bytes(4, "little")
        body += _with_length(b"\x0a" + _with_length(segment))
    file = b"AGNT5J\x01" + pa.compress(body, codec="zstd", asbytes=True)
    return file + blake3(file).digest()


def flipped(entry: bytes, at: int, to: int) -> bytes:
    """One byte is another one."""
    at %= len(entry)
    return entry[:at] + bytes([to]) + entry[at + 1 :]


def cut(entry: bytes, at: int, to: int) -> bytes:
    """Some bytes are missing."""
    at %= len(entry)
    return entry[:at] + entry[at + 1 + to % 8 :]


def swapped(entry: bytes, at: int, to: int) -> bytes:
    """Two bytes change places, which keeps more of what is around them whole."""
    changed = bytearray(entry)
    at, to = at % len(entry), to % len(entry)
    changed[at], changed[to] = changed[to], changed[at]
    return bytes(changed)


def punctuated(entry: bytes, at: int, to: int) -> bytes:
    """One character of a JSON document is another one."""
    signs = b'{}[]",:~-0123456789'
    places = [place for place, byte in enumerate(entry) if byte in signs]
    return flipped(entry, places[at % len(places)], signs[to % len(signs)]) if places else entry


def huge(entry: bytes, at: int, to: int) -> bytes:
    """A number is as large as its bytes allow."""
    places = [place for place, byte in enumerate(entry) if byte >= 128]
    return flipped(entry, places[at % len(places)], 255) if places else entry


CHANGES: list[Callable[[bytes, int, int], bytes]] = [flipped, cut, swapped, punctuated, huge]


def _delimited(data: bytes, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        length, start = _varint(data, start)
        yield data[start : start + length]
        start += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, at


def _with_length(data: bytes) -> bytes:
    length, prefix = len(data), bytearray()
    while length > 127:
        prefix.append(length & 127 | 128)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + data
