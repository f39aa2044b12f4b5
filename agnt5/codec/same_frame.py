"""Whether two frames are the same to the last cell type; tells where they first differ.

It compares what pandas's own equality passes over: types of cells in object columns, missing values of different kinds,
categories, frequency, names and attributes.
"""

from __future__ import annotations

from typing import Any


def difference(a: Any, b: Any) -> tuple[str, str] | None:
    """None, or where (`column 'price'`) and why."""
    if a.shape != b.shape:
        return "shape", f"{a.shape} became {b.shape}"
    for what, left, right in (("index", a.index, b.index), ("column labels", a.columns, b.columns)):
        why = _index(left, right)
        if why is not None:
            return what, why
    for position in range(a.shape[1]):
        why = _column(a.iloc[:, position], b.iloc[:, position])
        if why is not None:
            return f"column {a.columns[position]!r}", why
    if a.attrs != b.attrs:
        return "attrs", "they differ"
    if a.flags.allows_duplicate_labels != b.flags.allows_duplicate_labels:
        return "flags", "they are not recorded"
    return None


def _index(a: Any, b: Any) -> str | None:
    if type(a) is not type(b):
        return f"{type(a).__name__} became {type(b).__name__}"
    if list(a.names) != list(b.names) or [type(n) for n in a.names] != [type(n) for n in b.names]:
        return f"names {list(a.names)} became {list(b.names)}"
    if getattr(a, "freqstr", None) != getattr(b, "freqstr", None):
        return f"frequency {a.freqstr} became {b.freqstr}"
    if a.nlevels > 1:
        for level in range(a.nlevels):
            why = _values(a.get_level_values(level), b.get_level_values(level))
            if why is not None:
                return why
        return None
    return _values(a, b)


def _column(a: Any, b: Any) -> str | None:
    return _values(a, b)


def _values(a: Any, b: Any) -> str | None:
    if not _same_dtype(a.dtype, b.dtype):
        return f"dtype {a.dtype} became {b.dtype}"
    if a.dtype == object:
        for left, right in zip(a, b, strict=True):
            why = _cell(left, right, 0)
            if why is not None:
                return why
        return None
    left, right = a.array, b.array
    # Missing values compare by place, the others by value.
    absent = left.isna()
    if not (absent == right.isna()).all():
        return "missing values moved"
    if not bool((left[~absent] == right[~absent]).all()):
        return "values differ"
    if a.dtype.kind == "f" and isinstance(absent, _ndarray()):
        import numpy as np

        if not (np.signbit(left[~absent]) == np.signbit(right[~absent])).all():
            return "the sign of a zero"
    return None


def _same_dtype(a: Any, b: Any) -> bool:
    if type(a) is not type(b) or a != b:
        return False
    categories = getattr(a, "categories", None)
    if categories is None:
        return str(a) == str(b)
    return a.ordered == b.ordered and _values(categories, b.categories) is None


def _cell(a: Any, b: Any, depth: int) -> str | None:
    if type(a) is not type(b):
        return f"a {type(a).__name__} became a {type(b).__name__}"
    if depth > 20:
        return "cells nested too deep"
    if isinstance(a, float):
        return None if repr(a) == repr(b) else "a float differs"
    if isinstance(a, list | tuple):
        if len(a) != len(b):
            return "a list differs"
        return next((why for x, y in zip(a, b, strict=True) if (why := _cell(x, y, depth + 1)) is not None), None)
    if isinstance(a, dict):
        if list(a) != list(b):
            return "a dict differs"
        return next((why for key in a if (why := _cell(a[key], b[key], depth + 1)) is not None), None)
    if a is b:
        return None
    import numpy as np

    if isinstance(a, np.ndarray):
        same = a.dtype == b.dtype and a.dtype != object and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
        return None if same else "an array in a cell differs"
    try:
        same = bool(a == b)
    except Exception:
        return f"cells of type {type(a).__name__} cannot be compared"
    # Equal datetimes may still be in different zones.
    if not same or getattr(a, "tzinfo", None) != getattr(b, "tzinfo", None):
        return f"a {type(a).__name__} differs"
    return None


def _ndarray() -> Any:
    import numpy as np

    return np.ndarray
