"""numpy and pandas values: exact to the last cell type, or refused by the name of the column."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import subprocess
import sys
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from agnt5.codec import decode, encode, preview
from agnt5.errors import SerializationError

ARRAYS = [
    np.arange(6).reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(20)[::3],
    np.zeros((0, 3)),
    np.array(5.5),
    np.array(["a", "bcd"]),
    np.array([b"a", b""]),
    np.array(["2024-01-01", "NaT"], dtype="datetime64[D]"),
    np.array([(1, 2.5)], dtype=[("a", "<i4"), ("b", ">f8")]),
    np.array([True, False]),
    np.array([1 + 2j]),
    np.array([1, 2], dtype=">i2"),
    np.float16([1.5, np.nan]),
]


@pytest.mark.parametrize("array", ARRAYS, ids=[str(a.dtype) for a in ARRAYS])
def test_arrays_come_back(array: Any) -> None:
    back = decode(encode(array))
    assert type(back) is np.ndarray
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()
    back[...] = back  # it can be written to
    assert encode(back) == encode(array)


@given(st.lists(st.floats(width=32), max_size=20))
def test_floats_in_arrays_come_back_bit_for_bit(numbers: list[float]) -> None:
    array = np.array(numbers, dtype=np.float32)
    assert decode(encode({"v": array}))["v"].tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "scalar",
    [
        np.float64(1.5),
        np.float32("nan"),
        np.int8(-3),
        np.bool_(True),
        np.str_("hé"),
        np.datetime64("2024-01-01"),
        np.complex64(1j),
    ],
    ids=lambda s: type(s).__name__,
)
def test_scalars_keep_their_type(scalar: Any) -> None:
    back = decode(encode([scalar]))[0]
    assert type(back) is type(scalar)
    assert back.tobytes() == scalar.tobytes()


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (np.array([None]), "Python objects"),
        (np.array([(1, None)], dtype=[("a", int), ("b", object)]), "Python objects"),
        (np.ma.array([1], mask=[True]), "more than an array"),
        (np.array([(1,)], dtype=[("a", int)]).view(np.recarray), "more than an array"),
        (np.str_("a\x00"), "NUL"),
        (np.random.default_rng(1), "does not know numpy.Generator"),
        (np.dtype("int8"), "does not know"),
    ],
    ids=["object", "structured", "masked", "records", "nul", "generator", "dtype"],
)
def test_what_numpy_cannot_keep_is_refused(value: Any, why: str) -> None:
    with pytest.raises(SerializationError, match=why) as caught:
        encode({"a": value})
    assert caught.value.path == "value.a"


DAYS = pd.date_range("2024-01-01", periods=3, freq="D", tz="UTC")
FRAMES = {
    "mixed": pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"], "c": [1.5, float("nan"), -0.0]}),
    "empty": pd.DataFrame(),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="int8")}),
    "dates with a frequency": pd.DataFrame({"a": [1, 2, 3]}, index=DAYS),
    "business days": pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2024-01-01", periods=2, freq="B")),
    "timedelta index": pd.DataFrame({"a": [1, 2]}, index=pd.timedelta_range("1h", periods=2, freq="h")),
    "multi-index": pd.DataFrame(
        {"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["n", None])
    ),
    "ordered categories": pd.DataFrame({"a": pd.Categorical(["x", "y"], ["y", "x"], ordered=True)}),
    "nullable": pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], dtype="boolean")}),
    "times": pd.DataFrame({"t": pd.to_datetime(["2024-01-01", None]), "td": pd.to_timedelta([1, 2], unit="s")}),
    "zones": pd.DataFrame({"t": pd.to_datetime(["2024-01-01", "2024-07-01"]).tz_localize("Europe/Berlin")}),
    "range of labels": pd.DataFrame(np.arange(4).reshape(2, 2)),
    "numbers as labels": pd.DataFrame({5: [1], 7: [2]}),
    "levels of labels": pd.DataFrame({("a", "b"): [1], ("a", "c"): [2]}),
    "named index": pd.DataFrame({"x": [1.0]}, index=pd.Index([3], name="k")),
    "text as objects": pd.DataFrame({"a": ["x", "y"]}, dtype=object),
    "booleans as objects": pd.DataFrame({"b": [True, None]}, dtype=object),
    "python dates": pd.DataFrame({"d": [dt.date(2024, 1, 1), None]}),
    "decimals": pd.DataFrame({"d": [Decimal("1.10"), Decimal("2.20")]}),
    "periods": pd.DataFrame({"p": pd.period_range("2024-01", periods=2, freq="M")}),
    "small dtypes": pd.DataFrame({"a": np.array([1], dtype="uint8"), "b": np.array([1.5], dtype="float32")}),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames_come_back(name: str) -> None:
    frame = FRAMES[name]
    back = decode(encode({"df": frame}))["df"]
    pd.testing.assert_frame_equal(back, frame, check_exact=True, check_freq=True)
    assert getattr(back.index, "freq", None) == getattr(frame.index, "freq", None)
    assert type(back.columns) is type(frame.columns)
    assert encode(back) == encode(frame)
    assert preview(encode(frame)) == f"DataFrame({frame.shape[0]} rows, {frame.shape[1]} columns)"


def test_attributes_of_a_frame_come_back() -> None:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"source": ("file", 1)}
    assert decode(encode(frame)).attrs == {"source": ("file", 1)}
    assert frame.attrs == {"source": ("file", 1)}


@pytest.mark.parametrize(
    ("frame", "column"),
    [
        (pd.DataFrame({"fine": [1, 2], "lists": [[1, 2], [3]]}), "lists"),
        (pd.DataFrame({"fine": [1], "tuples": [(1, 2)]}), "tuples"),
        (pd.DataFrame({"fine": [1, 2], "mixed": [1, "x"]}), "mixed"),
        (pd.DataFrame({"fine": [1, 2], "nones": [None, float("nan")]}, dtype=object), "nones"),
        (pd.DataFrame({"live": [object()]}), "live"),
        (pd.DataFrame({"bools": [True, 1]}, dtype=object), "bools"),
    ],
    ids=["lists", "tuples", "mixed", "two kinds of nothing", "objects", "bool and int"],
)
def test_cells_that_would_change_are_refused_by_column(frame: Any, column: str) -> None:
    with pytest.raises(SerializationError, match=column) as caught:
        encode([frame])
    assert caught.value.path == "value[0]"


def test_labels_that_appear_twice_are_refused() -> None:
    with pytest.raises(SerializationError, match="Duplicate column names"):
        encode(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_subclasses_of_frames_are_refused() -> None:
    class Special(pd.DataFrame):
        pass

    Special.__module__ = "pandas.special"
    with pytest.raises(SerializationError, match="Special"):
        encode(Special({"a": [1]}))


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([1, 2], name="q"),
        pd.Series([1.5], index=["a"], name=("t", 1)),
        pd.Series(DAYS),
        pd.Series(1, index=DAYS),
        pd.Series(["a", None]),
        pd.Series([], dtype="float64"),
    ],
    ids=range(6),
)
def test_series_come_back(series: Any) -> None:
    back = decode(encode(series))
    pd.testing.assert_series_equal(back, series, check_exact=True, check_freq=True)
    assert back.name == series.name
    assert type(back.name) is type(series.name)
    assert encode(back) == encode(series)


def test_a_series_whose_values_would_change_is_refused() -> None:
    with pytest.raises(SerializationError, match="values would not come back exactly"):
        encode(pd.Series([[1], [2]]))


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=5),
        st.lists(st.floats() | st.none(), min_size=3, max_size=3)
        | st.lists(st.text(st.characters(codec="utf-8")), min_size=3, max_size=3)
        | st.lists(st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3),
        max_size=4,
    )
)
def test_a_frame_comes_back_the_same_or_not_at_all(columns: dict[str, list[Any]]) -> None:
    frame = pd.DataFrame(columns)
    try:
        data = encode(frame)
    except SerializationError:
        return
    pd.testing.assert_frame_equal(decode(data), frame, check_exact=True)


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2024-01-01 01:02:03.123456789"),
        pd.Timestamp("2024-10-27 01:30", tz="UTC").tz_convert("Europe/Berlin"),
        pd.Timestamp("2024-01-01", tz="UTC").as_unit("s"),
        pd.Timedelta("1s 5ns"),
        pd.NaT,
        pd.NA,
    ],
    ids=repr,
)
def test_pandas_scalars_come_back(value: Any) -> None:
    back = decode(encode((value,)))[0]
    assert type(back) is type(value)
    assert repr(back) == repr(value)
    assert getattr(back, "unit", None) == getattr(value, "unit", None)


def run(program: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.check_output([sys.executable, "-c", program], env=environment, text=True).strip()


def test_without_pyarrow_the_error_names_the_extra() -> None:
    assert "agnt5[data]" in run(
        "import sys; sys.modules['pyarrow'] = None\n"
        "import pandas as pd\n"
        "from agnt5.codec import encode\n"
        "from agnt5.errors import SerializationError\n"
        "try: encode(pd.DataFrame({'a': [1]}))\n"
        "except SerializationError as error: print(error)\n"
    )


def test_without_numpy_a_recorded_array_names_the_extra() -> None:
    data = encode(np.arange(3))
    assert "agnt5[data]" in run(
        "import sys; sys.modules['numpy'] = None\n"
        "from agnt5.codec import decode\n"
        "from agnt5.errors import SerializationError\n"
        f"try: decode({data!r})\n"
        "except SerializationError as error: print(error)\n"
    )


def test_a_process_that_never_used_numpy_reads_a_recorded_array() -> None:
    data = encode((np.arange(3), pd.DataFrame({"a": [1]})))
    assert (
        run(f"from agnt5.codec import decode\narray, frame = decode({data!r})\nprint(array.tolist(), frame.shape)")
        == "[0, 1, 2] (1, 1)"
    )


def test_plain_values_import_no_data_library() -> None:
    assert (
        run(
            "import sys\n"
            "from agnt5.codec import encode, decode, encode_call, register_annotations, encode_failure\n"
            "import decimal, dataclasses\n"
            "decode(encode([(1,), decimal.Decimal(1), {1: 2}, ValueError('x')])); encode_failure(ValueError())\n"
            "print(sorted({'numpy', 'pandas', 'pyarrow', 'pydantic'} & set(sys.modules)))"
        )
        == "[]"
    )


def test_two_processes_make_the_same_frame() -> None:
    program = (
        "import pandas as pd, numpy as np, sys\n"
        "from agnt5.codec import encode\n"
        "df = pd.DataFrame({'a': [1.5, None], 'b': ['x', None], 'c': pd.array([1, None], dtype='Int64')})\n"
        "sys.stdout.write(encode([df, np.arange(5), df['a']]).decode())"
    )
    assert run(program) == run(program)


def test_the_array_is_readable_by_other_tools() -> None:
    (payload,) = json.loads(encode(np.arange(3))).values()
    assert base64.b64decode(payload).startswith(b"\x93NUMPY")
    assert preview(encode(np.zeros((3, 4)))) == "ndarray(<f8, (3, 4))"
