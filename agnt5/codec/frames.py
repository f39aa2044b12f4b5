"""pandas DataFrames and Series as Arrow IPC streams, and pandas's own scalars.

Arrow cannot hold every frame. So each encoding is decoded again and compared, cell types, index and frequency included;
a difference is an error that names the column, never a frame that comes back changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnt5.codec.fault import Fault
from agnt5.codec.plain import dump, load
from agnt5.codec.reader import Reader
from agnt5.codec.same_frame import difference
from agnt5.codec.stdlib import base64_of, bytes_of, read_zone, zone_of
from agnt5.errors import SerializationError

if TYPE_CHECKING:
    from agnt5.codec.reader import Read
    from agnt5.codec.writer import Write, Writer

_EXTRA = "Install the extra: pip install 'agnt5[data]'."
_ONLY = "value"
"""Column name of a Series while it travels as a frame."""


def writer_for(cls: type) -> Write:
    """For DataFrame, Series, Timestamp, Timedelta, NaT and NA themselves; subclasses are refused."""
    import pandas as pd

    writers: dict[type, Write] = {
        pd.DataFrame: _write_frame,
        pd.Series: _write_series,
        pd.Timestamp: _write_timestamp,
        pd.Timedelta: lambda w, value: {"~pdtimedelta": [_integer(value), value.unit]},
        type(pd.NaT): lambda w, value: {"~pdmissing": "NaT"},
        type(pd.NA): lambda w, value: {"~pdmissing": "NA"},
    }
    write = writers.get(cls)
    if write is None:
        raise Fault(f"the codec does not know pandas.{cls.__name__}; record a DataFrame, a Series or plain data.")
    return write


def _write_frame(w: Writer, value: Any) -> Any:
    stream, notes = _arrow(w, value)
    found = difference(value, _frame(stream, _read_notes(notes)))
    if found is not None:
        where, why = found
        raise Fault(f"its {where} would not come back exactly ({why}). Convert it before it is recorded.")
    return {"~dataframe": [base64_of(stream), notes]}


def _write_series(w: Writer, value: Any) -> Any:
    frame = value.to_frame(name=_ONLY)
    frame.attrs = value.attrs
    stream, notes = _arrow(w, frame)
    found = difference(frame, _frame(stream, _read_notes(notes)))
    if found is not None:
        where, why = found
        where = "values" if where.startswith("column") else where
        raise Fault(f"its {where} would not come back exactly ({why}). Convert them before it is recorded.")
    try:
        name = w.tree(value.name)
    except Fault as fault:
        raise fault.at(".name") from fault.__cause__
    return {"~series": [base64_of(stream), notes, name]}


def _arrow(w: Writer, frame: Any) -> tuple[bytes, dict[str, Any]]:
    """The IPC stream of a frame, and JSON notes on what Arrow does not carry."""
    pa = _pyarrow()
    pd = _pandas()
    columns = frame.columns
    dated = isinstance(frame.index, pd.DatetimeIndex | pd.TimedeltaIndex)
    notes: dict[str, Any] = {
        "freq": frame.index.freqstr if dated else None,
        # Columns whose dtype pandas would choose anew on reading.
        "objects": [i for i, dtype in enumerate(frame.dtypes) if str(dtype) == "object"],
        # Arrow's labels are text; pandas turns these back into numbers, but not into a range.
        "labels": [columns.start, columns.stop, columns.step] if type(columns) is pd.RangeIndex else None,
        "shape": list(frame.shape),
        "attrs": w.tree(dict(frame.attrs)),
    }
    bare = frame
    if frame.attrs:
        bare = frame.copy(deep=False)
        bare.attrs = {}
    try:
        table = pa.Table.from_pandas(bare, preserve_index=None, nthreads=1)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.combine_chunks())
    # The last is what column types of other packages raise that have no form in Arrow.
    except (pa.ArrowException, TypeError, ValueError, OverflowError, NotImplementedError) as error:
        text = " ".join(str(part) for part in error.args)
        raise Fault(
            f"Arrow cannot hold this frame: {text[:300]}. Convert that column before it is recorded."
        ) from error
    return sink.getvalue().to_pybytes(), notes


def _frame(stream: bytes, notes: dict[str, Any]) -> Any:
    pa = _pyarrow()
    pd = _pandas()
    with pa.ipc.open_stream(pa.py_buffer(stream)) as reader:
        table = reader.read_all()
    table.validate(full=True)
    frame = table.to_pandas(use_threads=False, integer_object_nulls=True)
    for position in notes["objects"]:
        if str(frame.dtypes.iloc[position]) != "object":
            column = frame.iloc[:, position].astype(object)
            frame.isetitem(position, column)
    if notes["freq"] is not None:
        index = frame.index
        if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex) and index.freqstr != notes["freq"]:
            index.freq = notes["freq"]
    if notes["labels"] is not None:
        frame.columns = pd.RangeIndex(*notes["labels"], name=frame.columns.name)
    frame.attrs = notes["attrs"]
    return frame


def _read_notes(notes: dict[str, Any]) -> dict[str, Any]:
    """A copy with the attributes decoded, for the check that follows encoding."""
    return {**notes, "attrs": Reader().value(load(dump(notes["attrs"])))}


def _read_frame(r: Reader, payload: Any) -> Any:
    stream, notes = payload
    return _frame(bytes_of(stream), {**notes, "attrs": r.value(notes["attrs"])})


def _read_series(r: Reader, payload: Any) -> Any:
    stream, notes, name = payload
    frame = _frame(bytes_of(stream), {**notes, "attrs": r.value(notes["attrs"])})
    series = frame[_ONLY]
    series.name = r.value(name)
    series.attrs = frame.attrs
    return series


def _write_timestamp(w: Writer, value: Any) -> Any:
    return {"~timestamp": [_integer(value), value.unit, zone_of(value.tzinfo)]}


def _read_timestamp(r: Reader, payload: Any) -> Any:
    pd = _pandas()
    count, unit, zone = payload
    made = pd.Timestamp(_count(count), unit=unit).as_unit(unit)
    return made if zone is None else made.tz_localize("UTC").tz_convert(read_zone(zone))


def _count(payload: Any) -> int:
    if type(payload) is not int:
        raise ValueError("a whole number was expected")
    return payload


def _integer(value: Any) -> int:
    return int(value.asm8.astype("int64"))


def _read_timedelta(r: Reader, payload: Any) -> Any:
    count, unit = payload
    return _pandas().Timedelta(_count(count), unit=unit).as_unit(unit)


def _read_missing(r: Reader, payload: Any) -> Any:
    pd = _pandas()
    return {"NaT": pd.NaT, "NA": pd.NA}[payload]


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise SerializationError(f"A recorded pandas value cannot be read: pandas is not installed. {_EXTRA}") from None
    return pandas


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError:
        raise SerializationError(f"A DataFrame or Series needs pyarrow, which is not installed. {_EXTRA}") from None
    _pandas()
    return pyarrow


READERS: dict[str, Read] = {
    "~dataframe": _read_frame,
    "~series": _read_series,
    "~timestamp": _read_timestamp,
    "~pdtimedelta": _read_timedelta,
    "~pdmissing": _read_missing,
}
