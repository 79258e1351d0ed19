"""Labels of rows and columns: one formula, evaluated in one way, for every array, store and file."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def labels(origin: float, step: float, indices: ArrayLike) -> NDArray[np.float64]:
    """Return the coordinates of pixel centres, ``origin + (index + 0.5) * step``, in double precision.

    ``indices`` are absolute: counted from the grid's origin, not from a window's corner, and past the
    antimeridian they go on counting. The label of a pixel therefore has the same bits in every window,
    whatever was selected before. The shape is that of ``indices``. Indices up to 2**53 are exact.

    >>> labels(-180.0, 0.25, [0, 1, 1440]).tolist()
    [-179.875, -179.625, 180.125]
    >>> labels(90.0, -0.25, range(2)).tolist()
    [89.875, 89.625]
    """
    return origin + (np.asarray(indices, dtype=np.float64) + 0.5) * step


def fractional_indices(origin: float, step: float, coordinates: ArrayLike) -> NDArray[np.float64]:
    """Return where coordinates lie among the pixels: whole numbers are centres, halves are edges.

    The inverse of `labels` but for rounding: up to a few units in the last place of ``origin / step``.

    >>> fractional_indices(-180.0, 0.25, [-179.875, -180.0]).tolist()
    [0.0, -0.5]
    """
    return (np.asarray(coordinates, dtype=np.float64) - origin) / step - 0.5
