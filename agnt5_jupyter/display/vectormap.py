"""Vectors of many dimensions as points on a plane: their two main axes (principal components).

Near on the map is often near in meaning; far may be near in what the map leaves out.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

MISSING = 'The map needs numpy: pip install "agnt5[memory]".'


def plane(vectors: Sequence[Sequence[float]]) -> tuple[list[tuple[float, float]], float]:
    """A point for each vector, -1 to 1 on both axes, and the share of the variance that the map shows (0 to 1).

    ImportError without numpy.
    """
    import numpy

    if not vectors:
        return [], 0.0
    points = numpy.asarray(vectors, dtype=numpy.float64)
    points = points - points.mean(axis=0)
    _, sizes, axes = numpy.linalg.svd(points, full_matrices=False)
    flat = points @ axes[:2].T
    if flat.shape[1] < 2:
        flat = numpy.hstack([flat, numpy.zeros((len(flat), 2 - flat.shape[1]))])
    # The sign of an axis is arbitrary: the same facts shall give the same map.
    for axis in range(2):
        column = flat[:, axis]
        if column[numpy.abs(column).argmax()] < 0:
            flat[:, axis] = -column
    most = float(numpy.abs(flat).max()) or 1.0
    whole = float((sizes**2).sum())
    shown = float((sizes[:2] ** 2).sum()) / whole if whole else 1.0
    return [(float(x) / most, float(y) / most) for x, y in flat], shown


def has_numpy() -> bool:
    return find_spec("numpy") is not None
