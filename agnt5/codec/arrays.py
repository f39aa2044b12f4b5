"""numpy arrays and scalars, as npy inside base64. Object arrays are refused: they would need pickle.

The header is read first and must agree with the number of bytes, so a damaged or hostile record allocates nothing.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

from agnt5.codec.fault import Fault
from agnt5.codec.stdlib import base64_of, bytes_of
from agnt5.errors import SerializationError

if TYPE_CHECKING:
    from agnt5.codec.reader import Read
    from agnt5.codec.writer import Write, Writer


def writer_for(cls: type) -> Write:
    """For `numpy.ndarray` itself and the scalar classes; its subclasses (masked arrays, matrices) are refused."""
    import numpy as np

    if cls is np.ndarray:
        return _write_array
    if issubclass(cls, np.generic) and cls.__module__ == "numpy":
        return _write_scalar
    if issubclass(cls, np.ndarray):
        raise Fault(f"a numpy {cls.__name__} is more than an array; record numpy.asarray(value).")
    raise Fault(f"the codec does not know numpy.{cls.__name__}; record an array, a scalar or plain data.")


def _write_array(w: Writer, value: Any) -> Any:
    return {"~ndarray": base64_of(_npy(value))}


def _write_scalar(w: Writer, value: Any) -> Any:
    import numpy as np

    array = np.asarray(value)
    if array.dtype.kind in "SU" and array[()] != value:
        raise Fault("numpy drops NUL characters at the end of its text; record str(value).")
    return {"~npscalar": base64_of(_npy(array))}


def _npy(array: Any) -> bytes:
    from numpy.lib import format as npy

    if array.dtype.hasobject:
        raise Fault("its dtype holds Python objects; use a dtype of numbers or text, or a list.")
    if npy.descr_to_dtype(npy.dtype_to_descr(array.dtype)) != array.dtype:
        raise Fault(f"its dtype {array.dtype} has no form in the npy format; convert it with astype().")
    buffer = io.BytesIO()
    npy.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _read_array(r: Any, payload: Any) -> Any:
    return _from_npy(bytes_of(payload))


def _read_scalar(r: Any, payload: Any) -> Any:
    array = _from_npy(bytes_of(payload))
    if array.shape != ():
        raise ValueError("no scalar")
    return array[()]


def _from_npy(data: bytes) -> Any:
    np = _numpy()
    from numpy.lib import format as npy

    stream = io.BytesIO(data)
    version = npy.read_magic(stream)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read_header(stream)
    if dtype.hasobject:
        raise ValueError("an array of objects")
    offset = stream.tell()
    count = math.prod(shape)
    if count < 0 or count * dtype.itemsize != len(data) - offset:
        raise ValueError("the array's header does not fit its size")
    if dtype.itemsize == 0 or count == 0:
        return np.zeros(shape, dtype, order="F" if fortran else "C")
    flat = np.frombuffer(bytearray(data[offset:]), dtype, count)  # a bytearray, so that the array can be written to
    return flat.reshape(shape, order="F" if fortran else "C")


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        raise SerializationError(
            "A recorded numpy array cannot be read: numpy is not installed. Install the extra: "
            "pip install 'agnt5[data]'."
        ) from None
    return numpy


READERS: dict[str, Read] = {"~ndarray": _read_array, "~npscalar": _read_scalar}
