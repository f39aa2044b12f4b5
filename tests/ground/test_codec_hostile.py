"""Bytes from a stranger are data: nothing is imported, built or run, and the worst outcome is a SerializationError."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import subprocess
import sys
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from agnt5.codec import Raw, decode, decode_call, decode_failure, encode, preview, read_failure
from agnt5.codec.classes import READERS as CLASS_TAGS
from agnt5.codec.kinds import _ON_DEMAND
from agnt5.codec.reader import READERS as CORE_TAGS
from agnt5.codec.stdlib import READERS as STDLIB_TAGS
from agnt5.errors import SerializationError
from ground import corpus

TAGS = sorted({*CORE_TAGS, *STDLIB_TAGS, *CLASS_TAGS, *_ON_DEMAND})
NAMES = [
    "os:system",
    "subprocess:Popen",
    "builtins:eval",
    "antigravity:x",
    "ground.corpus:Order",
    "ground.corpus:Person",
    "ground.corpus:Colour",
    "ground.corpus:Point",
    "builtins:ValueError",
    "builtins:OSError",
    "builtins:ExceptionGroup",
]

leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)
)
words = st.one_of(
    leaves, st.sampled_from([*NAMES, "", "../../etc/passwd", "2024-01-01", "PosixPath", "0x" + "f" * 50, "AAAA"])
)


def hostile(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    document = st.fixed_dictionaries(
        {"type": words, "message": words},
        optional=dict.fromkeys(("args", "attrs", "traceback", "cause", "attempts", "members", "lost"), inner),
    )
    return st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=5) | st.just("~tuple"), inner, max_size=3),
        st.builds(
            lambda tag, payload: {tag: payload}, st.sampled_from(TAGS) | st.text(max_size=4).map("~".__add__), inner
        ),
        st.builds(
            lambda tag, name, rest: {tag: [name, *rest]},
            st.sampled_from(TAGS),
            st.sampled_from(NAMES),
            st.lists(inner, max_size=4),
        ),
        st.builds(lambda d: {"~error": d}, document),
        document,
    )


@settings(max_examples=400)
@given(st.recursive(words, hostile, max_leaves=15))
def test_nothing_but_a_serialization_error_comes_out(node: Any) -> None:
    encode(corpus.VALUES[-2])  # its class is registered: building it from nonsense is allowed, crashing is not
    data = json.dumps(node, separators=(",", ":"), ensure_ascii=False).encode()
    for read in (decode, decode_call, decode_failure, read_failure):
        try:
            read(data)
        except SerializationError:
            continue
    assert len(preview(data, 50)) <= 50


@given(st.binary(max_size=60))
def test_noise_is_a_serialization_error(data: bytes) -> None:
    for read in (decode, decode_call, decode_failure, read_failure):
        try:
            read(data)
        except SerializationError:
            continue
    preview(data)


@settings(max_examples=60)
@given(st.data())
def test_damaged_records_are_read_or_refused(data: st.DataObject) -> None:
    value = data.draw(st.sampled_from(corpus.VALUES[20:]))
    record = bytearray(encode(value))
    for _ in range(data.draw(st.integers(1, 3))):
        record[data.draw(st.integers(0, len(record) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(SerializationError):
        decode(bytes(record))
    preview(bytes(record))


def test_recorded_names_are_never_imported() -> None:
    program = """
import sys
from agnt5.codec import decode, decode_failure, preview
before = set(sys.modules)
imported = []
sys.addaudithook(lambda event, args: imported.append(args[0]) if event == "import" else None)
for tag in ("~dataclass", "~enum", "~model", "~namedtuple", "~type", "~state"):
    for name in ("antigravity:x", "xml.dom.minidom:Document", "this:s", "ftplib:FTP", "stat:S_IFMT"):
        data = ('{"%s":["%s",{}]}' % (tag, name)).encode()
        try:
            print(decode(data))
        except Exception as error:
            print(type(error).__name__)
        preview(data)
for name in ("antigravity:x", "ftplib:Error", "xml.dom.minidom:Document"):
    data = ('{"type":"%s","message":"m","args":[],"attrs":{}}' % name).encode()
    decode_failure(data)
    decode(b'{"~error":' + data + b'}')
for zone in ("antigravity", "../antigravity", "this/that"):
    try:
        decode(('{"~zone":"%s"}' % zone).encode())
    except Exception as error:
        assert type(error).__name__ == "SerializationError"
hostile = {"antigravity", "xml", "xml.dom", "xml.dom.minidom", "this", "ftplib"}
assert not hostile & set(sys.modules), hostile & set(sys.modules)
assert not hostile & set(imported), imported
heavy = {"numpy", "pandas", "pyarrow", "pydantic"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "<raw Document(" in done.stdout


def test_a_modules_own_getattr_is_not_asked() -> None:
    # A lazy module would import at that moment.
    program = """
import sys, types
lazy = types.ModuleType("lazy")
def touched(name):
    raise SystemExit("touched")
lazy.__getattr__ = touched
sys.modules["lazy"] = lazy
from agnt5.codec import decode_failure
print(type(decode_failure(b'{"type":"lazy:Error","message":"m"}')).__name__)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert (
        subprocess.check_output([sys.executable, "-c", program], env=environment, text=True).strip()
        == "RetriesExhausted"
    )


def test_no_code_of_an_exception_class_runs() -> None:
    calls: list[str] = []

    class Trap(Exception):
        def __new__(cls, *args: Any) -> Trap:
            calls.append("new")
            return super().__new__(cls)

        def __init__(self, *args: Any) -> None:
            calls.append("init")

        def __setattr__(self, name: str, value: Any) -> None:
            calls.append("setattr")

    globals()["Trap"] = Trap
    Trap.__qualname__ = "Trap"
    data = json.dumps({"type": f"{__name__}:Trap", "message": "m", "args": ["x"], "attrs": {"a": 1}}).encode()
    back = decode_failure(data)
    assert isinstance(back, Trap)
    assert calls == []
    assert vars(back)["a"] == 1


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


@pytest.mark.parametrize(
    "data",
    [
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }"),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"cos\nsystem\n(S'true'\ntR."),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", b"\x00" * 15),
        npy("__import__('os').system('true')"),
        b"\x93NUMPY",
        b"",
    ],
)
def test_hostile_arrays_are_refused(data: bytes) -> None:
    record = json.dumps({"~ndarray": base64.b64encode(data).decode()}, separators=(",", ":")).encode()
    with pytest.raises(SerializationError):
        decode(record)
    preview(record)


def test_a_pickle_inside_an_array_is_not_loaded() -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    record = json.dumps({"~ndarray": base64.b64encode(buffer.getvalue()).decode()}, separators=(",", ":")).encode()
    with pytest.raises(SerializationError, match="array of objects"):
        decode(record)


@pytest.mark.parametrize("tag", ["~dataframe", "~series"])
def test_a_damaged_arrow_stream_is_refused(tag: str) -> None:
    notes = {"freq": None, "objects": [], "labels": None, "shape": [1, 1], "attrs": {}}
    for stream in (b"", b"\xff\xff\xff\xff", b"\xff\xff\xff\xff\x10\x00\x00\x00" + b"\x00" * 64):
        record = json.dumps({tag: [base64.b64encode(stream).decode(), notes, None]}, separators=(",", ":")).encode()
        with pytest.raises(SerializationError):
            decode(record)


def test_very_deep_bytes_are_refused() -> None:
    for data in (b"[" * 100_000, b'{"a":' * 50_000, b'{"~tuple":[' * 50_000, b'{"~tuple":[' * 600 + b"]}" * 600):
        with pytest.raises(SerializationError, match=r"too deep|damaged"):
            decode(data)
        assert preview(data)


def test_tags_in_other_places_are_plain_data() -> None:
    # Whitespace hides the marker: then nothing is a tag, which is safe.
    assert decode(b'{ "~set":[1]}') == {"~set": [1]}
    assert isinstance(decode(b'{"~nonsense":1}'), Raw)
